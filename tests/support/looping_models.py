"""Models that keep a state, or turn a loop: h = x W + h U, so many times, from what the last call left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from operator_models import Call, Operand, Section, model_of

from edgekit import tflite

__all__ = ["Looping", "looping_model"]

_UNITS = 4
_FIRST = (-120, 3, 77, 127)
_NAME = {"sharedName": "h", "container": ""}


@dataclass(frozen=True)
class Looping:
    """How often a model turns, and whether it remembers.

    Attributes:
        first, by, limit: Of the counter.
        kept: The state lives from call to call.
        condition: The operator that compares the counter.
        initial: The state's first value is a constant.
        crossed: The loop has a second value, and each becomes the other.
        computed: The counter's first value comes from an input.
    """

    first: int = 0
    by: int = 1
    limit: int = 3
    kept: bool = False
    condition: str = "LESS"
    initial: bool = True
    crossed: bool = False
    computed: bool = False


def _h(values: Sequence[int] | None = None) -> Operand:
    return Operand([1, _UNITS], "int8", [0.03], [5], values=None if values is None else [values])


def _weights(seed: int) -> list[Operand]:
    random = np.random.default_rng(seed)
    w = random.integers(-127, 127, [_UNITS, _UNITS], np.int8, endpoint=True)
    return [
        Operand([_UNITS, _UNITS], "int8", [0.004], [0], values=w),
        Operand([_UNITS], "int32", [0.03 * 0.004], [0], values=random.integers(-900, 900, _UNITS)),
    ]


def _number(value: int | None = None) -> Operand:
    return Operand([1], "int32", values=None if value is None else [value])


def _step(how: Looping) -> Section:
    """Counter, x, h (and a second h): the counter goes on, x stays, h becomes x W + h U."""
    operands = [_number(), _h(), _h(), *_weights(1), *_weights(2), _h(), _h(), _h(), _number(how.by), _number()]
    calls = [
        Call("FULLY_CONNECTED", [1, 3, 4], [7], "FullyConnectedOptions"),
        Call("FULLY_CONNECTED", [2, 5, 6], [8], "FullyConnectedOptions"),
        Call("ADD", [7, 8], [9], "AddOptions"),
        Call("ADD", [0, 10], [11], "AddOptions"),
    ]
    if how.crossed:
        return Section([*operands, _h()], calls, [0, 1, 2, 12], [11, 1, 12, 9])
    return Section(operands, calls, [0, 1, 2], [11, 1, 9])


def _more(how: Looping) -> Section:
    operands = [_number(), _h(), _h(), _number(how.limit), Operand([1], "bool"), _h()]
    call = Call(how.condition, [0, 3], [4], f"{how.condition.title().replace('_', '')}Options")
    return Section(operands, [call], [0, 1, 2, 5] if how.crossed else [0, 1, 2], [4])


def looping_model(how: Looping) -> tflite.Model:
    """The model, whose graphs are: what runs, a loop's body and condition, and what runs once."""
    start = _number(None if how.computed else how.first)
    operands = [_h(), start, _h(None if how.kept else _FIRST), _number(), _h(), _h(), *_weights(3), _h()]
    handle, calls = Operand([], "resource"), []
    if how.kept:
        operands += [handle, handle]
        calls += [
            Call("CALL_ONCE", [], [], "CallOnceOptions", {"initSubgraphIndex": 3}),
            Call("VAR_HANDLE", [], [9], "VarHandleOptions", _NAME),
            Call("READ_VARIABLE", [9], [2], "ReadVariableOptions"),
        ]
    loop = {"condSubgraphIndex": 2, "bodySubgraphIndex": 1}
    if how.crossed:
        operands += [_h(_FIRST), _h()]
        last = len(operands)
        calls.append(Call("WHILE", [1, 0, 2, last - 2], [3, 4, 5, last - 1], "WhileOptions", loop))
    else:
        calls.append(Call("WHILE", [1, 0, 2], [3, 4, 5], "WhileOptions", loop))
    calls.append(Call("FULLY_CONNECTED", [5, 6, 7], [8], "FullyConnectedOptions"))
    if how.kept:
        calls += [
            Call("VAR_HANDLE", [], [10], "VarHandleOptions", _NAME),
            Call("ASSIGN_VARIABLE", [10, 5], [], "AssignVariableOptions"),
        ]
    once = Section(
        [handle, _h(_FIRST), _h()],
        [
            Call("VAR_HANDLE", [], [0], "VarHandleOptions", _NAME),
            *([] if how.initial else [Call("ADD", [1, 1], [2], "AddOptions")]),
            Call("ASSIGN_VARIABLE", [0, 1 if how.initial else 2], [], "AssignVariableOptions"),
        ],
    )
    inputs = [0, 1] if how.computed else [0]
    return model_of([Section(operands, calls, inputs, [8]), _step(how), _more(how), once])
