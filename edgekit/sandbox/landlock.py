"""Landlock: the Linux kernel refuses a process the files, ports and signals that its rules do not name.

By `ctypes`, for the C library has no functions for it, and the packages on PyPI that wrap it want a compiler. The
numbers are those of `linux/landlock.h`; what an older kernel does not know is left out of the rules.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["abi", "restrict"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_READ_FILE, _READ_FOLDER, _EXECUTE = 1 << 2, 1 << 3, 1 << 0
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Rights over files that each version of Landlock knows: REFER came with 2, TRUNCATE with 3, IOCTL_DEV with 5."""
_DEVICES = 1 << 6 | 1 << 11
"""Making device nodes, through which root could read a whole disk."""
_OF_FILES = _READ_FILE | _EXECUTE | 1 << 1 | 1 << 14 | 1 << 15
_PORTS = 0b11
_SCOPES = 0b11
"""Abstract sockets and signals of other processes."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("ports", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """The version of Landlock that this kernel has; 0 where it has none."""
    return max(0, _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Leave this thread, and what it starts from now on, nothing but these files and folders.

    Args:
        readable: Files, and folders with all that is below them.
        writable: Folders to read and write.

    Returns:
        False where the kernel cannot.
    """
    version = abi()
    if version == 0:
        return False
    every = _ALL_BY_ABI[max(v for v in _ALL_BY_ABI if v <= version)]
    rules = _Ruleset(every, _PORTS if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, (_READ_FILE | _READ_FOLDER) & every)
        for path in writable:
            _allow(ruleset, path, every & ~_EXECUTE & ~_DEVICES)
        return _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    with suppress(OSError):  # what is not there needs no rule
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _Rule(rights if path.is_dir() else rights & _OF_FILES, descriptor)
            _call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
        finally:
            os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))
