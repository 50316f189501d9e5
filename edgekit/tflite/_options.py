"""Options of operators, decoded by the schema's own classes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from edgekit.tflite._checks import Oddities
from edgekit.tflite._constants import text
from edgekit.tflite._flatbuffer import Row

__all__ = ["Options", "names_of"]

_NONE: Mapping[str, object] = MappingProxyType({})


class Options:
    """The option tables of one file; operators that share a table share what it says.

    Args:
        data: The file, verified: every string and vector of an option table lies inside it.
        schema: The generated module.
        odd: Takes what is unusual.
    """

    def __init__(self, data: bytes, schema: Any, odd: Oddities) -> None:
        self._data, self._odd = data, odd
        self._classes = tuple(
            {tag: (getattr(schema, name), getattr(schema, name + "T")) for tag, name in names_of(union).items() if tag}
            for union in (schema.BuiltinOptions, schema.BuiltinOptions2)
        )
        self._tables: dict[tuple[int, int, int], Mapping[str, object]] = {}
        self._named = {
            "padding": names_of(schema.Padding),
            "fused_activation_function": names_of(schema.ActivationFunctionType),
        }

    def of(self, row: Row, what: str) -> Mapping[str, object]:
        """The fields of an operator's option tables, in the schema's spelling; padding and activation as names."""
        first = self._table(0, row["builtin_options_type"], row["builtin_options"], what)
        second = self._table(1, row["builtin_options_2_type"], row["builtin_options_2"], what)
        return MappingProxyType({**first, **second}) if first and second else first or second

    def _table(self, union: int, tag: int, row: Row | None, what: str) -> Mapping[str, object]:
        if row is None or tag not in self._classes[union]:
            return _NONE
        key = (union, tag, row["at"])
        if key not in self._tables:
            packed, plain = self._classes[union][tag]
            table = packed()
            table.Init(self._data, row["at"])
            fields = vars(plain.InitFromObj(table))
            self._tables[key] = MappingProxyType({_snake(k): self._value(k, v, what) for k, v in fields.items()})
        return self._tables[key]

    def _value(self, key: str, value: Any, what: str) -> object:
        if isinstance(value, bytes):
            return text(value)
        if hasattr(value, "tolist"):
            return tuple(value.tolist())
        names = self._named.get(_snake(key))
        if names is None or not isinstance(value, int):
            return value
        if value not in names:
            self._odd.note(f"The option {_snake(key)} is none of {', '.join(names.values())}", f"{value} of {what}")
        return names.get(value, value)


@functools.cache
def names_of(enum: Any) -> dict[int, str]:
    """A schema enumeration as number -> name."""
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


@functools.cache
def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
