"""Android packages made by hand: a zip with chosen alignments, manifests in their three forms, small ELF libraries."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Member", "binary_manifest", "bundle_config", "elf", "manifest", "proto_manifest", "write_package"]

PAGE = 16_384
KINDS = ("apk", "aab", "aar")


@dataclass(frozen=True)
class Member:
    """One member: its name, bytes, whether it is stored, and what its bytes are aligned to when they are."""

    name: str
    content: bytes
    stored: bool = True
    align: int = 4
    off: int = 0


def write_package(path: Path, members: list[Member]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name)
            info.compress_type = zipfile.ZIP_STORED if member.stored else zipfile.ZIP_DEFLATED
            if member.stored:
                start = archive.start_dir + 30 + len(member.name.encode()) + 4
                padding = (member.off - start) % member.align
                info.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)
            archive.writestr(info, member.content)
    return path


def manifest(kind: str, min_sdk: int | None) -> Member:
    """The manifest of a package, where its kind has it."""
    if kind == "apk":
        return Member("AndroidManifest.xml", binary_manifest(min_sdk), stored=False)
    if kind == "aab":
        return Member("base/manifest/AndroidManifest.xml", proto_manifest(min_sdk), stored=False)
    uses = "" if min_sdk is None else f'<uses-sdk android:minSdkVersion="{min_sdk}"/>'
    text = f'<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="a.b">{uses}</manifest>'
    return Member("AndroidManifest.xml", text.encode())


def binary_manifest(min_sdk: int | None) -> bytes:
    """Binary XML of <manifest><uses-sdk android:minSdkVersion/></manifest>."""
    texts = ["minSdkVersion", "uses-sdk", "manifest"]
    data, places = b"", []
    for text in texts:
        places.append(len(data))
        data += struct.pack("<H", len(text)) + text.encode("utf-16-le") + b"\0\0"
    data += bytes(-len(data) % 4)
    head = struct.pack("<HHLLLLLL", 1, 28, 28 + 12 + len(data), 3, 0, 0, 28 + 12, 0)
    chunks = head + struct.pack("<3L", *places) + data
    chunks += struct.pack("<HHLL", 0x0180, 8, 12, 0x0101020C)
    chunks += _element(2, b"")
    if min_sdk is not None:
        value = struct.pack("<LLLHBBL", 0xFFFFFFFF, 0, 0xFFFFFFFF, 8, 0, 0x10, min_sdk)
        chunks += _element(1, value)
    return struct.pack("<HHL", 3, 8, 8 + len(chunks)) + chunks


def _element(name: int, attributes: bytes) -> bytes:
    count = len(attributes) // 20
    body = struct.pack("<LLHHHHHH", 0xFFFFFFFF, name, 20, 20, count, 0, 0, 0) + attributes
    return struct.pack("<HHLLL", 0x0102, 16, 16 + len(body), 1, 0xFFFFFFFF) + body


def proto_manifest(min_sdk: int | None) -> bytes:
    """The same as protocol buffers."""
    value = b"" if min_sdk is None else _field(2, b"minSdkVersion") + _field(3, str(min_sdk).encode())
    uses = _field(5, _field(1, _field(3, b"uses-sdk") + _field(4, value)))
    return _field(1, _field(3, b"manifest") + (uses if value else b""))


def bundle_config(*globs: str, pages: int | None = None) -> Member:
    native = b"" if pages is None else _field(2, _field(2, b"\x08\x01\x10" + bytes([pages])))
    compression = b"".join(_field(1, glob.encode()) for glob in globs)
    return Member("BundleConfig.pb", native + _field(3, compression))


def _field(number: int, content: bytes) -> bytes:
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return bytes([number << 3 | 2]) + size + content


def elf(align: int, version: str | None = "2.17.0") -> bytes:
    """A 64-bit library with one loaded segment, and the text that TFLite's has."""
    head = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHLQQQLHHHHHH", 3, 183, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    )
    segment = struct.pack("<LLQQQQQQ", 1, 5, 0, 0, 0, 200, 200, align)
    text = b"" if version is None else version.encode() + b"\0"
    return head + segment + b"\0" + text + bytes(60)
