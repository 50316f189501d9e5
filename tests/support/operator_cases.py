"""Random calls of operators, as hypothesis draws them, and models of many such calls side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from operator_models import Call, Operand, operator_model

from edgekit import tflite
from edgekit.tensors import Array

__all__ = [
    "Case",
    "Draw",
    "RANGES",
    "constant",
    "inputs_of",
    "integers",
    "model_of",
    "quantised",
    "scales",
    "shapes",
    "zero_points",
]

Draw = Callable[[st.SearchStrategy[Any]], Any]
"""What hypothesis hands to a composite strategy."""
RANGES = {"int8": (-128, 127), "int16": (-32768, 32767), "uint8": (0, 255), "int32": (-(1 << 31), (1 << 31) - 1)}


@dataclass(frozen=True)
class Case:
    """One call.

    Attributes:
        name: The operator.
        operands: Those that are constants have values.
        results: What it makes.
        options, fields: Its table.
        values: What computed operands hold where that is not everything that their dtype can: by place.
        twice: The second operand is the first one.
    """

    name: str
    operands: Sequence[Operand]
    results: Sequence[Operand]
    options: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[int, Callable[[np.random.Generator], Array]] = field(default_factory=dict)
    twice: bool = False


def model_of(cases: Sequence[Case]) -> tflite.Model:
    """A model of all the calls, each with inputs and outputs of its own."""
    operands: list[Operand] = []
    calls, inputs, outputs = [], [], []
    for case in cases:
        first = len(operands)
        operands += [*case.operands, *case.results]
        taken = list(range(first, first + len(case.operands)))
        made = list(range(first + len(case.operands), len(operands)))
        inputs += [place for place in taken if operands[place].values is None]
        outputs += made
        calls.append(
            Call(case.name, [first, first] if case.twice else taken, made, case.options, tuple(case.fields.items()))
        )
    return operator_model(operands, calls, inputs, outputs)


def inputs_of(cases: Sequence[Case], random: np.random.Generator) -> list[Array]:
    """What the model of the calls takes."""
    found = []
    for case in cases:
        for place, operand in enumerate(case.operands):
            if operand.values is None:
                draw = case.values.get(place)
                found.append(draw(random) if draw else _anything(operand, random))
    return found


def _anything(operand: Operand, random: np.random.Generator) -> Array:
    if operand.dtype == "float32":
        return random.standard_normal(operand.shape).astype(np.float32)
    if operand.dtype == "bool":
        return random.integers(0, 2, operand.shape).astype(bool)
    return random.integers(*RANGES[operand.dtype], operand.shape, operand.dtype, endpoint=True)


def shapes(least: int = 1, most: int = 4, size: int = 5) -> st.SearchStrategy[list[int]]:
    """Dimensions."""
    return st.lists(st.integers(1, size), min_size=least, max_size=most)


def scales(low: float = -9, high: float = -2) -> st.SearchStrategy[float]:
    """Powers of two, whole or not, of float32."""
    return st.floats(low, high).map(lambda power: float(np.float32(2.0**power)))


def zero_points(dtype: str) -> st.SearchStrategy[int]:
    """All that a dtype has; 0 for int16."""
    return st.just(0) if dtype == "int16" else st.integers(*RANGES[dtype])


def quantised(
    draw: Draw, shape: Sequence[int], dtype: str, *, scale: float | None = None, zero_point: int | None = None
) -> Operand:
    """A tensor with a scale where its dtype is one of quantised values."""
    if dtype not in ("int8", "int16", "uint8"):
        return Operand(shape, dtype)
    own = draw(scales()) if scale is None else scale
    zero = draw(zero_points(dtype)) if zero_point is None else zero_point
    return Operand(shape, dtype, (own,), (zero,))


def constant(draw: Draw, operand: Operand) -> Operand:
    """The same with values."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    values = _anything(operand, random)
    return Operand(operand.shape, operand.dtype, operand.scales, operand.zero_points, values=values)


def integers(values: Any, dtype: str = "int32") -> Operand:
    """A constant that is not quantised."""
    array = np.asarray(values, dtype)
    return Operand(array.shape, dtype, values=array)
