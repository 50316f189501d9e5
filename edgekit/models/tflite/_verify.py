"""Flatbuffer verification: every offset and length that a reader of a `.tflite` follows stays inside the file.

The same rules as the C++ `flatbuffers::Verifier` that Android's interpreter applies: bounds, alignment, string ends and
a limit on the number of tables. The Python flatbuffers package has no verifier, and its accessors follow any offset. In
addition, parts may not overlap so much that reading them costs many times the size of the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edgekit.errors import ModelError

__all__ = ["verify_flatbuffer"]

_MAX_TABLES = 1_000_000
_REMEDY = "The file is damaged or was not written by a TFLite converter; convert or download it again."


def verify_flatbuffer(data: bytes) -> None:
    """Check the structure of a whole file.

    Raises:
        ModelError: A part lies outside the file, is misaligned, or overlaps others too often.
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError(
            "A .tflite file carries the identifier 'TFL3' at byte 4.",
            received=repr(data[4:8]) if data else "an empty file",
            remedy=_REMEDY,
        )
    _Verifier(data).table(_TABLES["Model"], 0)


@dataclass(frozen=True)
class _Field:
    """A field of a table: `size` bytes in line, or an offset to what `kind` says."""

    kind: str  # "scalar", "string", "vector" of scalars, "table", "tables", "union" (its tag is the slot before)
    size: int = 4
    table: str = ""
    tags: tuple[str, ...] = ()  # of a union, from tag 1; "" or beyond: a table of which only the frame is checked


def _scalar(size: int) -> _Field:
    return _Field("scalar", size)


def _vector(size: int) -> _Field:
    return _Field("vector", size)


def _tables(name: str) -> _Field:
    return _Field("tables", table=name)


_STRING = _Field("string")
_INTS = _vector(4)
_INDEX_UNION = _Field("union", tags=("Int32Vector", "Uint16Vector", "Uint8Vector"))
_VAR_HANDLE_TAG = 111  # BuiltinOptions.VarHandleOptions: the only one of them with strings

# Slots of the tables that a reader visits, in the order of the public schema (schema.fbs of TensorFlow Lite).
_TABLES: dict[str, dict[int, _Field]] = {
    "Model": {
        0: _scalar(4),
        1: _tables("OperatorCode"),
        2: _tables("SubGraph"),
        3: _STRING,
        4: _tables("Buffer"),
        5: _INTS,
        6: _tables("Metadata"),
        7: _tables("SignatureDef"),
        8: _tables("ExternalBufferGroup"),
        9: _tables("ExternalBuffer"),
    },
    "OperatorCode": {0: _scalar(1), 1: _STRING, 2: _scalar(4), 3: _scalar(4)},
    "SubGraph": {0: _tables("Tensor"), 1: _INTS, 2: _INTS, 3: _tables("Operator"), 4: _STRING, 5: _scalar(4)},
    "Tensor": {
        0: _INTS,
        1: _scalar(1),
        2: _scalar(4),
        3: _STRING,
        4: _Field("table", table="Quantization"),
        5: _scalar(1),
        6: _Field("table", table="Sparsity"),
        7: _INTS,
        8: _scalar(1),
        9: _tables("VariantSubType"),
        10: _scalar(4),
    },
    "Quantization": {
        0: _INTS,
        1: _INTS,
        2: _vector(4),
        3: _vector(8),
        4: _scalar(1),
        5: _Field("union", tags=("CustomQuantization", "BlockwiseQuantization", "")),
        6: _scalar(4),
    },
    "CustomQuantization": {0: _vector(1)},
    "BlockwiseQuantization": {0: _scalar(4), 1: _scalar(4), 2: _scalar(4), 3: _INTS},
    "Sparsity": {0: _INTS, 1: _INTS, 2: _tables("Dimension")},
    "Dimension": {0: _scalar(1), 1: _scalar(4), 2: _scalar(1), 3: _INDEX_UNION, 4: _scalar(1), 5: _INDEX_UNION},
    "Int32Vector": {0: _INTS},
    "Uint16Vector": {0: _vector(2)},
    "Uint8Vector": {0: _vector(1)},
    "VariantSubType": {0: _INTS, 1: _scalar(1), 2: _scalar(1)},
    "Operator": {
        0: _scalar(4),
        1: _INTS,
        2: _INTS,
        3: _scalar(1),
        4: _Field("union", tags=(*("",) * (_VAR_HANDLE_TAG - 1), "VarHandleOptions")),
        5: _vector(1),
        6: _scalar(1),
        7: _vector(1),
        8: _INTS,
        9: _scalar(8),
        10: _scalar(8),
        11: _scalar(1),
        12: _Field("union", tags=(*("",) * 4, "CustomCallOptions", *("",) * 15, "CompositeOptions")),
        13: _scalar(4),
    },
    "VarHandleOptions": {0: _STRING, 1: _STRING},
    "CustomCallOptions": {0: _STRING, 1: _scalar(1), 2: _STRING, 3: _scalar(4), 4: _INTS, 5: _vector(1)},
    "CompositeOptions": {0: _STRING, 1: _scalar(4), 2: _vector(1), 3: _scalar(1), 4: _scalar(4)},
    "Buffer": {0: _vector(1), 1: _scalar(8), 2: _scalar(8)},
    "Metadata": {0: _STRING, 1: _scalar(4)},
    "SignatureDef": {0: _tables("TensorMap"), 1: _tables("TensorMap"), 2: _STRING, 4: _scalar(4)},
    "ExternalBufferGroup": {0: _STRING},
    "ExternalBuffer": {0: _scalar(4), 1: _scalar(4), 2: _scalar(8), 3: _scalar(8), 4: _STRING},
    "TensorMap": {0: _STRING, 1: _scalar(4)},
}
_OPAQUE: dict[int, _Field] = {}


class _Verifier:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._tables_left = _MAX_TABLES
        self._bytes_left = 4 * len(data) + 4096  # writers share strings and empty vectors, never the bulk

    def table(self, fields: dict[int, _Field], at: int) -> None:
        """Check the table that the offset stored at byte `at` points to, and all below it."""
        start = self._target(at)
        distance = self._read("<i", start)
        vtable = start - distance
        if vtable % 2:
            self._fail("a table's description is misaligned", vtable)
        vtable_size, table_size = self._read("<H", vtable), self._read("<H", vtable + 2)
        if vtable_size < 4 or vtable_size % 2 or table_size < 4:
            self._fail("a table's description is impossible", vtable)
        self._span(vtable, vtable_size)
        self._span(start, table_size)
        self._spend(table_size)
        self._tables_left -= 1
        if self._tables_left < 0:
            self._fail(f"more than {_MAX_TABLES} tables", start)
        offsets = struct.unpack_from(f"<{vtable_size // 2 - 2}H", self._data, vtable + 4)
        for slot, offset in enumerate(offsets):
            field = fields.get(slot)
            if offset == 0:
                continue
            if offset < 4 or offset + (field.size if field and field.kind == "scalar" else 1) > table_size:
                self._fail("a field lies outside its table", start)
            if field is None or field.kind == "scalar":
                continue
            if field.kind == "union":
                tag_offset = offsets[slot - 1]
                tag = self._data[start + tag_offset] if tag_offset else 0
                known = field.tags[tag - 1] if 0 < tag <= len(field.tags) else ""
                self.table(_TABLES[known] if known else _OPAQUE, start + offset)
            else:
                self._follow(field, start + offset)

    def _follow(self, field: _Field, at: int) -> None:
        if field.kind == "table":
            return self.table(_TABLES[field.table], at)
        start = self._target(at)
        length = self._read("<I", start)
        size = 1 if field.kind == "string" else field.size
        self._span(start + 4, length * size + (field.kind == "string"))
        self._spend(4 + length * size)
        if field.kind == "string" and self._data[start + 4 + length]:
            self._fail("a string has no end", start)
        if field.kind == "tables":
            for element in range(length):
                self.table(_TABLES[field.table], start + 4 + 4 * element)
        return None

    def _target(self, at: int) -> int:
        start: int = at + self._read("<I", at)
        if start == at or start % 4:
            self._fail("an offset is zero or misaligned", at)
        return start

    def _read(self, form: str, at: int) -> int:
        self._span(at, struct.calcsize(form))
        value: int = struct.unpack_from(form, self._data, at)[0]
        return value

    def _span(self, at: int, size: int) -> None:
        if at < 0 or at + size > len(self._data):
            self._fail(f"{size} bytes at byte {at} lie outside the file of {len(self._data)} bytes", at)

    def _spend(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            self._fail("its parts overlap again and again", 0)

    def _fail(self, what: str, at: int) -> None:
        raise ModelError(
            "Every offset in a .tflite file points to a whole part inside it.",
            received=f"{what} (near byte {max(at, 0)})",
            remedy=_REMEDY,
        )
