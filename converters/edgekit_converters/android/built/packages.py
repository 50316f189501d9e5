"""Android packages as they were built: APK, AAB and AAR, under bounds; what they hold is looked at, never run.

A package is a zip archive that somebody else may have written. Its list of members is held to the file before anything
is inflated: members lie inside the file and not over each other, their names stay inside the package, and what stands
before a member's bytes says the same as the list does. Android reads the list at the end; a file that another reader
could take for another package is refused whole.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal

from edgekit.errors import EdgekitError
from edgekit.files import open_limited
from edgekit.ownership import is_inside
from edgekit.zips import END, End, read_end, read_member

__all__ = ["SUFFIXES", "Entry", "Kind", "Package", "open_package"]

Kind = Literal["apk", "aab", "aar"]
SUFFIXES: dict[str, Kind] = {".apk": "apk", ".aab": "aab", ".aar": "aar"}
LARGEST = (1 << 32) - 1
"""Bytes of a package; Android takes none of the larger form of zip."""
MOST_ENTRIES = 65_534
MOST_DIRECTORY = 32 << 20
MOST_INFLATED = 16 << 30
"""Bytes of all members together, as the list tells."""
LARGEST_ENTRY = 1 << 30
"""Bytes of a member that is read whole."""
_LOCAL = 30  # bytes before a member's name
_LONGEST_GAP = 64 << 20
_WHAT = "An Android package"
_GIVE = "Give the package that the build made, under its own name."
_REMEDY = "Build or download it again: it is damaged, or was changed by a tool that Android does not follow."


class _Damaged(ValueError):
    """What is wrong with a package, in a few words."""


@dataclass(frozen=True)
class Entry:
    """One member.

    Attributes:
        name: Its path in the package.
        stored: It lies there as it is, so that an app can map it into memory; otherwise deflated.
        size: Bytes, inflated.
        packed: Bytes in the package.
        place: Where its bytes begin, from the file's start.
    """

    name: str
    stored: bool
    size: int
    packed: int
    place: int


@dataclass(frozen=True, eq=False)
class Package:
    """An open package.

    Attributes:
        path: The file.
        kind: "apk", "aab" or "aar".
        size: Bytes.
        entries: All members but folders, as the list has them.
        signing_block: An APK's signatures of scheme v2 or later stand before the list.
    """

    path: Path
    kind: Kind
    size: int
    entries: tuple[Entry, ...]
    signing_block: bool
    _archive: zipfile.ZipFile = field(repr=False)
    _infos: dict[Entry, zipfile.ZipInfo] = field(repr=False)

    def find(self, name: str) -> Entry | None:
        """The member of a name; the last one where there are several, as zip readers take it."""
        return next((entry for entry in reversed(self.entries) if entry.name == name), None)

    def read(self, entry: Entry, most: int = LARGEST_ENTRY) -> bytes:
        """A member's bytes.

        Raises:
            EdgekitError: It is larger than `most`, or damaged.
        """
        try:
            return read_member(self._archive, self._infos[entry], most)
        except Exception as error:
            raise _refused(self.path, f"{entry.name[:80]!r}: {_reason(error)}") from None

    def start(self, entry: Entry, count: int) -> bytes:
        """The first bytes of a member, at most `count`; errors as of `read`."""
        try:
            with self._archive.open(self._infos[entry]) as stream:
                return stream.read(count)
        except Exception as error:
            raise _refused(self.path, f"{entry.name[:80]!r}: {_reason(error)}") from None


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """Open an APK, AAB or AAR.

    Raises:
        EdgekitError: It is none, by its name or by what it holds; damaged; or an archive that two readers could take
            for two packages.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise EdgekitError(
            f"{_WHAT} is a file .apk, .aab or .aar.",
            received=str(path),
            remedy="Unpack an .apks or .xapk and give the .apk inside." if path.suffix in (".apks", ".xapk") else "",
        )
    with open_limited(path, most=LARGEST, what=_WHAT, remedy=_GIVE, error=EdgekitError) as stream:
        package = _opened(path, kind, stream)
        _check_kind(package)
        yield package


def _opened(path: Path, kind: Kind, stream: BinaryIO) -> Package:
    try:
        size, end = stream.seek(0, io.SEEK_END), _end(stream)
        archive = zipfile.ZipFile(stream)
        infos = archive.infolist()
        if len(infos) != end.entries:
            raise _Damaged(f"a list of {len(infos):,} members that should have {end.entries:,}")
        entries = _entries(stream, infos, end)
        block = _signing_block(stream, end)
        _check_gaps(stream, list(entries), end.directory_place if block is None else block)
        files = {entry: info for entry, info in entries.items() if not info.is_dir()}
        return Package(path, kind, size, tuple(files), block is not None, archive, files)
    except (ValueError, struct.error, zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise _refused(path, _reason(error)) from None


def _end(stream: BinaryIO) -> End:
    """The record at the file's end, which is the only one."""
    size = stream.seek(0, io.SEEK_END)
    if not size:
        raise _Damaged("an empty file")
    end = read_end(stream)
    if end.zip64 or end.entries > MOST_ENTRIES:
        raise _Damaged("the form of zip for more than 4 GiB or 65,534 members, which Android does not take")
    if end.place + 22 + end.comment != size:
        raise _Damaged("data after its end record, or a file that was cut")
    stream.seek(max(0, size - (1 << 16) - 22))
    if _two_ends(stream.read()):
        raise _Damaged("two end records, so that two readers see two packages")
    if end.directory_place + end.directory_bytes != end.place:
        raise _Damaged("a list of members that does not lie before the end record")
    if end.directory_bytes > MOST_DIRECTORY:
        raise _Damaged(f"a list of members of {end.directory_bytes:,} bytes")
    return end


def _two_ends(tail: bytes) -> bool:
    """Whether an earlier record too reaches the file's end with its comment."""
    fitting, at = 0, tail.find(END)
    while at >= 0:
        if at + 22 <= len(tail):
            (comment,) = struct.unpack_from("<H", tail, at + 20)
            fitting += at + 22 + comment == len(tail)
        at = tail.find(END, at + 1)
    return fitting > 1


def _entries(stream: BinaryIO, infos: Sequence[zipfile.ZipInfo], end: End) -> dict[Entry, zipfile.ZipInfo]:
    total = 0
    entries: dict[Entry, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        if (
            not is_inside(info.orig_filename)
            or "\\" in info.orig_filename
            or any(part in ("", ".") for part in name.removesuffix("/").split("/"))
        ):
            raise _Damaged(f"the member {name[:80]!r}, whose name leads out of the package")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _Damaged(f"{name[:80]!r}, encrypted or packed in a way that Android does not read")
        stored = info.compress_type == zipfile.ZIP_STORED
        if stored and info.compress_size != info.file_size:
            raise _Damaged(f"{name[:80]!r}, which stores {info.compress_size:,} of {info.file_size:,} bytes")
        if info.file_size > 1100 * info.compress_size + 64:  # deflate's own limit is 1032 to 1
            raise _Damaged(f"{name[:80]!r}, which would inflate to {info.file_size:,} bytes")
        total += info.file_size
        place = _data_place(stream, info)
        if place + info.compress_size > end.directory_place:
            raise _Damaged(f"{name[:80]!r}, which reaches beyond the members")
        entries[Entry(name, stored, info.file_size, info.compress_size, place)] = info
    if total > MOST_INFLATED:
        raise _Damaged(f"members that would inflate to {total:,} bytes")
    if len(entries) < len(infos):
        raise _Damaged("two members that share one place")
    return entries


def _data_place(stream: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin; what stands before them says what the list says."""
    stream.seek(info.header_offset)
    head = stream.read(_LOCAL)
    if len(head) < _LOCAL or head[:4] != b"PK\3\4":
        raise _Damaged(f"{info.filename[:80]!r}, which is not where the list says")
    flags, method = struct.unpack_from("<HH", head, 6)
    packed, size, name_length, extra_length = struct.unpack_from("<LLHH", head, 18)
    name = stream.read(name_length).decode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")
    sizes = (packed, size) == (info.compress_size, info.file_size) or (flags & 8 and (packed, size) == (0, 0))
    if name != info.orig_filename or not sizes or method != info.compress_type:
        raise _Damaged(f"{info.filename[:80]!r}, of which the list and the member itself say different things")
    return int(info.header_offset + _LOCAL + name_length + extra_length)


def _signing_block(stream: BinaryIO, end: End) -> int | None:
    """Where the block of an APK's v2 and v3 signatures begins, straight before the list; None where there is none."""
    if end.directory_place < 32:
        return None
    stream.seek(end.directory_place - 24)
    tail = stream.read(24)
    if tail[8:] != b"APK Sig Block 42":
        return None
    (length,) = struct.unpack_from("<Q", tail)
    if not 24 <= length <= end.directory_place - 8:
        raise _Damaged("a block of signatures that does not fit the file")
    return end.directory_place - int(length) - 8


def _check_gaps(stream: BinaryIO, entries: list[Entry], members_end: int) -> None:
    """Members do not lie over each other, and no end record hides between them."""
    spans = sorted((entry.place, entry.place + entry.packed) for entry in entries)
    for (_, first_end), (second, _) in pairwise(spans):
        if second - _LOCAL < first_end:
            raise _Damaged("members that lie over each other")
    borders = [0, *(side for span in spans for side in span), members_end]
    for start, stop in zip(borders[::2], borders[1::2], strict=True):
        if stop - start > _LONGEST_GAP:
            raise _Damaged(f"{stop - start:,} bytes between its members that belong to none")
        if stop - start >= 22 + _LOCAL:
            stream.seek(start)
            if END in stream.read(stop - start):
                raise _Damaged("a second end record among its members, so that two readers see two packages")


def _check_kind(package: Package) -> None:
    """What a package holds is what its name says."""
    config = package.find("BundleConfig.pb") is not None
    manifest = package.find("AndroidManifest.xml")
    binary = manifest is not None and package.start(manifest, 4) == b"\3\0\x08\0"
    held = "an AAB" if config else "an APK" if binary else "an AAR" if manifest else None
    wanted = {"apk": "an APK", "aab": "an AAB", "aar": "an AAR"}[package.kind]
    if held != wanted:
        marks = {
            "apk": "a binary AndroidManifest.xml",
            "aab": "a BundleConfig.pb",
            "aar": "an AndroidManifest.xml as text",
        }
        raise EdgekitError(
            f"A file .{package.kind} is {wanted}, which has {marks[package.kind]}.",
            received=f"{package.path}, {held or 'a zip archive with none of them'}",
            remedy=_GIVE,
        )
    if package.kind == "aab" and package.find("base/manifest/AndroidManifest.xml") is None:
        raise EdgekitError(
            "An AAB has a base module with a manifest.",
            received=f"{package.path} without base/manifest/AndroidManifest.xml",
            remedy="Build the bundle of the whole app; a module or an asset pack alone cannot be installed.",
        )


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def _refused(path: Path, reason: str) -> EdgekitError:
    return EdgekitError(f"{_WHAT} is a whole zip archive.", received=f"{path} ({reason})", remedy=_REMEDY)
