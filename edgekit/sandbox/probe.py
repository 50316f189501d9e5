"""A job that tries what a child must not do, and says how each went: for the tests of the confinement."""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import ConversionError, EdgekitError

if TYPE_CHECKING:
    from edgekit.tensors import Array

__all__ = ["serve"]


def serve(request: dict[str, Any], arrays: list[Array], folder: Path) -> tuple[dict[str, Any], list[Array]]:
    """Try the acts of the request, each a list of a name and its arguments.

    Returns:
        `answers`, one for each act: a list of its result, or a sentence with the error that came.
    """
    table = {**_FILES, **_OTHERS, **_ENDS}
    answers: list[object] = []
    for name, *arguments in request["acts"]:
        try:
            answers.append([table[name](*(folder if a == "FOLDER" else a for a in arguments))])
        except EdgekitError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            answers.append(f"{type(error).__name__}: {error}")
    return {"answers": answers}, arrays


def _through_link(link: Path, path: str) -> str:
    (link / "link").symlink_to(path)
    return (link / "link").read_text()[:10]


def _empty_by_reading(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))


def _change_mode_open(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o777)
    finally:
        os.close(descriptor)


def _device(folder: Path, kind: int) -> None:
    os.mknod(folder / "device", kind | 0o600, os.makedev(1, 1))


def _zero(code: int) -> None:
    if code:
        raise OSError(ctypes.get_errno(), "not permitted")


def _call(x86_64: int, arm64: int, *arguments: int) -> None:
    number = x86_64 if os.uname().machine == "x86_64" else arm64
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in arguments)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _read_in_thread(path: str) -> str:
    caught: list[object] = []

    def read() -> None:
        try:
            caught.append(Path(path).read_text())
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    if isinstance(caught[0], OSError):
        raise caught[0]
    return str(caught[0])


def _filtered_threads() -> list[int]:
    """Of each thread of this process, the mode of its system call filter: 0 where it has none."""
    product = np.ones((300, 300)) @ np.ones((300, 300))  # starts the threads of the linear algebra, if any
    assert product[0, 0] == 300
    lines = [line for task in Path("/proc/self/task").iterdir() for line in (task / "status").read_text().splitlines()]
    return [int(line.split()[1]) for line in lines if line.startswith("Seccomp:")]


def _descriptors() -> list[str]:
    return sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in range(64) if os.path.exists(f"/proc/self/fd/{fd}"))


def _signal_by_queue(pid: int) -> None:
    information = ctypes.create_string_buffer(128)
    ctypes.c_int.from_buffer(information, 8).value = -1  # si_code: as sigqueue() sends
    _call(129, 138, pid, 0, ctypes.addressof(information))


_FILES: dict[str, Callable[..., object]] = {
    "read": lambda path: Path(path).read_bytes().decode(errors="replace")[:100],
    "read in a thread": _read_in_thread,
    "list": os.listdir,
    "write": lambda path: Path(path).write_text("written"),
    "write own": lambda folder: (folder / "file").write_text("written"),
    "append": lambda path: open(path, "ab").close(),
    "make": lambda path: os.mkdir(Path(path) / "made"),
    "symbolic link": _through_link,
    "hard link": lambda folder, path: os.link(path, folder / "hard"),
    "move in": lambda folder, path: os.rename(path, folder / "moved"),
    "move out": lambda folder, path: os.rename(folder / "file", path),
    "remove": os.remove,
    "truncate": lambda path: os.truncate(path, 0),
    "empty by reading": _empty_by_reading,
    "chmod": lambda path: os.chmod(path, 0o777),
    "fchmod": _change_mode_open,
    "chown": lambda path: os.chown(path, 1, 1),
    "touch": lambda path: os.utime(path, (0, 0)),
    "attribute": lambda path: os.setxattr(path, "user.a", b"b"),
    "block device": lambda folder: _device(folder, stat.S_IFBLK),
    "character device": lambda folder: _device(folder, stat.S_IFCHR),
    "watch": lambda path: _call(254, 27, 0, ctypes.addressof(ctypes.create_string_buffer(os.fsencode(path))), 0xFFF),
}
_OTHERS: dict[str, Callable[..., object]] = {
    "tcp": lambda port: socket.create_connection(("127.0.0.1", port), 1),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "pair": socket.socketpair,
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "program": lambda: subprocess.run(["/bin/true"], check=True),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "shell": lambda: _zero(os.system("true")),
    "fork": os.fork,
    "kill": lambda pid: os.kill(pid, 0),
    "kill a thread": lambda pid: _call(234, 131, pid, pid, 0),
    "queue a signal": _signal_by_queue,
    "limit": lambda pid: resource.prlimit(pid, resource.RLIMIT_CORE),
    "slow": lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "pin": lambda pid: os.sched_setaffinity(pid, {0}),
    "trace": lambda pid: _zero(ctypes.CDLL(None, use_errno=True).ptrace(16, pid, 0, 0)),
    "outlive": lambda: _zero(ctypes.CDLL(None, use_errno=True).prctl(1, 0, 0, 0, 0)),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 19, 1 << 19)),
    "hidden memory": lambda: os.memfd_create("hidden"),
    "namespace": lambda: _call(272, 97, 0x10000000),
    "environment": lambda: dict(os.environ),
    "path": lambda: sys.path,
    "folder": lambda folder: str(folder),
    "descriptors": _descriptors,
    "filtered threads": _filtered_threads,
}


def _take_over(message: bytes) -> None:
    numbers = [int(fd) for fd in os.listdir("/proc/self/fd")]
    (wire,) = [n for n in numbers if os.path.exists(f"/proc/self/fd/{n}") and stat.S_ISSOCK(os.fstat(n).st_mode)]
    os.write(wire, message)
    time.sleep(3600)


def _refuse(kind: str) -> None:
    if kind == "unknown":
        raise type("TakenOver", (EdgekitError,), {})("A rule holds.")
    raise ConversionError("A rule\x1b[31m holds.", received="a\nb\x9bc", remedy="Do\u202e that.")


def _spin() -> None:
    while True:
        pass


def _fill(folder: Path) -> None:
    for number in itertools.count():
        (folder / str(number)).write_bytes(bytes(10 << 20))


def _fill_removed(folder: Path) -> None:
    held = []
    for number in itertools.count():
        held.append(open(folder / str(number), "wb", buffering=0))
        os.remove(folder / str(number))
        held[-1].write(bytes(10 << 20))


def _nest(path: str) -> None:
    os.symlink(path, "link")
    for _ in range(3000):
        os.mkdir("inner", 0o300)
        os.chdir("inner")
        os.symlink(path, "link")


_ENDS: dict[str, Callable[..., object]] = {
    "memory": lambda size: int(np.ones(size // 8).sum()),
    "disk": _fill,
    "disk that is removed": _fill_removed,
    "nest": _nest,
    "sleep": lambda: time.sleep(3600),
    "spin": _spin,
    "abort": os.abort,
    "crash": lambda: ctypes.string_at(0),
    "leave": lambda: os._exit(7),
    "exit": lambda: sys.exit(3),
    "send": lambda text: _take_over(bytes.fromhex(text)),
    "refuse": _refuse,
    "divide": lambda: 1 / 0,
    "unserialisable": lambda: print,
}
