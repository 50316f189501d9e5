"""The smallest Android API level that a package asks for, from its manifest in each of its three forms.

APK: binary XML (AOSP, frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h). AAB: protocol buffers (AOSP,
frameworks/base/tools/aapt2/Resources.proto). AAR: XML as text.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ElementTree

from edgekit_converters.android.built import protobuf
from edgekit_converters.android.built.packages import Package

__all__ = ["min_sdk"]

_LARGEST = 8 << 20
_DEEPEST = 32
_ANDROID = "http://schemas.android.com/apk/res/android"
_MIN_SDK = 0x0101020C
_NAMES = {"apk": "AndroidManifest.xml", "aab": "base/manifest/AndroidManifest.xml", "aar": "AndroidManifest.xml"}
_STRING_POOL, _RESOURCE_MAP, _START_ELEMENT = 0x0001, 0x0180, 0x0102
_INTEGERS = (0x10, 0x11)  # decimal and hexadecimal


def min_sdk(package: Package) -> int | None:
    """The API level in `uses-sdk`; None where the manifest names none.

    Raises:
        ValueError: There is no manifest, or it cannot be read.
        EdgekitError: It is damaged as a member of the package.
    """
    name = _NAMES[package.kind]
    entry = package.find(name)
    if entry is None:
        raise ValueError(f"no {name}")
    content = package.read(entry, _LARGEST)
    try:
        found = {"apk": _of_binary, "aab": _of_protobuf, "aar": _of_text}[package.kind](content)
    except (struct.error, IndexError, UnicodeDecodeError, ElementTree.ParseError) as error:
        raise ValueError(f"{name}, which is damaged ({type(error).__name__})") from None
    if found is not None and not found.isdecimal():
        raise ValueError(f"minSdkVersion {found[:40]!r}, which is no number")
    return None if found is None else int(found[:9])


def _of_binary(data: bytes) -> str | None:
    kind, head, total = struct.unpack_from("<HHL", data)
    if kind != 0x0003 or total > len(data):
        raise ValueError("a manifest that is no binary XML")
    at: int = head
    strings: list[str] = []
    resources: tuple[int, ...] = ()
    while at + 8 <= total:
        kind, head, size = struct.unpack_from("<HHL", data, at)
        if size < 8 or at + size > total:
            raise ValueError("a manifest that was cut")
        chunk = data[at : at + size]
        if kind == _STRING_POOL:
            strings = _strings(chunk)
        elif kind == _RESOURCE_MAP:
            resources = struct.unpack_from(f"<{(size - head) // 4}L", chunk, head)
        elif kind == _START_ELEMENT and strings[struct.unpack_from("<L", chunk, head + 4)[0]] == "uses-sdk":
            return _attribute(chunk, head, strings, resources)
        at += size
    return None


def _attribute(chunk: bytes, head: int, strings: list[str], resources: tuple[int, ...]) -> str | None:
    """minSdkVersion of a start of an element."""
    first, width, count = struct.unpack_from("<HHH", chunk, head + 8)
    for number in range(count):
        _, name, raw, _, _, kind, value = struct.unpack_from("<LLLHBBL", chunk, head + first + number * width)
        known = resources[name] if name < len(resources) else None
        if known == _MIN_SDK or (known is None and strings[name] == "minSdkVersion"):
            return str(value) if kind in _INTEGERS else strings[value if kind == 0x03 else raw]
    return None


def _strings(chunk: bytes) -> list[str]:
    count, _, flags, start = struct.unpack_from("<LLLL", chunk, 8)
    if count > len(chunk) // 4:
        raise ValueError("a manifest with more texts than bytes")
    read, found, total = (_utf8 if flags & 0x100 else _utf16), dict[int, str](), 0
    places = struct.unpack_from(f"<{count}L", chunk, 28)
    for place in places:
        if place not in found:  # texts may share one place, but not lie over each other
            found[place] = read(chunk, start + place)
            total += len(found[place])
            if total > len(chunk):
                raise ValueError("a manifest whose texts lie over each other")
    return [found[place] for place in places]


def _utf8(chunk: bytes, at: int) -> str:
    at += 2 if chunk[at] & 0x80 else 1  # the length in characters
    length = chunk[at]
    if length & 0x80:
        length, at = (length & 0x7F) << 8 | chunk[at + 1], at + 1
    return chunk[at + 1 : at + 1 + length].decode("utf-8", "replace")


def _utf16(chunk: bytes, at: int) -> str:
    (length,) = struct.unpack_from("<H", chunk, at)
    if length & 0x8000:
        length, at = (length & 0x7FFF) << 16 | struct.unpack_from("<H", chunk, at + 2)[0], at + 2
    return chunk[at + 2 : at + 2 + 2 * length].decode("utf-16-le", "replace")


def _of_protobuf(data: bytes) -> str | None:
    """XmlNode {element 1}, XmlElement {name 3, attribute 4, child 5}, its
    XmlAttribute {name 2, value 3, compiled_item 6}.
    """
    nodes = [data]
    for _ in range(_DEEPEST):
        elements = [element for node in nodes if (element := protobuf.message(node, 1)) is not None]
        for element in elements:
            if protobuf.text(element, 3) == "uses-sdk":
                return next((_value(a) for a in protobuf.messages(element, 4) if _is_min_sdk(a)), None)
        nodes = [child for element in elements for child in protobuf.messages(element, 5)]
    return None


def _is_min_sdk(attribute: bytes) -> bool:
    return protobuf.number(attribute, 5) == _MIN_SDK or protobuf.text(attribute, 2) == "minSdkVersion"


def _value(attribute: bytes) -> str:
    """As text or, where the compiler kept none, its compiled form: Item {prim 7}; Primitive {int_decimal_value 6}."""
    if said := protobuf.text(attribute, 3):
        return said
    primitive = protobuf.message(protobuf.message(attribute, 6) or b"", 7)
    return str(protobuf.number(primitive or b"", 6))


def _of_text(data: bytes) -> str | None:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:  # entities can grow without bound
        raise ValueError("a manifest with a document type or in another encoding than UTF-8")
    uses = ElementTree.fromstring(data.decode("utf-8-sig")).find("uses-sdk")
    return None if uses is None else uses.get(f"{{{_ANDROID}}}minSdkVersion")
