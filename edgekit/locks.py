"""Locks of open files, by which one process tells that another one lives. The kernel frees them when it ends."""

from __future__ import annotations

import errno

__all__ = ["lock"]

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
"""What some network file systems answer."""


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
