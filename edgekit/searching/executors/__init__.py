"""Where trials run, one executor a file: `make(options)` gives an Executor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgekit import registry
from edgekit.errors import EdgekitError, UsageError
from edgekit.searching import executors
from edgekit.searching.trial import Job, Outcome

__all__ = ["Executor", "Options", "check_room", "executor_names", "open_executor"]


@dataclass(frozen=True)
class Options:
    """What an executor may use.

    Attributes:
        workers: How many trials run at once.
        folder: For logs.
        memory_limit: Bytes of resident memory of one trial's process; None for no limit.
        time_limit: Seconds of one trial; None for no limit.
        address: Of the cluster; None for the one that runs on this machine.
    """

    workers: int
    folder: Path
    memory_limit: int | None = None
    time_limit: float | None = None
    address: str | None = None


class Executor(Protocol):
    """Runs jobs. What happens to a job is always an outcome: a crash is one that failed, with its reason."""

    def free(self) -> int:
        """How many jobs can be given now."""
        ...

    def submit(self, job: Job) -> None:
        """Start a job; there must be room for it."""

    def wait(self, seconds: float) -> list[Outcome]:
        """Outcomes of jobs that have ended, at most so many seconds waited for; empty where none has."""
        ...

    def close(self) -> None:
        """End what runs, and every process."""


def check_room(outcome: Outcome) -> None:
    """Stop where a job could not be done for want of room, which is nothing against its candidate.

    Raises:
        EdgekitError: The disk is full.
    """
    if outcome.status == "no room":
        raise EdgekitError(
            "The disk of a search must have room for its files.",
            received=f"{outcome.reason} in trial {outcome.number}",
            remedy="Make room and go on with --resume (resume=True in Python); nothing that was told is lost.",
        )


def executor_names() -> list[str]:
    """Those that there are."""
    return registry.names(executors)


def open_executor(name: str, options: Options) -> Executor:
    """Start an executor.

    Raises:
        UsageError: No such executor; fewer than one worker.
        EdgekitError: What it needs is not there.
    """
    if options.workers < 1:
        raise UsageError("A search has at least one worker.", received=str(options.workers))
    make: Callable[[Options], Executor] = registry.load(executors, name).make
    return make(options)
