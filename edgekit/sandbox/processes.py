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
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import edgekit
from edgekit.sandbox.folder import temporary_folder

__all__ = ["Child", "attend", "cold", "kept_warm", "start", "warm"]

_KEPT = (
    "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    "TF_ENABLE_ONEDNN_OPTS", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "PYTHONPATH", "VIRTUAL_ENV",
)  # fmt: skip
"""Of the user's environment; secrets in it stay with the user."""
_AT_START = ("PYTHON", "LD_", "OMP_", "OPENBLAS_", "MKL_", "TF_", "KERAS_", "CUDA_", "MALLOC_", "GLIBC_")
"""How variables begin that an interpreter or a library reads only when it starts; others a forked child gets anew."""


class Child(Protocol):
    """A process that was started, as `subprocess` shows it."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give its exit code, negative for a signal's; `subprocess.TimeoutExpired` if too long."""
        ...

    def kill(self) -> None:
        """End it, if it has not ended."""


@contextmanager
def warm() -> Iterator[None]:
    """Fork the children of this block off processes that hold what their jobs import: TensorFlow takes seconds.

    For programs that read or convert many files. A child is confined as any other, and has seen no other file: what it
    is forked off only imports. One such process is kept for each kind of job, until the block ends. A thread that the
    block starts does without, unless it runs in a copy of the block's context.
    """
    with _Servers() as servers:
        token = _servers.set(servers)
        try:
            yield
        finally:
            _servers.reset(token)


@contextmanager
def kept_warm() -> Iterator[None]:
    """`warm`, or inside a block of it those processes again."""
    if _servers.get() is not None:
        yield
        return
    with warm():
        yield


@contextmanager
def cold() -> Iterator[None]:
    """Start the children of this block as new interpreters, also inside of `warm`: where their time is measured."""
    token = _servers.set(None)
    try:
        yield
    finally:
        _servers.reset(token)


def start(job: str | None, bounds: Mapping[str, Any], connection: int, log: int) -> Child:
    """Start the worker of a job, in a process group of its own: Ctrl-C is the parent's to answer.

    Args:
        job: The job's module, or None for a worker without.
        bounds: What confines it, JSON-ready; `folder` is where it may write.
        connection: The descriptor of its end of the socket.
        log: The descriptor that takes what it prints.
    """
    if job is not None:
        forked = _forked(_Kind(job), {"bounds": bounds}, connection, log)
        if forked is not None:
            return forked
    environment = _environment(bounds["folder"])
    told = json.dumps(bounds)
    return _run("edgekit.sandbox.worker", connection, told, log=log, environment=environment, group=True)


def attend(module: str, preloaded: str | None, connection: int, log: int) -> Child:
    """Start a module that answers on a socket until it closes, in the user's own environment.

    Args:
        module: What runs as a program with the descriptor of its end of the socket; has `attend(socket)`, and
            `preload(preloaded)`, which what it is forked off calls once.
        preloaded: What that imports; None for nothing.
        connection: The descriptor of its end of the socket.
        log: The descriptor that takes what it prints.
    """
    environment = dict(os.environ)
    at_start = tuple(sorted(item for item in environment.items() if item[0].startswith(_AT_START)))
    forked = _forked(_Kind(module, preloaded, at_start), {"environment": environment}, connection, log)
    return forked or _run(module, connection, log=log, environment=os.environ, group=False)


@dataclass(frozen=True)
class _Kind:
    """Which children one process is forked for.

    Attributes:
        module: The job's module.
        preloaded: What it imports beside.
        environment: What of the user's counts when an interpreter or a library starts, where they have the user's;
            None for that of confined children.
    """

    module: str
    preloaded: str | None = None
    environment: tuple[tuple[str, str], ...] | None = None


def _forked(kind: _Kind, order: Mapping[str, Any], connection: int, log: int) -> Child | None:
    """A child that was forked; None where children are not, or where what they are forked off has ended."""
    servers = _servers.get()
    if servers is None:
        return None
    server = servers.of(kind)
    try:
        return server.fork(order, connection, log)
    except OSError:  # it has ended, by a lack of memory for one
        servers.drop(kind, server)
        return None


class _Servers:
    """The processes of one `warm` block, of which each kind has one, whichever threads ask for it."""

    def __init__(self) -> None:
        self._lock, self._by_kind = Lock(), dict[_Kind, _Server]()
        # They end with the thread that started them, for the kernel knows no parent but it: one that lasts as they do.
        self._starter = ThreadPoolExecutor(1, "edgekit warm children")

    def __enter__(self) -> _Servers:
        return self

    def __exit__(self, *exc: object) -> None:
        for server in self._by_kind.values():
            server.close()
        self._starter.shutdown()

    def of(self, kind: _Kind) -> _Server:
        with self._lock:
            if kind not in self._by_kind:
                self._by_kind[kind] = self._starter.submit(_Server, kind).result()
            return self._by_kind[kind]

    def drop(self, kind: _Kind, server: _Server) -> None:
        with self._lock:
            if self._by_kind.get(kind) is server:
                del self._by_kind[kind]
        server.close()


class _Server:
    """The process that children of one kind are forked off."""

    def __init__(self, kind: _Kind) -> None:
        self._lock, self._exit = Lock(), ExitStack()
        folder = self._exit.enter_context(temporary_folder())
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = _environment(folder) if kind.environment is None else {**os.environ, **dict(kind.environment)}
        arguments = [kind.module] if kind.preloaded is None else [kind.module, kind.preloaded]
        with theirs:
            self._process = _run(
                "edgekit.sandbox.forking",
                theirs.fileno(),
                *arguments,
                log=subprocess.DEVNULL,
                environment=environment,
                group=True,
            )

    def fork(self, order: Mapping[str, Any], connection: int, log: int) -> Child:
        with self._lock:
            socket.send_fds(self._control, [json.dumps(order).encode()], [connection, log])
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

    def kill(self) -> None:
        if self.returncode is None:  # until then its number is no other process's
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


_servers: ContextVar[_Servers | None] = ContextVar("servers", default=None)


def _run(
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
