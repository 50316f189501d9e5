"""Option tables of operators, decoded by the schema's own classes into ours."""

from __future__ import annotations

import functools
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from edgekit.tflite._checks import Oddities
from edgekit.tflite._constants import text
from edgekit.tflite._flatbuffer import Row
from edgekit.tflite.options import TABLES, NoOptions, Options, Other

__all__ = ["OptionTables", "names_of"]

_NONE = NoOptions()


class OptionTables:
    """The option tables of one file; operators that share a table share what it says.

    Args:
        data: The file, verified: every string and vector of an option table lies inside it.
        schema: The generated module.
        odd: Takes what is unusual.
    """

    def __init__(self, data: bytes, schema: Any, odd: Oddities) -> None:
        self._data, self._odd, self._schema = data, odd, schema
        self._unions = tuple(names_of(union) for union in (schema.BuiltinOptions, schema.BuiltinOptions2))
        self._read: dict[tuple[int, int, int], Options] = {}
        dtypes = {number: name.lower() for number, name in names_of(schema.TensorType).items()}
        self._named = {
            "padding": names_of(schema.Padding),
            "fused_activation_function": names_of(schema.ActivationFunctionType),
            "in_data_type": dtypes,
            "out_data_type": dtypes,
            "quantized_bias_type": dtypes,
        }

    def of(self, row: Row, what: str) -> Options:
        """The options of an operator.

        Args:
            row: The table "Operator".
            what: The operator, for messages.
        """
        return self._table(0, row["builtin_options_type"], row["builtin_options"], what)

    def second(self, row: Row, what: str) -> Options:
        """Its second table, which a few newer operators have in place of the first."""
        return self._table(1, row["builtin_options_2_type"], row["builtin_options_2"], what)

    def _table(self, union: int, tag: int, row: Row | None, what: str) -> Options:
        name = self._unions[union].get(tag)
        if row is None or not tag or name is None:
            return _NONE
        key = (union, tag, row["at"])
        if key not in self._read:
            self._read[key] = self._decoded(name, row, what)
        return self._read[key]

    def _decoded(self, name: str, row: Row, what: str) -> Options:
        packed, plain = getattr(self._schema, name), getattr(self._schema, name + "T")
        table = packed()
        table.Init(self._data, row["at"])
        told = {_snake(key): self._value(key, value, what) for key, value in vars(plain.InitFromObj(table)).items()}
        kind = TABLES.get(name)
        if kind is None:
            return Other(name, MappingProxyType(told))
        options: Options = kind(**{field.name: told[field.name] for field in fields(kind)})
        return options

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
        return names.get(value, str(value))


@functools.cache
def names_of(enum: Any) -> dict[int, str]:
    """A schema enumeration as number -> name; `__firstlineno__`, which Python 3.13 notes of a class, is none of it."""
    numbers = {name: number for name, number in vars(enum).items() if isinstance(number, int)}
    return {number: name for name, number in numbers.items() if not name.startswith("_")}


@functools.cache
def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
