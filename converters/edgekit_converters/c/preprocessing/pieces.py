"""The fixed parts of the C text, and the types and literals that all of it uses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from string import Template

from edgekit_converters.preprocessing.literals import digits

__all__ = ["LIMITS", "TYPES", "column", "literal", "piece"]

TYPES = {
    "float32": "float",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
}
"""The C type of each dtype that samples, inputs and outputs may have."""
LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
"""The least and the greatest value of the dtypes that real values are quantised to."""
_WIDTH = 112


@cache
def _template(file: str) -> Template:
    return Template((resources.files(__name__.rpartition(".")[0]) / f"{file}.c").read_text(encoding="utf-8"))


def piece(file: str, name: str, **values: str | int) -> str:
    """One of the `.c` files of this folder with the prefix of all symbols and more values in it."""
    return _template(file).substitute(name=name, up=name.upper(), **values)


def literal(value: float) -> str:
    """A float constant of C."""
    text = digits(value)
    return f"{text}f" if {".", "e"} & set(text) else f"{text}.0f"


def column(items: Iterator[str], indent: str = "    ") -> Iterator[str]:
    """Lines of a table, as many items in each as fit."""
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > _WIDTH:
            yield line
            line = ""
        line = f"{line} {item}," if line else f"{indent}{item},"
    if line:
        yield line
