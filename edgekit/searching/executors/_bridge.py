"""Ray's driver: submits trials as tasks to a cluster and tells what became of them, over a socket.

Run as `python -P -m edgekit.searching.executors._bridge FD`. It is a process of its own since Ray ends the process that
it runs in when a cluster goes away, prints what it likes, and waits for minutes where there is nothing.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from edgekit.sandbox import wire
from edgekit.sandbox.manners import end_with_connection
from edgekit.searching.executors._task import run

if TYPE_CHECKING:
    from ray import ObjectRef, RemoteFunction

__all__ = ["attend", "main"]

_PAUSE = 0.2  # seconds between looks at tasks
_CONNECTED = 5.0  # seconds that a cluster has to take a connection
_NO_NODE = 60.0
"""Seconds after which a cluster without a node for trials is given up: one that restarts comes back before."""

_Told = dict[str, Any]
"""JSON-ready."""


def main() -> None:
    """Serve the search at the other end of the socket that the first argument names; never returns."""
    attend(socket.socket(fileno=int(sys.argv[1])))


def attend(sock: socket.socket) -> NoReturn:
    """Serve the search at the other end of the socket, until it says that it is over; never returns.

    Where that end closes without a word, this process ends, and Ray ends its tasks.
    """
    end_with_connection(sock.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the search ends this process
    with suppress(EOFError, ConnectionError):
        header, _ = wire.receive(sock)
        refused = _refused(header["address"])
        wire.send(sock, {} if refused is None else {"refused": refused})
        if refused is None:
            _serve(sock, header["setting"])
    os._exit(0)


def _refused(address: str) -> _Told | None:
    """Connect; what is wrong where that cannot be done."""
    told = _closed(address)
    if told is not None:
        return _unreachable(address, told)
    try:
        import ray
    except ImportError as error:
        return {"missing": str(error)}
    try:
        ray.init(address, log_to_driver=False, logging_level="error")
    except Exception as error:  # Ray raises RuntimeError, ConnectionError, ValueError, OSError, and errors of its own
        said = str(error)
        if "Version mismatch" in said:
            return _another_version(said)
        return _unreachable(address, " ".join(said.split())[:300])
    if ray.cluster_resources().get("CPU", 0) < 1:
        return {
            "rule": "A cluster needs a node with a CPU for trials.",
            "received": f"a cluster at {address} without any",
            "remedy": "Add one: ray start --address=HOST:PORT.",
        }
    return None


def _closed(address: str) -> str | None:
    """Why nothing listens at HOST:PORT, which Ray itself would try for minutes; None where something may."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return None
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECTED).close()
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return None


def _unreachable(address: str, said: str) -> _Told:
    return {
        "rule": "The cluster of a search must be reachable.",
        "received": f"{address}: {said}".rstrip("."),
        "remedy": "Start one with: ray start --head; or name it: --address HOST:PORT (address= in Python).",
    }


def _another_version(said: str) -> _Told:
    """Of Ray's text: for the cluster and for this process a line `Ray: version` and a line `Python: version`."""
    found = [
        line.split(":", 1)[1].strip() for line in said.splitlines() if line.strip().startswith(("Ray:", "Python:"))
    ]
    if len(found) == 4:
        said = f"Ray {found[0]} and Python {found[1]} there, Ray {found[2]} and Python {found[3]} here"
    return {
        "rule": "A search and its cluster must have the same Ray and the same Python.",
        "received": " ".join(said.split()),
        "remedy": "Install the same ones here and on each node.",
    }


def _serve(sock: socket.socket, setting: _Told) -> None:
    import ray

    tasks = _Tasks(ray.remote(num_cpus=1, max_retries=0)(run), setting)
    try:
        while True:
            if select.select([sock], [], [], _PAUSE)[0]:
                header, _ = wire.receive(sock)
                if "job" not in header:
                    break
                tasks.start(header["job"])
            for told in tasks.ended():
                wire.send(sock, told)
    finally:
        tasks.cancel()
        ray.shutdown()


@dataclass
class _Tasks:
    """Those that run or wait for a node, and their jobs."""

    function: RemoteFunction[[_Told, _Told], _Told]
    setting: _Told
    jobs: dict[ObjectRef[_Told], _Told] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)

    def start(self, job: _Told) -> None:
        if not self.jobs:
            self.seen = time.monotonic()
        self.jobs[self.function.remote(job, self.setting)] = job

    def ended(self) -> list[_Told]:
        """What became of tasks that have ended."""
        import ray

        if not self.jobs:
            return []
        ready = ray.wait(list(self.jobs), num_returns=len(self.jobs), timeout=0)[0]
        return [self._result(ref, self.jobs.pop(ref)) for ref in ready] or self._without_nodes()

    def cancel(self) -> None:
        """End all of them; Ray's workers are killed, and their children end with them."""
        import ray

        for ref in self.jobs:
            with suppress(Exception):  # it may have ended
                ray.cancel(ref, force=True)

    def _result(self, ref: ObjectRef[_Told], job: _Told) -> _Told:
        import ray
        from ray.exceptions import RayError, RaySystemError, RayTaskError, RuntimeEnvSetupError, TaskUnschedulableError

        try:
            return ray.get(ref)
        except (RayTaskError, RaySystemError, RuntimeEnvSetupError, TaskUnschedulableError) as error:
            return {"refused": _not_there(str(error))}
        except RayError as error:  # the worker or its node has ended, or was ended for want of memory
            reason = f"The trial's node or its worker there is gone: {_first_sentence(str(error))}"
            return {"outcome": {"number": job["number"], "rung": job["rung"], "status": "lost", "reason": reason}}

    def _without_nodes(self) -> list[_Told]:
        """What to say where tasks wait and no node has been there for a while."""
        import ray

        now = time.monotonic()
        if now - self.seen < _NO_NODE / 4:
            return []
        if ray.cluster_resources().get("CPU", 0) >= 1:
            self.seen = now
        if now - self.seen < _NO_NODE:
            return []
        return [
            {
                "refused": {
                    "rule": "A cluster needs a node with a CPU for trials.",
                    "received": f"none for {_NO_NODE:g} seconds",
                    "remedy": "Add one and go on with --resume (resume=True in Python); nothing that was told is lost.",
                }
            }
        ]


def _not_there(said: str) -> _Told:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return {
        "rule": "All nodes of a cluster must be able to run EdgeKit's trials.",
        "received": (lines[-1] if lines else "a task that failed")[:300].rstrip("."),
        "remedy": 'Install EdgeKit there: pip install "edgekit[cluster,train]", and all that a trial needs.',
    }


def _first_sentence(said: str) -> str:
    text = " ".join(said.split())
    return text.partition(". ")[0][:300].rstrip(".") + "."


if __name__ == "__main__":
    main()
