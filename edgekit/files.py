"""Files that others wrote, under bounds: what is opened is a regular file of a bounded size, and JSON in it is plain.

A name may lead to a pipe, a device, a folder or a loop of links; opening one can wait for ever, and reading one can
take all memory. So every reader of foreign files asks here first.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from edgekit.errors import DataError, EdgekitError

__all__ = ["open_limited", "parse_json", "read_json", "read_limited", "regular_file"]

DEEPEST = 64
"""Levels of lists and objects in JSON."""
LONGEST_NUMBER = 400
"""Digits; a number of millions of digits takes minutes to read."""
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def regular_file(path: Path, *, most: int, what: str, remedy: str = "", error: type[EdgekitError] = DataError) -> Path:
    """Make sure that a path leads to a regular file of at most `most` bytes, without opening it; links are followed.

    Args:
        path: The file.
        most: Largest size in bytes.
        what: What the file should be, with its article, as a sentence begins: "A recipe".
        remedy: Closes the message.
        error: Type of the error.

    Raises:
        EdgekitError: It is missing, a folder, pipe, socket or device, a loop of links, or too large.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as failure:  # ValueError: a name with a zero byte
        reason = failure.strerror if isinstance(failure, OSError) else str(failure)
        if _is_link(path) and isinstance(failure, FileNotFoundError):
            reason = "a link that leads nowhere"
        raise error(f"{what} must be a readable file.", received=f"{path} ({reason})", remedy=remedy) from None
    _check(status, path, most, what, remedy, error)
    return path


@contextmanager
def open_limited(
    path: Path, *, most: int, what: str, remedy: str = "", error: type[EdgekitError] = DataError
) -> Iterator[BinaryIO]:
    """A regular file of at most `most` bytes, open for reading; arguments and errors as of `regular_file`."""
    regular_file(path, most=most, what=what, remedy=remedy, error=error)
    try:
        # Not blocking, and looked at again once it is open: the name may lead elsewhere by now.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as failure:
        raise error(
            f"{what} must be a readable file.", received=f"{path} ({failure.strerror})", remedy=remedy
        ) from None
    with open(descriptor, "rb") as stream:
        _check(os.fstat(descriptor), path, most, what, remedy, error)
        yield stream


def read_limited(path: Path, *, most: int, what: str, remedy: str = "", error: type[EdgekitError] = DataError) -> bytes:
    """All bytes of a regular file of at most `most` bytes; arguments and errors as of `regular_file`."""
    try:
        with open_limited(path, most=most, what=what, remedy=remedy, error=error) as stream:
            content = stream.read(most + 1)
    except OSError as failure:
        raise error(
            f"{what} must be a readable file.", received=f"{path} ({failure.strerror})", remedy=remedy
        ) from None
    if len(content) > most:
        raise error(f"{what} has at most {most:,} bytes.", received=f"{path}, which grows", remedy=remedy)
    return content


def parse_json(text: bytes | str) -> Any:
    """Read JSON as its standard has it: no NaN or Infinity, no doubled keys, UTF-8, a bounded depth.

    Raises:
        ValueError: It is something else; the message says what, in a few words.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(
            text, parse_constant=_no_constant, object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite
        )
    except RecursionError:
        raise ValueError(f"more than {DEEPEST} levels deep") from None
    if _deeper(value, DEEPEST):
        raise ValueError(f"more than {DEEPEST} levels deep")
    return value


def read_json(
    path: Path, *, most: int, what: str, remedy: str = "", error: type[EdgekitError] = DataError
) -> dict[str, Any]:
    """The object in a JSON file; arguments as of `regular_file`.

    Raises:
        EdgekitError: As `regular_file` raises it, or the file holds no strict JSON object.
    """
    content = read_limited(path, most=most, what=what, remedy=remedy, error=error)
    try:
        value = parse_json(content)
    except ValueError as failure:
        reason = str(failure).splitlines()[0][:200]
        raise error(f"{what} must be JSON.", received=f"{path} ({reason})", remedy=remedy) from None
    if not isinstance(value, dict):
        raise error(f"{what} must be a JSON object.", received=f"{path} ({type(value).__name__})", remedy=remedy)
    return value


def _is_link(path: Path) -> bool:
    """Whether a path is a symbolic link; a name that no system takes is none."""
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def _check(status: os.stat_result, path: Path, most: int, what: str, remedy: str, error: type[EdgekitError]) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "no regular file")
        raise error(f"{what} must be a readable file.", received=f"{path}, {kind}", remedy=remedy)
    if status.st_size > most:
        raise error(
            f"{what} has at most {most:,} bytes.", received=f"{path} with {status.st_size:,} bytes", remedy=remedy
        )


def _no_constant(name: str) -> None:
    raise ValueError(f"the number {name}, which JSON does not have")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        doubled = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {doubled[:80]!r} twice")
    return result


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits[:LONGEST_NUMBER]) if len(digits) <= LONGEST_NUMBER else float("inf")
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number beyond those of float64")
    return value


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other more than `levels` deep."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            inner
            for node in layer
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True
