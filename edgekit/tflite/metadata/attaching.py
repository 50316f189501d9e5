"""A `.tflite` with metadata put before it: the bytes of the model stay in one piece, as they were measured.

Every offset in a flatbuffer counts from where it stands, so a file may be moved as a block. A new root table before the
block points into it, and names the metadata and their buffers besides; behind the block lies the archive of files.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

from edgekit.errors import ModelError
from edgekit.tflite._flatbuffer import Row, read_flatbuffer
from edgekit.tflite.metadata.reading import ENTRY, archive_start, associated_files
from edgekit.tflite.reader import read

__all__ = ["attach", "original"]

_IDENTIFIER = b"TFL3"
_BLOCK = 64
"""Bytes; the model moves by a multiple, as no constant in it is aligned to more."""
_BUFFERS, _METADATA, _SLOTS = 4, 6, 10
_DATE = (1980, 1, 1, 0, 0, 0)
_REMEDY = "Leave the metadata out."


def attach(content: bytes, metadata: bytes, files: Mapping[str, bytes], entries: Mapping[str, bytes]) -> bytes:
    """Put metadata into a model: the same bytes for the same arguments.

    Args:
        content: A `.tflite`.
        metadata: The flatbuffer of `encode`.
        files: What it names, by name.
        entries: Further metadata entries, such as `min_runtime_version`, by name.

    Raises:
        ModelError: The file has metadata already, or keeps constants outside its flatbuffer.
    """
    model = read(content)
    if ENTRY in model.metadata:
        raise ModelError(
            "Metadata is put into a model that has none.",
            received="one that describes itself already",
            remedy=f"{_REMEDY} What the file says of itself is read.",
        )
    row, _ = read_flatbuffer(content)
    if _keeps_outside(row):
        raise ModelError(
            "Metadata is put into a model whose constants lie in its flatbuffer.",
            received="one with constants behind it",
            remedy=_REMEDY,
        )
    described = _head(content, row, {ENTRY: metadata, **entries}) + content
    return described + _archive(files, len(described)) if files else described


def original(content: bytes) -> bytes | None:
    """The model that `attach` put metadata into; None where it did not, or where anything was changed since.

    Raises:
        ModelError: The content is no `.tflite`, or the archive behind it is damaged.
    """
    (root,) = struct.unpack_from("<I", content.ljust(4, b"\0"))
    if root != _Head.TABLE:
        return None
    described = read(content)
    starts = range(_BLOCK, len(content) - 8, _BLOCK)
    start = next((at for at in starts if content[at + 4 : at + 8] == _IDENTIFIER), None)
    if ENTRY not in described.metadata or start is None:
        return None
    model = read(content[start : archive_start(content)])
    new = {name: data.tobytes() for name, data in described.metadata.items() if name not in model.metadata}
    files = associated_files(described, len(content))
    again = attach(model.content, new.pop(ENTRY), files, new)
    return model.content if again == content else None


def _keeps_outside(row: Row) -> bool:
    operators = (operator for graph in row["subgraphs"] or [] for operator in graph["operators"] or [])
    return any(buffer["offset"] > 1 for buffer in row["buffers"] or []) or any(
        operator["large_custom_options_offset"] for operator in operators
    )


def _head(content: bytes, row: Row, entries: Mapping[str, bytes]) -> bytes:
    """All that lies before the model: the root table, its vectors of buffers and of metadata, what is new in them."""
    head = _Head(_root_fields(content, row))
    buffers = [buffer["at"] for buffer in row["buffers"] or []]
    listed = [entry["at"] for entry in row["metadata"] or []]
    head.field(_BUFFERS)
    old, new_buffers = head.vector(buffers, len(entries))
    head.field(_METADATA)
    more, new_entries = head.vector(listed, len(entries))
    for index, (name, data) in enumerate(entries.items()):
        head.entry(new_entries[index], name, len(buffers) + index)
        head.buffer(new_buffers[index], data)
    return head.finished(old | more)


def _root_fields(content: bytes, row: Row) -> dict[int, int]:
    """What the model's root table holds: the version in slot 0, and by slot the place that a field points to."""
    (distance,) = struct.unpack_from("<i", content, row["at"])
    vtable = row["at"] - distance
    (size,) = struct.unpack_from("<H", content, vtable)
    offsets = struct.unpack_from(f"<{size // 2 - 2}H", content, vtable + 4)
    if any(offsets[_SLOTS:]):
        raise ModelError(
            "Metadata is put into a model of the schema that EdgeKit knows.",
            received="one with a field that is newer",
            remedy=_REMEDY,
        )
    fields = {0: row["version"]}
    for slot, offset in enumerate(offsets):
        if slot and offset and slot not in (_BUFFERS, _METADATA):
            at = row["at"] + offset
            fields[slot] = at + int(struct.unpack_from("<I", content, at)[0])
    return fields


class _Head:
    """Bytes that grow; places of the model in them are written when it is known how far the model moves."""

    TABLE = 32
    """Where the root table lies: behind the root's offset, the identifier and the table's description."""

    def __init__(self, fields: Mapping[int, int]) -> None:
        present = {*fields, _BUFFERS, _METADATA}
        offsets = [4 + 4 * slot if slot in present else 0 for slot in range(_SLOTS)]
        self._bytes = bytearray(struct.pack("<I4s", self.TABLE, _IDENTIFIER))
        self._bytes += struct.pack(f"<HH{_SLOTS}H", 4 + 2 * _SLOTS, 4 + 4 * _SLOTS, *offsets)
        self._bytes += struct.pack(f"<iI{_SLOTS - 1}I", self.TABLE - 8, fields[0], *([0] * (_SLOTS - 1)))
        self._fields = {self.TABLE + 4 + 4 * slot: place for slot, place in fields.items() if slot}

    def field(self, slot: int) -> None:
        """Let a field of the root table point to what comes next."""
        self._point(self.TABLE + 4 + 4 * slot, len(self._bytes))

    def vector(self, places: list[int], more: int) -> tuple[dict[int, int], list[int]]:
        """A vector of tables: those of the model, and some that follow.

        Returns:
            The place in the model that each element points to, and where the further elements lie.
        """
        start = len(self._bytes) + 4
        self._bytes += struct.pack(f"<I{len(places) + more}I", len(places) + more, *([0] * (len(places) + more)))
        elements = [start + 4 * index for index in range(len(places) + more)]
        return dict(zip(elements, places, strict=False)), elements[len(places) :]

    def entry(self, at: int, name: str, buffer: int) -> None:
        """A table `Metadata`: name and buffer."""
        vtable = len(self._bytes)
        self._bytes += struct.pack("<HHHH", 8, 12, 4, 8)
        self._point(at, vtable + 8)
        self._bytes += struct.pack("<iII", 8, 0, buffer)
        self._point(vtable + 12, len(self._bytes))
        encoded = name.encode()
        self._bytes += struct.pack("<I", len(encoded)) + encoded + b"\0"
        self._pad(4)

    def buffer(self, at: int, data: bytes) -> None:
        """A table `Buffer`, whose bytes are aligned to 16."""
        vtable = len(self._bytes)
        self._bytes += struct.pack("<HHHH", 6, 8, 4, 0)
        self._point(at, vtable + 8)
        self._bytes += struct.pack("<iI", 8, 0)
        while (len(self._bytes) + 4) % 16:
            self._bytes.append(0)
        self._point(vtable + 12, len(self._bytes))
        self._bytes += struct.pack("<I", len(data)) + data
        self._pad(4)

    def finished(self, elements: Mapping[int, int]) -> bytes:
        """The bytes, which end where the model begins."""
        self._pad(_BLOCK)
        for at, place in {**self._fields, **elements}.items():
            self._point(at, len(self._bytes) + place)
        return bytes(self._bytes)

    def _point(self, at: int, target: int) -> None:
        struct.pack_into("<I", self._bytes, at, target - at)

    def _pad(self, size: int) -> None:
        self._bytes += bytes(-len(self._bytes) % size)


def _archive(files: Mapping[str, bytes], start: int) -> bytes:
    """A zip archive whose members are stored, with places from the start of the whole file, as zipfile appends it."""
    stream = io.BytesIO(bytes(start))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    return stream.getvalue()[start:]
