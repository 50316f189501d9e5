"""Arrays of an `.npz`, under bounds: its directory and the header of each array are read and checked first.

An archive may declare arrays of any size, hold one name twice, inflate a thousand times or hold pickled objects, which
run code when they are loaded. Memory is taken only for arrays whose declared size is the stored one.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

import numpy.lib.format
from numpy.typing import NDArray

from edgekit.errors import DataError, EdgekitError
from edgekit.files import open_limited
from edgekit.zips import read_end

__all__ = ["LARGEST", "read_npz"]

LARGEST = 16 << 30
"""Bytes of all arrays together, and of the file."""
MOST_MEMBERS = 64
npy: Any = numpy.lib.format  # numpy gives these functions no types
_DIRECTORY = 1 << 20  # bytes of the list of members
_HEAD = 1 << 14  # bytes from a member's start that hold the header of its array
_FREE, _RATIO = 1 << 30, 100  # arrays take at most so many bytes and so many times those of the file
_KINDS = "biufcSU"  # numbers and texts of a fixed length


class _Damaged(Exception):
    """What is wrong with an archive, in a few words."""


class _Pickled(Exception):
    """An array holds objects."""


def read_npz(
    path: Path,
    wanted: Collection[str] | None = None,
    *,
    what: str,
    remedy: str = "",
    most: int = LARGEST,
    error: type[EdgekitError] = DataError,
) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Read arrays of an archive.

    Args:
        path: The file.
        wanted: Names of the arrays to read, if they are there; None reads all.
        what: What the file should be, with its article, as a sentence begins: "A data set".
        remedy: Closes the message.
        most: Bytes that all arrays read may take, and the file.
        error: Type of the error.

    Returns:
        The names of all arrays in the archive, and those that were read.

    Raises:
        EdgekitError: It is no regular file, damaged, too large, or holds pickled objects.
    """
    with open_limited(path, most=most, what=what, remedy=remedy, error=error) as stream:
        try:
            return _read(stream, wanted, most)
        except _Pickled as failure:
            raise error(
                f"{what} holds plain arrays; pickled objects can run code and are refused.",
                received=f"{path} ({failure})",
                remedy="Save each array with a numeric or fixed-length text dtype.",
            ) from None
        except Exception as failure:  # zipfile, zlib and numpy raise errors of every kind on damaged bytes
            reason = " ".join(str(failure).split())[:200] or type(failure).__name__
            raise error(
                f"{what} must be a complete numpy archive.", received=f"{path} ({reason})", remedy=remedy
            ) from None


def _read(stream: BinaryIO, wanted: Collection[str] | None, most: int) -> tuple[list[str], dict[str, NDArray[Any]]]:
    size = stream.seek(0, io.SEEK_END)
    if not size:
        raise _Damaged("an empty file")
    if read_end(stream).directory_bytes > _DIRECTORY:
        raise _Damaged(f"more than {MOST_MEMBERS} members")
    with zipfile.ZipFile(stream) as archive:
        members = _members(archive, size)
        chosen = {name: m for name, m in members.items() if wanted is None or name in wanted}
        total = sum(_array_bytes(archive, name, member) for name, member in chosen.items())
        if total > most or total > _FREE + _RATIO * size:
            raise _Damaged(f"arrays of {total:,} bytes in a file of {size:,}")
        arrays = {}
        for name, member in chosen.items():
            with archive.open(member) as content:
                arrays[name] = npy.read_array(content, allow_pickle=False)
                if content.read(1):
                    raise _Damaged(f"more than one array in {name}")
        return list(members), arrays


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The archive's arrays by name; their sizes fit the file."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise _Damaged(f"{len(infos)} members, more than {MOST_MEMBERS}")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise _Damaged(f"{name[:80]!r} twice")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise _Damaged(f"{name[:80]!r} is encrypted or compressed in another way than numpy does")
        if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
            raise _Damaged(f"{name[:80]!r} stores {info.compress_size:,} of {info.file_size:,} bytes")
        members[name] = info
    if sum(info.compress_size for info in infos) > size:
        raise _Damaged("members that lie over each other")
    return members


def _array_bytes(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> int:
    """Bytes of a member's array, as its header declares them; the stored size must be the same."""
    with archive.open(member) as content:
        head = io.BytesIO(content.read(_HEAD))
    version = npy.read_magic(head)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise _Damaged(f"{name[:80]!r} has the array format {version[0]}.{version[1]}")
    shape, _, dtype = readers[version](head)
    if dtype.hasobject:
        raise _Pickled(name[:80])
    if dtype.kind not in _KINDS or dtype.fields is not None or dtype.subdtype is not None or not dtype.itemsize:
        raise _Damaged(f"{name[:80]!r} has the dtype {str(dtype)[:80]}")
    if len(shape) > 32 or any(side < 0 for side in shape):
        raise _Damaged(f"{name[:80]!r} has an impossible shape")
    declared: int = math.prod(shape) * dtype.itemsize
    stored = member.file_size - head.tell()
    if declared != stored:
        raise _Damaged(f"{name[:80]!r} declares {_many(declared)} bytes and stores {stored:,}")
    return declared


def _many(number: int) -> str:
    return f"{number:,}" if number < 10**18 else "more than 10^18"
