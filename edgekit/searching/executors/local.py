"""Worker processes on this machine, each with TensorFlow loaded once; one that dies is replaced."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from re import compile as pattern
from typing import IO

from edgekit.errors import UsageError
from edgekit.places import by_place
from edgekit.sandbox import wire
from edgekit.sandbox.endings import cause, telling_lines
from edgekit.sandbox.memory import MemoryWatch
from edgekit.sandbox.processes import Child, attend
from edgekit.searching.executors import Options
from edgekit.searching.trial import Job, Outcome

__all__ = ["Local", "make"]

_MODULE = "edgekit.searching.executors._worker"
_CHATTER = pattern(r"WARNING: All log|[IWE]0000|\d{4}-\d\d-\d\d|$")
_PATIENCE = 5.0  # seconds that a worker has to end


def make(options: Options) -> Local:
    """As many processes as there are workers, each started when it is first needed.

    Raises:
        UsageError: An address, which only a cluster has.
    """
    if options.address is not None:
        raise UsageError(
            "Only a cluster has an address.",
            received=options.address,
            remedy=by_place(command="Add --executor ray.", python='Add executor="ray".'),
        )
    return Local(options)


class Local:
    """An Executor."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._started = 0

    def free(self) -> int:
        """How many jobs can be given now."""
        return self._options.workers - len(self._busy)

    def submit(self, job: Job) -> None:
        """Give a job to a worker that has none."""
        worker = self._idle.pop() if self._idle else self._start()
        worker.begin(job, self._options)
        self._busy.append(worker)

    def wait(self, seconds: float) -> list[Outcome]:
        """Outcomes of jobs that have ended; those over their limits are ended here."""
        now = time.monotonic()
        until = min([now + seconds, *(w.deadline for w in self._busy)])
        ready = select.select([w.sock for w in self._busy], [], [], max(0.0, min(until - now, seconds)))[0]
        outcomes = []
        for worker in list(self._busy):
            outcome = worker.end() if worker.sock in ready else worker.overdue()
            if outcome is not None:
                outcomes.append(outcome)
                self._busy.remove(worker)
                if worker.alive:
                    self._idle.append(worker)
        return outcomes

    def close(self) -> None:
        """End every worker."""
        for worker in (*self._idle, *self._busy):
            worker.kill()
        self._idle, self._busy = [], []

    def _start(self) -> _Worker:
        self._started += 1
        self._options.folder.mkdir(parents=True, exist_ok=True)
        return _Worker(self._options.folder / f"worker{self._started}.log")


@dataclass
class _Running:
    job: Job
    started: float
    limit: float | None
    watch: MemoryWatch | None


class _Worker:
    """One process and the job that it has."""

    def __init__(self, log: Path) -> None:
        ours, theirs = socket.socketpair()
        self.sock, self.alive = ours, True
        self._log: IO[bytes] = log.open("w+b")
        with theirs:
            self._process: Child = attend(_MODULE, None, theirs.fileno(), self._log.fileno())
        self._running: _Running | None = None

    @property
    def deadline(self) -> float:
        """When its job has had its time."""
        running = self._running
        return float("inf") if running is None or running.limit is None else running.started + running.limit

    def begin(self, job: Job, options: Options) -> None:
        watch = None
        if options.memory_limit is not None:
            Path(job.folder).mkdir(parents=True, exist_ok=True)
            watch = MemoryWatch(self._process.pid, options.memory_limit, job.folder)
        self._running = _Running(job, time.monotonic(), options.time_limit, watch)
        with suppress(OSError):  # a worker that is gone is told of when its outcome is waited for
            wire.send(self.sock, {"job": vars(job)})

    def end(self) -> Outcome:
        """The outcome of a job whose worker has answered, or is gone."""
        running = self._taken()
        try:
            header, _ = wire.receive(self.sock)
            return Outcome(**header["outcome"])
        except (EOFError, OSError, wire.ProtocolError, TypeError, KeyError):
            return self._dead(running)
        finally:
            if running.watch is not None:
                running.watch.close()

    def overdue(self) -> Outcome | None:
        """The outcome of a job that has had its time; None where it has some left."""
        if time.monotonic() < self.deadline:
            return None
        running = self._taken()
        self.kill()
        return _failed(running, f"The trial did not end within {running.limit:g} seconds.")

    def kill(self) -> None:
        """End the process, at once."""
        self.alive = False
        with suppress(OSError):
            self._process.kill()
            self._process.wait(_PATIENCE)
        self.sock.close()
        self._log.close()

    def _taken(self) -> _Running:
        running, self._running = self._running, None
        assert running is not None, "it has a job"
        return running

    def _dead(self, running: _Running) -> Outcome:
        code = None
        with suppress(Exception):
            code = self._process.wait(_PATIENCE)
        lines = telling_lines(self._log, _CHATTER)
        if running.watch is not None and running.watch.reached:
            reason = "The trial took more memory than its limit."
        else:
            reason = f"The trial's process died ({cause(code)})" + (f": {lines[-1][:300]}" if lines else ".")
        self.kill()
        return _failed(running, reason)


def _failed(running: _Running, reason: str) -> Outcome:
    job = running.job
    return Outcome(job.number, job.rung, "failed", reason=reason, seconds=time.monotonic() - running.started)
