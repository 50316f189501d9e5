"""What TensorFlow says where the disk is full, as the error of the operating system that it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgekit import _tf

__all__ = ["disk_errors"]

_CODES = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG,
    errno.EMFILE, errno.ENFILE,
)  # fmt: skip


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise TensorFlow's errors that the operating system caused as OSError; leave all others as they are.

    TensorFlow sorts them under half a dozen classes (ResourceExhausted, FailedPrecondition, Unknown, ...), but keeps
    the system's own words.

    Args:
        path: What was written to, for the message.

    Raises:
        OSError: With the number of the error, so that it reads as everywhere else.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, _tf.tensorflow().errors.OpError):
            raise
        code = next((code for code in _CODES if os.strerror(code) in str(error)), None)
        if code is None:
            raise
        raise OSError(code, os.strerror(code), str(path)) from error
