"""A self-test for TensorFlow Lite Micro: golden inputs through the interpreter, its answers against the golden ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from edgekit.golden import Golden
from edgekit.tensors import Array
from edgekit_converters.exporters import Checked, Source
from edgekit_converters.tflm.sources import heading, rows

__all__ = ["TYPES", "SelfTest", "main_source", "selftest_header", "selftest_source"]

EXACT = "tflm"
"""How the name of an oracle starts whose integer answers every build with reference kernels gives bit for bit."""
TYPES = {
    "float32": "kTfLiteFloat32",
    "int8": "kTfLiteInt8",
    "uint8": "kTfLiteUInt8",
    "int16": "kTfLiteInt16",
    "int32": "kTfLiteInt32",
    "uint32": "kTfLiteUInt32",
    "int64": "kTfLiteInt64",
    "bool": "kTfLiteBool",
}
"""By NumPy's name, the interpreter's for the types that inputs and outputs may have."""


@dataclass(frozen=True)
class SelfTest:
    """Golden vectors, cut to what a firmware takes.

    Attributes:
        vectors: Inputs and answers.
        samples: How many of them.
        steps: Least significant bits that integer outputs may differ by.
        relative: The part of an output's largest absolute value that float outputs may differ by.
    """

    vectors: Golden
    samples: int
    steps: int
    relative: float

    @classmethod
    def of(cls, checked: Checked, samples: int) -> SelfTest:
        """The first samples; integers are held to equality where TensorFlow Lite Micro itself answered."""
        vectors = checked.vectors
        steps = 0 if vectors.oracle.startswith(EXACT) else checked.builtin.steps
        return cls(vectors, min(samples, len(vectors)), steps, checked.builtin.relative)


def selftest_header(name: str, source: Source, test: SelfTest) -> str:
    """`NAME_selftest.h`."""
    return _filled("selftest.h", name, source, {"SAMPLES": str(test.samples), "STEPS": str(test.steps)})


def selftest_source(name: str, source: Source, test: SelfTest) -> str:
    """`NAME_selftest.cc`: the vectors, and what runs them: afresh each, or in a row where a model has variables."""
    operators = (operator for graph in source.model.graphs for operator in graph.operators)
    sides = (("input", test.vectors.inputs), ("output", test.vectors.outputs))
    places = {
        "ORACLE": test.vectors.oracle,
        "RELATIVE": f"{test.relative:.9e}",
        "VARIABLES": str(sum(op.name == "VAR_HANDLE" and not op.custom for op in operators)),
        "VECTORS": "\n".join(line for side, arrays in sides for line in _vectors(side, arrays, test.samples)),
        "INPUTS": _ports("kInputs", *sides[0]),
        "OUTPUTS": _ports("kOutputs", *sides[1]),
    }
    return _filled("selftest.cc", name, source, places)


def main_source(name: str, source: Source) -> str:
    """`NAME_main.cc`: a program that prints the verdict."""
    return _filled("main.cc", name, source, {})


def _vectors(side: str, arrays: Sequence[Array], samples: int) -> Iterator[str]:
    """The bytes of the arrays of one side, little endian as the model's own."""
    for number, array in enumerate(arrays):
        some = np.ascontiguousarray(array[:samples])
        content = some.astype(some.dtype.newbyteorder("<"), copy=False).tobytes()
        yield f"constexpr std::uint8_t {side}_{number}[] = {{"
        yield from rows(content)
        yield "};"


def _ports(name: str, side: str, arrays: Sequence[Array]) -> str:
    """The table of one side's tensors."""
    ports = (
        f"{{{TYPES[array.dtype.name]}, {array[0].nbytes}, {side}_{number}}}" for number, array in enumerate(arrays)
    )
    return f"constexpr Port {name}[] = {{{', '.join(ports)}}};"


def _filled(template: str, name: str, source: Source, places: Mapping[str, str]) -> str:
    text = (files("edgekit_converters.tflm") / "templates" / template).read_text(encoding="utf-8")
    for place, value in {"NAME": name, "UPPER": name.upper(), **places}.items():
        text = text.replace(f"@{place}@", value)
    return "\n".join(heading(source)) + "\n" + text
