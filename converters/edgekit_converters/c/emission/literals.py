"""Values as C writes them."""

from __future__ import annotations

import json
import math

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ConversionError
from edgekit_converters.c.steps import C_TYPES

__all__ = ["array", "number", "text"]

_PER_LINE = 100
"""Characters."""


def number(value: float | np.generic) -> str:
    """A number as a literal of its own type; floats keep every bit of a float32.

    Raises:
        ConversionError: It is no finite number.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        if not math.isfinite(plain):
            raise ConversionError(
                "Numbers in C are finite: infinity and NaN have no literals.",
                received=plain,
                remedy="Keep them out of the model, its preprocessing and its golden vectors.",
            )
        digits = f"{plain:.9g}"
        return f"{digits}f" if {".", "e"} & set(digits) else f"{digits}.0f"
    if plain == -(1 << 31):
        return "(-2147483647 - 1)"
    if plain == -(1 << 63):
        return "(-INT64_C(9223372036854775807) - 1)"
    if abs(plain) >= 1 << 31:
        signed = isinstance(value, np.generic) and value.dtype == np.int64
        return f"INT64_C({plain})" if plain < 1 << 32 or signed else f"UINT64_C({plain})"
    return str(int(plain))


def array(name: str, values: NDArray[np.generic], qualifiers: str) -> list[str]:
    """The definition of a constant array of one dimension, row by row.

    Args:
        name: Name of the array.
        values: Of any shape.
        qualifiers: What stands before its type, such as a macro and a space; may be empty.
    """
    flat = values.reshape(-1)
    words = [number(value) for value in (flat if flat.dtype.kind == "f" else flat.tolist())]
    lines, line = [f"static {qualifiers}const {C_TYPES[str(values.dtype)]} {name}[{max(1, len(flat))}] = {{"], "   "
    for word in words or ["0"]:
        if len(line) + len(word) + 2 > _PER_LINE:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return [*lines, line, "};"]


def text(label: str) -> str:
    """A string literal; anything but plain ASCII as octal bytes of its UTF-8, which no trigraph or digit can join."""
    if label.isascii() and label.isprintable() and "?" not in label:
        return json.dumps(label)
    return '"' + "".join(f"\\{byte:03o}" for byte in label.encode()) + '"'
