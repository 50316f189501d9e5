"""Decode and verify a `.tflite` flatbuffer: every offset and length that is followed stays inside the file.

The same rules as the C++ `flatbuffers::Verifier` that Android's interpreter applies: bounds, string ends and a limit on
the number of tables. The Python flatbuffers package has no verifier, and its accessors follow any offset. In addition,
parts may not overlap so much that reading them costs many times the size of the file; a table that is named again is
decoded once, and counted again.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.tflite._layout import LAYOUT, OPAQUE, Field, Layout

__all__ = ["Row", "read_flatbuffer"]

Row = dict[str, Any]
"""A decoded table: field name -> number, bytes, tuple, array, row or rows; "at" is its place in the file."""

_MAX_TABLES = 1_000_000


def read_flatbuffer(data: bytes, root: str = "Model", layouts: Mapping[str, Layout] = LAYOUT) -> tuple[Row, bool]:
    """Decode and check a whole file, whose identifier is not looked at.

    Args:
        data: The file. Arrays in the result are views of it.
        root: Name of the table that it begins with.
        layouts: The tables of its schema.

    Returns:
        That table, and whether all parts are aligned as the format asks.

    Raises:
        ModelError: A part lies outside the file, or parts overlap too often.
    """
    reader = _Reader(data, layouts)
    return reader.table(layouts[root], 0), reader.aligned


@dataclass(frozen=True)
class _Plan:
    """How tables of one kind and one description are decoded; a file has few, for thousands of tables.

    Attributes:
        size: Bytes of the table.
        scalars: All its scalars at once, with those names.
        names: Names of the scalars.
        fields: The others: field, offset in the table, and offset of the tag of a union (0 where there is none).
    """

    size: int
    scalars: struct.Struct
    names: tuple[str, ...]
    fields: tuple[tuple[Field, int, int], ...]


class _Reader:
    def __init__(self, data: bytes, layouts: Mapping[str, Layout]) -> None:
        self._data, self._size, self._layouts = data, len(data), layouts
        self._tables_left = _MAX_TABLES
        self._bytes_left = 4 * len(data) + 4096  # writers share strings and empty vectors, never the bulk
        self._rows: dict[tuple[str, int], tuple[Row, int, int]] = {}
        self._plans: dict[tuple[str, int], _Plan] = {}
        self.aligned = True

    def table(self, layout: Layout, at: int) -> Row:
        """Decode the table that the offset stored at byte `at` points to, and all below it."""
        start = self._target(at)
        key = (layout.name, start)
        if key in self._rows:
            known, size, tables = self._rows[key]
            self._spend(size, tables)
            return known
        bytes_before, tables_before = self._bytes_left, self._tables_left
        plan = self._plan(layout, start)
        self._span(start, plan.size)
        self._spend(plan.size, 1)
        row: Row = {**layout.defaults, "at": start}
        if plan.names:
            row.update(zip(plan.names, plan.scalars.unpack_from(self._data, start), strict=True))
        for field, offset, tag in plan.fields:
            if field.kind == "union":
                row[field.name] = self._union(field, start + offset, self._data[start + tag] if tag else 0)
            else:
                row[field.name] = self._follow(field, start + offset)
        self._rows[key] = row, bytes_before - self._bytes_left, tables_before - self._tables_left
        return row

    def _plan(self, layout: Layout, start: int) -> _Plan:
        vtable = start - self._read("<i", start)
        key = (layout.name, vtable)
        if key not in self._plans:
            self._plans[key] = self._new_plan(layout, vtable)
        return self._plans[key]

    def _new_plan(self, layout: Layout, vtable: int) -> _Plan:
        vtable_size, table_size = self._read("<H", vtable), self._read("<H", vtable + 2)
        if vtable % 2:
            self.aligned = False
        if vtable_size < 4 or vtable_size % 2 or table_size < 4:
            self._fail("a table's description is impossible", vtable)
        self._span(vtable, vtable_size)
        offsets = struct.unpack_from(f"<{vtable_size // 2 - 2}H", self._data, vtable + 4)
        scalars: list[tuple[int, Field]] = []
        fields = []
        for slot, offset in enumerate(offsets):
            field = layout.fields[slot] if slot < len(layout.fields) else None
            if offset == 0:
                continue
            width = 1 if field is None else field.size if field.kind == "scalar" else 4
            if offset < 4 or offset + width > table_size:
                self._fail("a field lies outside its table", vtable)
            if field is not None and field.kind == "scalar":
                scalars.append((offset, field))
            elif field is not None:
                fields.append((field, offset, offsets[slot - 1] if field.kind == "union" else 0))
        names, form, end = [], "<", 0
        for offset, field in sorted(scalars, key=lambda pair: pair[0]):
            if offset < end:
                self._fail("the fields of a table overlap", vtable)
            names.append(field.name)
            form += f"{offset - end}x{field.form}"
            end = offset + field.size
        return _Plan(table_size, struct.Struct(form), tuple(names), tuple(fields))

    def _union(self, field: Field, at: int, tag: int) -> Row | None:
        name = field.tables[tag - 1] if 0 < tag <= len(field.tables) else ""
        row = self.table(self._layouts[name] if name else OPAQUE, at)
        return row if tag else None

    def _follow(self, field: Field, at: int) -> Any:
        if field.kind == "table":
            return self.table(self._layouts[field.tables[0]], at)
        start = self._target(at)
        length: int = self._read("<I", start)
        begin, size = start + 4, length * field.size
        self._span(begin, size + (field.kind == "string"))
        self._spend(4 + size, 0)
        if field.kind == "string":
            if self._data[begin + length]:
                self._fail("a string has no end", start)
            return self._data[begin : begin + length]
        if field.kind == "numbers":
            return struct.unpack_from(f"<{length}{field.form}", self._data, begin)
        if field.kind == "array":
            return np.frombuffer(self._data, "<" + _NUMPY.get(field.form, field.form), length, begin)
        layout = self._layouts[field.tables[0]]
        return [self.table(layout, begin + 4 * element) for element in range(length)]

    def _target(self, at: int) -> int:
        start: int = at + self._read("<I", at)
        if start == at:
            self._fail("an offset is zero", at)
        if start % 4:
            self.aligned = False
        return start

    def _read(self, form: str, at: int) -> int:
        if at < 0 or at + _SIZES[form] > self._size:
            self._span(at, _SIZES[form])
        value: int = struct.unpack_from(form, self._data, at)[0]
        return value

    def _span(self, at: int, size: int) -> None:
        if at < 0 or at + size > self._size:
            self._fail(f"{size} bytes at byte {at} lie outside the file of {self._size} bytes", at)

    def _spend(self, size: int, tables: int) -> None:
        self._bytes_left -= size
        self._tables_left -= tables
        if self._tables_left < 0:
            raise ModelError(
                f"A .tflite file has at most {_MAX_TABLES:,} parts, which is the limit of runtimes too.",
                received="more",
                remedy="Convert the model again.",
            )
        if self._bytes_left < 0:
            raise ModelError(
                "The parts of a .tflite file do not overlap.",
                received="parts that overlap again and again, to more than four times the size of the file",
                remedy="Convert the model again with TFLite's converter.",
            )

    def _fail(self, what: str, at: int) -> None:
        raise ModelError(
            "Every offset in a .tflite file points to a whole part inside it.",
            received=f"{what} (near byte {max(at, 0)})",
            remedy="The file is damaged or was not written by a TFLite converter; convert or download it again.",
        )


_SIZES = {"<I": 4, "<i": 4, "<H": 2}
_NUMPY = {"B": "u1", "H": "u2", "i": "i4", "I": "u4", "q": "i8", "f": "f4"}
