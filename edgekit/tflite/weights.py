"""Where the operands of operators come from, and which constants are the model's weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.tflite.model import Model, Operator, Tensor
from edgekit.tflite.ops import op_spec

__all__ = ["Sources", "Weight", "weights", "zero_count", "zero_counts"]

_PASS_ON = ("DENSIFY", "DEQUANTIZE", "QUANTIZE")  # the same weights in another form


@dataclass(frozen=True, eq=False)
class Weight:
    """A constant that an operator computes with.

    Attributes:
        tensor: The constant as the file stores it.
        operator: Name of an operator that uses it.
    """

    tensor: Tensor
    operator: str


class Sources:
    """Follows an operand back to its constant, through DEQUANTIZE and the like and out of loops and branches.

    Every tensor is looked up once, however many chains lead through it: the time is linear in the file's size.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._arguments: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._constants: dict[tuple[int, int], tuple[int, Tensor] | None] = {}
        self._kept: dict[int, list[bool]] = {}
        self._inputs: dict[int, dict[int, int]] = {}
        for index, subgraph in enumerate(model.graphs):
            for op in subgraph.operators:
                self._bind(index, op)

    def constant(self, subgraph: int, tensor: int) -> tuple[int, Tensor] | None:
        """The constant that a tensor always holds, with the subgraph that stores it; None where it is computed."""
        place: tuple[int, int] | None = (subgraph, tensor)
        passed: dict[tuple[int, int], None] = {}
        answer = None
        while place is not None and place[1] >= 0 and place not in passed:  # a damaged file may lead in a circle
            if place in self._constants:
                answer = self._constants[place]
                break
            stored = self._model.graphs[place[0]].tensors[place[1]]
            passed[place] = None
            if stored.constant:
                answer = place[0], stored
                break
            place = self._source(*place)
        self._constants |= dict.fromkeys(passed, answer)
        return answer

    def argument(self, subgraph: int, tensor: int) -> int | None:
        """Which input of its subgraph a tensor is, the first where it is several; None where it is none."""
        if subgraph not in self._inputs:
            inputs = self._model.graphs[subgraph].inputs
            self._inputs[subgraph] = {t: place for place, t in reversed([*enumerate(inputs)])}
        return self._inputs[subgraph].get(tensor)

    def _source(self, subgraph: int, tensor: int) -> tuple[int, int] | None:
        """The tensor from which this one has its value, one step back."""
        producer = self._model.graphs[subgraph].producer(tensor)
        if producer is not None:
            return (subgraph, producer.inputs[0]) if producer.name in _PASS_ON and producer.inputs else None
        arguments = self._arguments.get((subgraph, tensor), [])
        return arguments[0] if len(arguments) == 1 else None

    def _bind(self, caller: int, op: Operator) -> None:
        """Note which of the caller's tensors the inputs of called subgraphs hold; a loop's only where it keeps them."""
        if op.loop is not None:
            body = op.loop.body_subgraph_index
            if body not in self._kept:
                inside = self._model.graphs[body]
                self._kept[body] = [a == b for a, b in zip(inside.inputs, inside.outputs, strict=False)]
            self._pass(caller, op.inputs, op.loop.cond_subgraph_index, self._kept[body])
            self._pass(caller, op.inputs, body, self._kept[body])
        elif op.branch is not None:
            self._pass(caller, op.inputs[1:], op.branch.then_subgraph_index)
            self._pass(caller, op.inputs[1:], op.branch.else_subgraph_index)
        elif op.call is not None:
            self._pass(caller, op.inputs, op.call.subgraph)

    def _pass(self, caller: int, values: tuple[int, ...], called: int, kept: list[bool] | None = None) -> None:
        inputs = self._model.graphs[called].inputs
        for place, (value, argument) in enumerate(zip(values, inputs, strict=False)):
            if kept is None or (place < len(kept) and kept[place]):
                self._arguments.setdefault((called, argument), []).append((caller, value))


def weights(model: Model, sources: Sources) -> Iterator[Weight]:
    """Every constant that operators compute with, once: kernels, biases, tables, slopes; not shapes, axes, paddings.

    A constant that several subgraphs store in one buffer counts once.
    """
    seen: set[tuple[int, int]] = set()
    home: dict[int, int] = {}
    for index in model.reachable:
        for op in model.graphs[index].operators:
            for operand in (op.inputs[p] for p in op_spec(op.name).weights if p < len(op.inputs)):
                found = sources.constant(index, operand)
                if found is None or (found[0], found[1].index) in seen:
                    continue
                stored_in, tensor = found
                seen.add((stored_in, tensor.index))
                if _holds_weights(tensor, op.name) and home.setdefault(tensor.buffer, stored_in) == stored_in:
                    yield Weight(tensor, op.name)


def zero_counts(tensors: Iterable[Tensor]) -> int:
    """`zero_count` over many constants. Those that share a buffer cost as much as one, whatever their zero points."""
    counts: dict[tuple[int, str, int], dict[int | None, int]] = {}
    ordered: dict[tuple[int, str, int], NDArray[np.generic]] = {}
    total = 0
    for tensor in tensors:
        if tensor.data is None:
            continue
        zero_points = set(tensor.quant.zero_points if tensor.quant else ())
        # Zero points that differ from channel to channel occur in no file whose tensors share a buffer.
        zero = None if len(zero_points) > 1 else next(iter(zero_points), 0)
        key = (tensor.buffer, tensor.dtype, tensor.data.size)
        known = counts.setdefault(key, {})
        stored_only = tensor.elements - tensor.data.size
        if zero not in known and (zero is None or not known):
            known[zero] = zero_count(tensor) - stored_only
        elif zero is not None and zero not in known:
            if key not in ordered:
                ordered[key] = np.sort(tensor.data, axis=None)
            known[zero] = _occurrences(ordered[key], zero)
        total += known[zero] + stored_only
    return total


def zero_count(tensor: Tensor) -> int:
    """How many elements of a constant stand for 0.0; for a quantised one, those equal to their zero point.

    The elements that a sparse tensor leaves out count as zeros; those of a float8 tensor are not looked at.
    """
    if tensor.data is None:
        return 0
    zero, quant = np.zeros((), np.int64), tensor.quant
    if quant is not None and len(quant.zero_points) == 1:
        zero = np.asarray(quant.zero_points[0])
    elif quant is not None and quant.axis is not None and not tensor.sparse:
        along = [1] * len(tensor.shape)
        along[quant.axis] = -1
        zero = np.asarray(quant.zero_points).reshape(along)
    return tensor.elements - tensor.data.size + int(np.count_nonzero(tensor.data == zero))


def _occurrences(ordered: NDArray[np.generic], value: int) -> int:
    """How often a sorted row holds a value."""
    wide = np.asarray(value, np.int64)  # of the row's own type, it might not fit
    return int(np.searchsorted(ordered, wide, "right") - np.searchsorted(ordered, wide, "left"))


def _holds_weights(tensor: Tensor, operator: str) -> bool:
    # Integers without a scale are indices and sizes, except as biases or in hybrid kernels of old files.
    role = op_spec(operator).role
    if role == "matrix":
        return True
    if role == "factor" and not tensor.shape:
        return False  # the 1 of a formula such as 1 - z
    return tensor.floating or tensor.quant is not None
