"""Zip archives that others wrote, under bounds: where their list of members lies, and members of a bounded size.

zipfile reads the whole list of members at once and believes the sizes in it, so both are asked here first (APPNOTE.TXT
of PKWARE, 4.3.14 to 4.3.16).
"""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["END", "End", "read_end", "read_member"]

END = b"PK\5\6"
_RECORD = 22  # bytes of the end record, without its comment
_LOCATOR, _LARGER = 20, 56  # bytes of zip64's locator, straight before the end record, and of the record before that
_LONGEST_COMMENT = (1 << 16) - 1


@dataclass(frozen=True)
class End:
    """The record that closes an archive, or the larger one before it of an archive beyond 4 GiB.

    Attributes:
        place: Where the record begins, in bytes from the file's start.
        comment: Bytes that the record says follow it.
        entries: Members, as it says.
        directory_bytes, directory_place: Size of the list of members, and where it begins, as it says.
        zip64: The numbers are those of the larger record.
    """

    place: int
    comment: int
    entries: int
    directory_bytes: int
    directory_place: int
    zip64: bool


def read_end(stream: BinaryIO) -> End:
    """Find the end record, as zipfile does: the last one in the file.

    Raises:
        ValueError: There is none.
    """
    size = stream.seek(0, io.SEEK_END)
    start = max(0, size - _LONGEST_COMMENT - 1 - _RECORD)
    stream.seek(start)
    tail = stream.read(size - start)
    end = tail.rfind(END)
    if end < 0 or len(tail) < end + _RECORD:
        raise ValueError("no end of a zip archive")
    entries, length, place, comment = struct.unpack_from("<HLLH", tail, end + 10)
    if start + end >= _LOCATOR:
        stream.seek(start + end - _LOCATOR)  # it may lie before the tail: the comment's length says nothing of it
        locator = stream.read(_LOCATOR)
        if locator[:4] == b"PK\6\7":  # larger than 4 GiB
            (larger,) = struct.unpack_from("<Q", locator, 8)
            if larger > size - _LARGER:
                raise ValueError("no end of a zip archive")
            # zipfile reads the record that lies straight before the locator.
            stream.seek(max(0, start + end - _LOCATOR - _LARGER))
            record = stream.read(_LARGER)
            if record[:4] == b"PK\6\6":
                entries, length, place = struct.unpack_from("<QQQ", record, 32)
                return End(start + end, comment, entries, length, place, True)
    return End(start + end, comment, entries, length, place, False)


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """A member's bytes; it may not be longer than the archive says, nor than `most`.

    Raises:
        ValueError: It is longer.
        Exception: What zipfile, zlib, lzma and bz2 raise on damaged bytes, of many kinds.
    """
    if info.file_size > most:
        raise ValueError(f"{info.filename[:80]!r} of {info.file_size:,} bytes, and {most:,} are the most")
    with archive.open(info) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{info.filename[:80]!r} is longer than {most:,} bytes")
    return data
