"""Packages that somebody made to mislead: one clear line each, and no memory taken for what they claim."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from android_packages import Member, binary_manifest, bundle_config, manifest, write_package

import edgekit
from edgekit.errors import EdgekitError
from edgekit_converters.android.built import facts, globs, manifests, protobuf
from edgekit_converters.android.built.elf import load_alignments, runtime_version
from edgekit_converters.android.built.packages import open_package
from edgekit_converters.android.built.runtimes import first_runtime, version_of

MODEL = b"\x18\0\0\0TFL3" + bytes(100)
HONEST = [manifest("apk", 24), Member("assets/a.tflite", MODEL), Member("assets/b.txt", b"text" * 50, stored=False)]


def honest(path: Path) -> bytes:
    return write_package(path, HONEST).read_bytes()


def end_of(data: bytes) -> int:
    return data.rindex(b"PK\5\6")


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def central(data: bytes, name: bytes) -> int:
    """Where the list has a member."""
    (at,) = struct.unpack_from("<L", data, end_of(data) + 16)
    return data.rindex(name, at) - 46


def inside(path: Path, data: bytes) -> bytes:
    """Another whole package hidden between members and list."""
    start = struct.unpack_from("<L", data, end_of(data) + 16)[0]
    moved = data[:start] + data + data[start:]
    return patched(moved, end_of(moved) + 16, "<L", start + len(data))


def overlapping(data: bytes) -> bytes:
    """A second entry whose bytes begin inside of the first one's."""
    at = central(data, b"assets/b.txt")
    first = struct.unpack_from("<L", data, central(data, b"assets/a.tflite") + 42)[0]
    local = data.index(b"PK\3\4", first + 4)
    body = data[:local] + data[local:]
    grown = patched(body, central(body, b"assets/a.tflite") + 20, "<L", len(MODEL) + 40)
    grown = patched(grown, central(grown, b"assets/a.tflite") + 24, "<L", len(MODEL) + 40)
    grown = patched(grown, first + 18, "<L", len(MODEL) + 40)
    assert at
    return patched(grown, first + 22, "<L", len(MODEL) + 40)


def bomb(path: Path) -> bytes:
    return patched(honest(path), central(honest(path), b"assets/b.txt") + 24, "<L", 1 << 31)


def renamed(name: str) -> Callable[[Path], bytes]:
    return lambda path: write_package(path, [*HONEST, Member(name, b"x")]).read_bytes()


BROKEN: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda p: b"", "an empty file"),
    "no zip": (lambda p: b"hello" * 100, "no end of a zip archive"),
    "cut at the end": (lambda p: honest(p)[:-10], "zip archive"),
    "cut in the middle": (lambda p: honest(p)[:200], "no end of a zip archive"),
    "cut in front": (lambda p: honest(p)[100:], "does not lie before the end record"),
    "data in front": (lambda p: b"#!/bin/sh\n" + honest(p), "does not lie before the end record"),
    "data behind": (lambda p: honest(p) + b"more", "data after its end record"),
    "two ends": (lambda p: two_ends(honest(p)), "two end records"),
    "a package inside": (lambda p: inside(p, honest(p)), "second end record among its members"),
    "traversal": (renamed("assets/../../x"), "leads out of the package"),
    "absolute": (renamed("/etc/x"), "leads out of the package"),
    "windows": (renamed("assets\\x.tflite"), "leads out of the package"),
    "bomb": (bomb, "would inflate to 2,147,483,648 bytes"),
    "encrypted": (lambda p: patched(honest(p), central(honest(p), b"assets/b.txt") + 8, "<H", 1), "encrypted"),
    "another method": (lambda p: patched(honest(p), central(honest(p), b"assets/b.txt") + 10, "<H", 12), "packed in"),
    "another name": (lambda p: honest(p).replace(b"assets/b.txt", b"assets/c.txt", 1), "say different things"),
    "overlap": (lambda p: overlapping(honest(p)), "lie over each other"),
    "beyond": (lambda p: patched(honest(p), central(honest(p), b"assets/b.txt") + 42, "<L", 1 << 20), "where the list"),
    "fewer members": (lambda p: patched(honest(p), end_of(honest(p)) + 10, "<H", 2), "should have 2"),
    "zip64": (lambda p: patched(honest(p), end_of(honest(p)) + 10, "<H", 0xFFFF), "more than 4 GiB"),
}


def two_ends(data: bytes) -> bytes:
    """The first record's comment is a second record."""
    end = data[end_of(data) :]
    return data[: end_of(data)] + end[:20] + struct.pack("<H", len(end)) + end


@pytest.mark.parametrize("name", BROKEN)
def test_a_hostile_package_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    make, said = BROKEN[name]
    path = tmp_path / "app.apk"
    path.write_bytes(make(tmp_path / "honest.apk"))
    with pytest.raises(EdgekitError) as error, open_package(path):
        pass
    assert said in str(error.value) and "\n" not in str(error.value), error.value
    assert error.value.remedy


def test_an_honest_package_opens(tmp_path: Path) -> None:
    path = write_package(tmp_path / "app.apk", HONEST)
    with open_package(path) as package:
        entry = package.find("assets/a.tflite")
        assert entry is not None and entry.stored and entry.place % 4 == 0
        assert package.read(entry) == MODEL == path.read_bytes()[entry.place : entry.place + entry.size]
        assert [e.stored for e in package.entries] == [False, True, False] and not package.signing_block
        with pytest.raises(EdgekitError, match="the most"):
            package.read(entry, 10)


def test_a_member_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = write_package(tmp_path / "app.apk", HONEST)
    data = bytearray(path.read_bytes())
    data[data.index(MODEL) + 50] ^= 1
    path.write_bytes(data)
    with open_package(path) as package, pytest.raises(EdgekitError, match=r"assets/a\.tflite.*CRC"):
        package.read(package.entries[1])


WRONG_KINDS = {
    "an apk as aab": ("app.aab", HONEST, "A file .aab is an AAB"),
    "an aab as apk": ("app.apk", [bundle_config(), manifest("aab", 24)], "app.apk, an AAB"),
    "an aar as apk": ("app.apk", [manifest("aar", 24)], "app.apk, an AAR"),
    "a zip": ("app.apk", [Member("a.txt", b"text")], "a zip archive with none of them"),
    "an aab without base": ("app.aab", [bundle_config(), Member("pack/assets/a.tflite", MODEL)], "has a base module"),
    "another suffix": ("app.zip", HONEST, "is a file .apk, .aab or .aar"),
    "apks": ("app.apks", HONEST, "give the .apk inside"),
}


@pytest.mark.parametrize("name", WRONG_KINDS)
def test_what_is_another_kind_is_said(name: str, tmp_path: Path) -> None:
    file, members, said = WRONG_KINDS[name]
    with pytest.raises(EdgekitError) as error, open_package(write_package(tmp_path / file, members)):
        pass
    assert said in str(error.value)


def test_a_folder_and_a_pipe_are_no_packages(tmp_path: Path) -> None:
    (tmp_path / "app.apk").mkdir()
    with pytest.raises(EdgekitError, match="a folder"), open_package(tmp_path / "app.apk"):
        pass


def overlapping_texts() -> bytes:
    """A thousand texts that each begin two bytes after the one before and reach to the end."""
    texts = b"".join(struct.pack("<H", 2000 - number) for number in range(2000)) + bytes(4000)
    pool = struct.pack("<HHLLLLLL", 1, 28, 28 + 4000 + len(texts), 1000, 0, 0, 28 + 4000, 0)
    pool += struct.pack("<1000L", *range(0, 2000, 2)) + texts
    return struct.pack("<HHL", 3, 8, 8 + len(pool)) + pool


MANIFESTS = {
    "cut": binary_manifest(24)[:-30],
    "no xml": b"hello there",
    "many texts": binary_manifest(24)[:16] + struct.pack("<L", 1 << 31) + binary_manifest(24)[20:],
    "texts over each other": overlapping_texts(),
    "chunk of no bytes": binary_manifest(24)[:12] + bytes(4) + binary_manifest(24)[16:],
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_damaged_manifest_gives_a_reason(name: str, tmp_path: Path) -> None:
    content = b"\3\0\x08\0" + MANIFESTS[name][4:]
    path = write_package(tmp_path / "app.apk", [Member("AndroidManifest.xml", content)])
    with open_package(path) as package, pytest.raises(ValueError, match=r"\w"):
        manifests.min_sdk(package)


@pytest.mark.parametrize("kind", ["apk", "aab", "aar"])
def test_min_sdk_is_read_from_each_form(kind: str, tmp_path: Path) -> None:
    for level in (21, 35, None):
        members = [manifest(kind, level), *([bundle_config()] if kind == "aab" else [])]
        with open_package(write_package(tmp_path / f"app.{kind}", members)) as package:
            assert manifests.min_sdk(package) == level


def test_entities_in_a_manifest_are_not_grown(tmp_path: Path) -> None:
    text = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><manifest>&a;</manifest>'
    with open_package(write_package(tmp_path / "lib.aar", [Member("AndroidManifest.xml", text)])) as package:
        with pytest.raises(ValueError, match="document type"):
            manifests.min_sdk(package)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("**.tflite", "assets/a/b.c.tflite", True),
        ("*.tflite", "assets/a.tflite", False),
        ("assets/*.tflite", "assets/a.tflite", True),
        ("assets/*.tflite", "assets/b/a.tflite", False),
        ("**.[tT][fF][lL][iI][tT][eE]", "assets/a.TFlite", True),
        ("**.{so,tflite}", "assets/a.tflite", True),
        ("assets/?.tflite", "assets/a.tflite", True),
        ("assets/[!a]*", "assets/a.tflite", False),
        ("assets/[x-z].tflite", "assets/y.tflite", True),
        ("assets/a\\*.tflite", "assets/a*.tflite", True),
        ("assets/**", "assets/x/y", True),
        ("", "assets/x", False),
        ("[", "[", False),
        ("{a", "a", False),
        ("*" * 300, "assets/x" * 40, True),
        ("*?" * 149, "a" * 4000, True),
        ("*" * 301, "assets/x", False),
        ("{a,b}" * 30, "ab" * 15, False),
    ],
)
def test_globs_match_as_java_has_them(glob: str, path: str, fits: bool) -> None:
    assert globs.matches(glob, path) is fits


@pytest.mark.parametrize("data", [b"\x0a\xff", b"\xff" * 20, b"\x0b", b"\x09\0", b"\x80"])
def test_a_damaged_protocol_buffer_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        list(protobuf.fields(data))


def test_libraries_that_are_none_are_refused() -> None:
    for head in (b"", b"\x7fELF\x01\x01" + bytes(100), b"\x7fELF\x02\x01" + bytes(26) + b"\xff" * 50):
        with pytest.raises(ValueError, match=r"ELF|program headers"):
            load_alignments(head)
    assert runtime_version(b"\0 2.16.1 \0") is None and runtime_version(b"\x002.16.1\0") == "2.16.1"
    assert runtime_version(b"\x002.16.1\0x\x002.17.0\0") is None
    assert runtime_version(b"\x002.6.0\0\x002.6.0\0") == "2.6.0"


def test_operators_have_the_runtime_that_first_had_them() -> None:
    assert first_runtime("FULLY_CONNECTED", 7) == (2, 3, 0) and first_runtime("TRANSPOSE", 7) == version_of("2.14.4")
    assert first_runtime("BROADCAST_TO", 1) is first_runtime("CONV_2D", 99) is first_runtime("CONV_2D", 0) is None
    assert first_runtime("NO_SUCH", 1) is None


@pytest.mark.parametrize("count", [1, 3])
def test_models_that_inflate_as_a_bomb_does_are_not_read(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "_SMALL_TOTAL", 3 << 20)
    members = [Member(f"assets/{n}.tflite", bytes((4 << 20) // count), stored=False) for n in range(count)]
    path = write_package(tmp_path / "app.apk", [manifest("apk", 24), *members])
    with pytest.raises(EdgekitError, match="at most 200 times its size.*whose models would inflate to"):
        edgekit.verify_package(path)


def test_no_member_inflates_beyond_what_it_says(tmp_path: Path) -> None:
    """The list says 100 bytes, in both places; the deflated stream holds a million."""
    name, packer = b"assets/a.tflite", zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(1_000_000)) + packer.flush()
    path = write_package(tmp_path / "app.apk", [manifest("apk", 24), Member(name.decode(), bytes(100), stored=False)])
    with zipfile.ZipFile(path) as archive:
        place = archive.infolist()[1].header_offset
    data = path.read_bytes()
    head = data[:place] + patched(data[place : place + 30], 18, "<L", len(packed)) + name + packed
    start = struct.unpack_from("<L", data, end_of(data) + 16)[0]
    listed = patched(data, central(data, name) + 20, "<L", len(packed))[start:]
    whole = head + listed
    path.write_bytes(patched(whole, end_of(whole) + 16, "<L", len(head)))
    with open_package(path) as package:
        assert package.read(package.entries[1]) == bytes(100)
