"""Locks of open files, by which one process tells that another one lives. The kernel frees them when it ends."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

__all__ = ["claimed", "lock", "remove_if_free", "still_there"]

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
"""What some network file systems answer."""
_LONGEST = 200


def lock(file: int, *, wait: bool = True) -> bool:
    """Take the lock of an open file, until it is closed.

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
    return True


@contextmanager
def claimed(path: Path, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Keep a claim to oneself in this block: a locked file that says who has it, and that goes with the block.

    Args:
        path: The file, in a folder that stays there.
        wait: Called with who has the claim, before this process waits for him; None does not wait.

    Raises:
        BlockingIOError: Another process or thread has it, and `wait` is None.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            try:
                lock(file, wait=False)
            except BlockingIOError:
                if wait is None:
                    raise
                wait(os.pread(file, _LONGEST, 0).decode(errors="replace") or "another run")
                lock(file)
            if not still_there(file, path):  # who had it has removed it, and the next one may have a new file
                continue
            os.ftruncate(file, 0)
            os.pwrite(file, _ourselves().encode(), 0)
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
            return
        finally:
            os.close(file)


def remove_if_free(path: Path) -> None:
    """Remove the file of a claim that a killed process had; one whose process lives stays."""
    with suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if lock(file, wait=False) and still_there(file, path):
                path.unlink()
        finally:
            os.close(file)


def still_there(file: int, path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} (since {datetime.now():%Y-%m-%d %H:%M:%S})"[:_LONGEST]
