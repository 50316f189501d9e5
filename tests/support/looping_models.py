"""Models that keep a state, or turn a loop: h = x W + h U, so many times, from what the last call left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
        written: The loop writes each turn's state into a row of a sequence, which the model gives too: "kept" where a
            second operator reads the sequence meanwhile, "columns" where the rows are not whole.
    """

    first: int = 0
    by: int = 1
    limit: int = 3
    kept: bool = False
    condition: str = "LESS"
    initial: bool = True
    crossed: bool = False
    computed: bool = False
    written: Literal["", "rows", "kept", "columns"] = ""

    @property
    def turns(self) -> int:
        """How often it turns."""
        return len(range(self.first, self.limit, self.by))


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
    if how.written:
        operands += [_rows(how), _start(), _start([1, 0]), _start(), _rows(how)]
        calls.append(Call("ADD", [13, 14], [15], "AddOptions"))
        calls.append(Call("DYNAMIC_UPDATE_SLICE", [12, 9, 13], [16], "DynamicUpdateSliceOptions"))
        if how.written == "kept":
            operands.append(_rows(how))
            calls.append(Call("MAXIMUM", [12, 12], [17], "MaximumMinimumOptions"))
        return Section(operands, calls, [0, 1, 2, 12, 13], [11, 1, 9, 16, 15])
    return Section(operands, calls, [0, 1, 2], [11, 1, 9])


def _rows(how: Looping, values: int | None = None) -> Operand:
    """A sequence of states."""
    shape = [how.turns, _UNITS + (how.written == "columns")]
    return Operand(shape, "int8", [0.03], [5], values=None if values is None else np.full(shape, values))


def _start(values: Sequence[int] | None = None) -> Operand:
    """Where a turn writes."""
    return Operand([2], "int32", values=values)


def _more(how: Looping) -> Section:
    operands = [_number(), _h(), _h(), _number(how.limit), Operand([1], "bool"), _h()]
    call = Call(how.condition, [0, 3], [4], f"{how.condition.title().replace('_', '')}Options")
    if how.written:
        return Section([*operands, _rows(how), _start()], [call], [0, 1, 2, 6, 7], [4])
    return Section(operands, [call], [0, 1, 2, 5] if how.crossed else [0, 1, 2], [4])


def looping_model(how: Looping) -> tflite.Model:
    """The model, whose graphs are: what runs, a loop's body and condition, and what runs once."""
    start = _number(None if how.computed else how.first)
    operands = [_h(), start, _h(None if how.kept else _FIRST), _number(), _h(), _h(), *_weights(3), _h()]
    handle, calls, outputs = Operand([], "resource"), [], [8]
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
    elif how.written:
        last = len(operands)
        operands += [_rows(how, values=9), _start([0, 0]), _rows(how), _start()]
        calls.append(Call("WHILE", [1, 0, 2, last, last + 1], [3, 4, 5, last + 2, last + 3], "WhileOptions", loop))
        outputs.append(last + 2)
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
    return model_of([Section(operands, calls, inputs, outputs), _step(how), _more(how), once])
