"""Native libraries: what their ELF headers say of memory pages, and which TFLite version their bytes name.

Source of the layout: System V ABI, chapters 4 and 5; of the rule for pages: Android's guide "Support 16 KB page sizes".
"""

from __future__ import annotations

import re
import struct

__all__ = ["HEAD", "PAGE", "PAGED", "load_alignments", "runtime_version"]

PAGE = 16_384
"""Bytes of a memory page of newer devices."""
PAGED = ("arm64-v8a", "x86_64")
"""Architectures whose devices may have such pages."""
HEAD = 1 << 16
"""Bytes from a library's start that hold its program headers."""
_VERSION = re.compile(rb"(?<=\0)([12]\.[0-9]{1,3}\.[0-9]{1,3})(?:-[A-Za-z0-9.-]{1,20})?(?=\0)")


def load_alignments(head: bytes) -> tuple[int, ...]:
    """The alignments in bytes of a 64-bit library's loaded segments.

    Args:
        head: The library's first `HEAD` bytes.

    Raises:
        ValueError: It is no 64-bit little-endian ELF file, or its headers lie elsewhere.
    """
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        raise ValueError("no 64-bit ELF library")
    (table,) = struct.unpack_from("<Q", head, 32)
    width, count = struct.unpack_from("<HH", head, 54)
    if width < 56 or table + width * count > len(head):
        raise ValueError("program headers that lie outside its first bytes")
    headers = range(table, table + width * count, width)
    found = [struct.unpack_from("<Q", head, at + 48)[0] for at in headers if head[at : at + 4] == b"\x01\0\0\0"]
    if not found:
        raise ValueError("no segment that is loaded")
    return tuple(found)


def runtime_version(content: bytes) -> str | None:
    """The TFLite version that a runtime library's bytes name, such as "2.16.1"; None where they name none or several.

    `TfLiteVersion()` gives a text that stands alone between zero bytes; it is the library's only text of that form.
    """
    found = {match[1] for match in _VERSION.finditer(content)}
    return found.pop().decode("ascii") if len(found) == 1 else None
