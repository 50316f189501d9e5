"""Starting a child: a new interpreter, or inside `warm()` a fork of one that has imported what the job needs."""

from __future__ import annotations

import json
import os
import signal
import site
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import edgekit
from edgekit.sandbox.folder import temporary_folder

__all__ = ["Child", "kept_warm", "popen", "start", "warm"]

_KEPT = (
    "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    "TF_ENABLE_ONEDNN_OPTS", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "PYTHONPATH", "VIRTUAL_ENV",
)  # fmt: skip
"""Of the user's environment; secrets in it stay with the user."""


class Child(Protocol):
    """A process that was started, as `subprocess` shows it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give its exit code, negative for a signal's; `subprocess.TimeoutExpired` if too long."""


@contextmanager
def warm() -> Iterator[None]:
    """Fork the children of this block off processes that hold what their jobs import: TensorFlow takes seconds.

    For programs that read or convert many files. A child is confined as any other, and has seen no other file: what it
    is forked off only imports. One such process is kept for each kind of job, until the block ends; threads that the
    block starts do without.
    """
    servers: dict[str, _Server] = {}
    token = _servers.set(servers)
    try:
        yield
    finally:
        _servers.reset(token)
        for server in servers.values():
            server.close()


@contextmanager
def kept_warm() -> Iterator[None]:
    """`warm`, or inside a block of it those processes again."""
    if _servers.get() is not None:
        yield
        return
    with warm():
        yield


def start(job: str | None, bounds: Mapping[str, Any], connection: int, log: int) -> Child:
    """Start the worker of a job, in a process group of its own: Ctrl-C is the parent's to answer.

    Args:
        job: The job's module, or None for a worker without.
        bounds: What confines it, JSON-ready; `folder` is where it may write.
        connection: The descriptor of its end of the socket.
        log: The descriptor that takes what it prints.
    """
    servers = _servers.get()
    if servers is None or job is None:
        return _popen("edgekit.sandbox.worker", connection, json.dumps(bounds), bounds["folder"], log)
    if job not in servers:
        servers[job] = _Server(job)
    try:
        return servers[job].fork(bounds, connection, log)
    except OSError:  # it has ended, by a lack of memory for one
        servers.pop(job).close()
        return _popen("edgekit.sandbox.worker", connection, json.dumps(bounds), bounds["folder"], log)


class _Server:
    """The process that workers of one job are forked off."""

    def __init__(self, job: str) -> None:
        self._lock, self._exit = Lock(), ExitStack()
        folder = self._exit.enter_context(temporary_folder())
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _popen("edgekit.sandbox.forking", theirs.fileno(), job, folder, subprocess.DEVNULL)

    def fork(self, bounds: Mapping[str, Any], connection: int, log: int) -> Child:
        order = json.dumps({"bounds": bounds}).encode()
        with self._lock:
            socket.send_fds(self._control, [order], [connection, log])
            return _Forked(int(self._answer()), self)

    def wait(self, pid: int, seconds: float | None) -> int | None:
        """The exit code of a worker, or None where it has not ended in time; they end with what they are forked off."""
        try:
            with self._lock:
                self._control.send(json.dumps({"wait": pid, "seconds": seconds}).encode())
                answer: int | None = self._answer()
        except OSError:
            return -signal.SIGKILL
        return answer

    def close(self) -> None:
        self._control.close()  # which ends it
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._process.kill()
        self._process.wait()
        self._exit.close()

    def _answer(self) -> Any:
        answer = self._control.recv(1 << 10)
        if not answer:
            raise ConnectionError("the process that forks children has ended")
        return json.loads(answer)


class _Forked:
    def __init__(self, pid: int, server: _Server) -> None:
        self.pid, self._server = pid, server
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._server.wait(self.pid, timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self.returncode


_servers: ContextVar[dict[str, _Server] | None] = ContextVar("servers", default=None)


def popen(
    module: str, connection: int, *arguments: str, log: int, environment: Mapping[str, str], group: bool
) -> subprocess.Popen[bytes]:
    """Run a module of EdgeKit's in a new interpreter, which finds EdgeKit also where it is not installed.

    Args:
        module: Its first argument is the descriptor of `connection`.
        connection: The descriptor of its end of a socket.
        arguments: What follows.
        log: The descriptor that takes what it prints.
        environment: Its environment variables.
        group: Start a process group of its own: Ctrl-C is the parent's to answer.
    """
    root = Path(edgekit.__file__).resolve().parent.parent
    paths = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), str(root), str(root / "converters")]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(connection), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[connection],
        env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=group,
    )


def _popen(module: str, connection: int, argument: str, folder: str, log: int) -> subprocess.Popen[bytes]:
    return popen(module, connection, argument, log=log, environment=_environment(folder), group=True)


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        "OPENBLAS_NUM_THREADS": "1",  # reading and converting multiply few matrices
        "MKL_NUM_THREADS": "1",
        **kept,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUSERBASE": site.getuserbase(),  # which is found by HOME otherwise
        "HOME": folder,
        "TMPDIR": folder,
        "KERAS_HOME": folder,
        "KERAS_BACKEND": "tensorflow",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
