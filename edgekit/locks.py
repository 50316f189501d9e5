"""Locks of open files, by which one process tells that another one lives. The kernel frees them when it ends."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from edgekit.errors import EdgekitError, clean

__all__ = ["claimed", "lock", "release", "remove_if_free", "still_there"]

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
"""What some network file systems answer."""
_LONGEST = 200
_File = tuple[int, int]
"""Device and number of a file."""
_locked: dict[int, _File] = {}
"""Descriptors whose files this process has locked."""
_claims: dict[_File, int] = {}
"""By file of a claim, the thread of this process that has it."""


def lock(file: int, *, wait: bool = True) -> bool:
    """Take the lock of an open file, until `release`, or until this process ends: one that it forks does not keep it.

    Args:
        file: Its descriptor.
        wait: Whether to wait for the process that has it.

    Returns:
        Whether it is held: False where the system (Windows) or the file system has no such locks.

    Raises:
        BlockingIOError: Another process has it, and `wait` is False.
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    _locked[file] = _identity(file)
    return True


def release(file: int) -> None:
    """Close a file, and so give its lock back."""
    _locked.pop(file, None)
    os.close(file)


@contextmanager
def claimed(path: Path, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Keep a claim to oneself in this block: a locked file that says who has it, and that goes with the block.

    Args:
        path: The file, in a folder that stays there.
        wait: Called with who has the claim, before this process waits for him; None does not wait.

    Raises:
        BlockingIOError: Another process or thread has it, and `wait` is None.
        EdgekitError: This thread has it, and would wait for itself.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            try:
                lock(file, wait=False)
            except BlockingIOError:
                if wait is None:
                    raise
                if _claims.get(_identity(file)) == threading.get_ident():
                    raise EdgekitError(
                        "A run claims a step or an output folder once, and releases it before it claims it again.",
                        received=f"{path}, which this run has",
                        remedy="Do not start the same run inside itself, for example from its observer.",
                    ) from None
                wait(_one_line(os.pread(file, _LONGEST, 0)) or "another run")
                lock(file)
            if not still_there(file, path):  # who had it has removed it, and the next one may have a new file
                continue
            os.ftruncate(file, 0)
            os.pwrite(file, _ourselves().encode(), 0)
            _claims[_identity(file)] = threading.get_ident()
            try:
                yield
            finally:
                _claims.pop(_identity(file), None)
                if still_there(file, path):  # in a process that was forked meanwhile, the claim is its parent's
                    with suppress(OSError):
                        path.unlink()
            return
        finally:
            release(file)


def remove_if_free(path: Path) -> None:
    """Remove the file of a claim that a killed process had; one whose process lives stays."""
    with suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if lock(file, wait=False) and still_there(file, path):
                path.unlink()
        finally:
            release(file)


def still_there(file: int, path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


def _identity(file: int) -> _File:
    about = os.fstat(file)
    return about.st_dev, about.st_ino


def _one_line(said: bytes) -> str:
    """What a claim's file says, of which anybody may be the author."""
    return " ".join(clean(said.decode(errors="replace")).split())


def _forget() -> None:
    """In a process that was forked: its parent's locks must not outlive the parent.

    The descriptors keep their numbers, as the code that runs here may close them.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for file, known in _locked.items():
        with suppress(OSError):
            if _identity(file) == known:
                os.dup2(nothing, file, inheritable=False)
    os.close(nothing)
    _locked.clear()
    _claims.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} (since {datetime.now():%Y-%m-%d %H:%M:%S})"[:_LONGEST]
