"""A cluster of Ray: each trial is a task there, done in a child of the task's worker with the limits of a local one.

Ray's driver is a process of its own, `_bridge`: Ray ends the process that it runs in when a cluster goes away. What
Ray would repeat by itself is off, so that the study alone says which attempt counts.
"""

from __future__ import annotations

import os
import re
import secrets
import select
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import edgekit
from edgekit.errors import EdgekitError, MissingDependency
from edgekit.sandbox import wire
from edgekit.sandbox.endings import telling_lines
from edgekit.sandbox.processes import Child, attend
from edgekit.searching.executors import Options
from edgekit.searching.executors._task import TOKEN, Setting
from edgekit.searching.trial import Job, Outcome

__all__ = ["Ray", "make"]

_MODULE = "edgekit.searching.executors._bridge"
_REACHED = 60.0  # seconds that a cluster has to answer
_PATIENCE = 10.0  # seconds that tasks have to be ended
_CARRIED = ("EDGEKIT_", "KERAS_", "TF_", "PYTHONHASHSEED")
"""How variables begin that count for a trial; OMP_NUM_THREADS and CUDA_VISIBLE_DEVICES are Ray's to set on a node."""
_CHATTER = re.compile(r"$|\s|\*\*\*|Traceback")


def make(options: Options) -> Ray:
    """Connect to a cluster that runs.

    Raises:
        MissingDependency: Ray is not installed.
        EdgekitError: No cluster answers, or it has another Ray or another Python.
    """
    try:
        version("ray")
    except PackageNotFoundError:
        raise _missing("it is not installed") from None
    return Ray(options)


class Ray:
    """An Executor."""

    def __init__(self, options: Options) -> None:
        self._options, self._address = options, options.address or "auto"
        self._running: dict[tuple[int, int], float] = {}
        self._token = secrets.token_hex(8)
        self._log: IO[bytes] = tempfile.TemporaryFile("w+b")
        self._sock, theirs = socket.socketpair()
        with theirs:
            self._process: Child = attend(_MODULE, None, theirs.fileno(), self._log.fileno())
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def free(self) -> int:
        """How many jobs can be given now; those above what the cluster has CPUs for wait there."""
        return self._options.workers - len(self._running)

    def submit(self, job: Job) -> None:
        """Make a task of a job."""
        if not self._running:
            self._show_folder()
        self._running[job.number, job.rung] = time.monotonic()
        folders = {name: _whole(getattr(job, name)) for name in ("folder", "store", "costs")}
        with suppress(OSError):  # a driver of Ray's that is gone is told of when outcomes are waited for
            wire.send(self._sock, {"job": {**vars(job), **folders}})

    def wait(self, seconds: float) -> list[Outcome]:
        """Outcomes of jobs that have ended; those whose node is gone are "lost".

        Raises:
            EdgekitError: The cluster is gone, or a node can do no trial.
        """
        outcomes: list[Outcome] = []
        while select.select([self._sock], [], [], 0 if outcomes else seconds)[0]:
            told = self._received(None)
            if "refused" in told:
                raise _error(told["refused"])
            outcome = Outcome(**told["outcome"])
            del self._running[outcome.number, outcome.rung]
            outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        """End what runs, and leave the cluster."""
        with suppress(OSError):
            wire.send(self._sock, {"over": True})
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._process.kill()  # Ray ends the tasks of a driver that is gone
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._sock.close()
        self._log.close()

    def _connect(self) -> None:
        options = self._options
        setting = Setting(
            edgekit.__version__,
            self._token,
            str(options.folder.absolute()),
            os.getcwd(),
            {name: value for name, value in os.environ.items() if name.startswith(_CARRIED)},
            options.memory_limit,
            options.time_limit,
        )
        with suppress(OSError):
            wire.send(self._sock, {"address": self._address, "setting": vars(setting)})
        told = self._received(_REACHED)
        if "missing" in told:
            raise _missing(told["missing"])
        if "refused" in told:
            raise _error(told["refused"])

    def _received(self, limit: float | None) -> dict[str, Any]:
        try:
            return wire.receive(self._sock, limit)[0]
        except TimeoutError:
            said = f"no answer within {_REACHED:g} seconds"
        except (EOFError, OSError, wire.ProtocolError):
            said = next(iter(telling_lines(self._log, _CHATTER)[-1:]), "the connection broke")[:300].rstrip(".")
        raise EdgekitError(
            "The cluster of a search must be reachable.",
            received=f"{self._address}: {said}",
            remedy="Check its address and that it runs."
            if limit is not None
            else "Start it and go on with --resume (resume=True in Python); nothing that was told is lost.",
        )

    def _show_folder(self) -> None:
        """Leave a sign in the folder, by which nodes know that they see the same one."""
        self._options.folder.mkdir(parents=True, exist_ok=True)
        sign = self._options.folder / TOKEN
        if not sign.exists() or sign.read_text() != self._token:
            sign.write_text(self._token)


def _whole(path: str | None) -> str | None:
    """A path that is the same wherever it is read."""
    return None if path is None else str(Path(path).absolute())


def _missing(said: str) -> MissingDependency:
    return MissingDependency(
        "A search on a cluster needs the package ray.",
        received=said,
        remedy="Install it: pip install 'edgekit[cluster]'.",
    )


def _error(told: dict[str, str]) -> EdgekitError:
    return EdgekitError(told["rule"], received=told["received"], remedy=told["remedy"])
