"""Where the operands of operators come from, and which constants are the model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgekit.models.tflite.model import Operator, Tensor, TfliteModel, reachable_subgraphs

__all__ = ["MATRIX_OPERATORS", "Sources", "Weight", "weights", "zero_count"]

_ALL = tuple(range(64))
_RECURRENT = {
    name: _ALL[1:]  # all operands after the input
    for name in (
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "LSTM",
        "RNN",
        "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
    )
}
_MATRICES: dict[str, tuple[int, ...]] = {
    "BATCH_MATMUL": (0, 1),
    "CONV_2D": (1, 2),
    "CONV_3D": (1, 2),
    "CONV_3D_TRANSPOSE": (1, 3),
    "DEPTHWISE_CONV_2D": (1, 2),
    "EMBEDDING_LOOKUP": (1,),
    "FULLY_CONNECTED": (1, 2),
    "GATHER": (0,),
    "GATHER_ND": (0,),
    "STABLEHLO_CONVOLUTION": (1,),
    "STABLEHLO_DOT_GENERAL": (0, 1),
    "TRANSPOSE_CONV": (1, 3),
    **_RECURRENT,
}
_ELEMENTWISE: dict[str, tuple[int, ...]] = {
    "ADD": (0, 1),
    "DIV": (0, 1),
    "MUL": (0, 1),
    "PRELU": (1,),
    "SUB": (0, 1),
}
_PASS_ON = ("DENSIFY", "DEQUANTIZE", "QUANTIZE")  # the same weights in another form

MATRIX_OPERATORS = frozenset(_MATRICES)
"""Operators whose weights decide how a model counts as quantised."""


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
    """Follows an operand back to its constant, through DEQUANTIZE and the like and out of loops and branches."""

    def __init__(self, model: TfliteModel) -> None:
        self._model = model
        self._producers = [{i: op for op in s.operators for i in op.outputs} for s in model.subgraphs]
        self._arguments: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for index, subgraph in enumerate(model.subgraphs):
            for op in subgraph.operators:
                self._bind(index, op)

    def constant(self, subgraph: int, tensor: int) -> tuple[int, Tensor] | None:
        """The constant that a tensor always holds, with the subgraph that stores it; None where it is computed."""
        for _ in range(64):  # longer chains do not occur, and a chain through calls could be long on purpose
            if tensor < 0:
                return None
            found = self._model.subgraphs[subgraph].tensors[tensor]
            if found.constant:
                return subgraph, found
            producer = self._producers[subgraph].get(tensor)
            arguments = self._arguments.get((subgraph, tensor), [])
            if producer is not None and producer.name in _PASS_ON and producer.inputs:
                tensor = producer.inputs[0]
            elif producer is None and len(arguments) == 1:
                subgraph, tensor = arguments[0]
            else:
                return None
        return None

    def producer(self, subgraph: int, tensor: int) -> Operator | None:
        """The operator that computes a tensor, if any."""
        return self._producers[subgraph].get(tensor)

    def _bind(self, caller: int, op: Operator) -> None:
        """Note which of the caller's tensors the inputs of called subgraphs hold; a loop's only where it keeps them."""
        if op.name == "WHILE":
            condition, body = _called(op, "cond_subgraph_index"), _called(op, "body_subgraph_index")
            inside = self._model.subgraphs[body]
            kept = [a == b for a, b in zip(inside.inputs, inside.outputs, strict=False)]
            self._pass(caller, op.inputs, condition, kept)
            self._pass(caller, op.inputs, body, kept)
        elif op.name == "IF":
            for branch in ("then_subgraph_index", "else_subgraph_index"):
                self._pass(caller, op.inputs[1:], _called(op, branch))
        elif op.name == "CALL":
            self._pass(caller, op.inputs, _called(op, "subgraph"))

    def _pass(self, caller: int, values: tuple[int, ...], called: int, kept: list[bool] | None = None) -> None:
        inputs = self._model.subgraphs[called].inputs
        for place, (value, argument) in enumerate(zip(values, inputs, strict=False)):
            if kept is None or (place < len(kept) and kept[place]):
                self._arguments.setdefault((called, argument), []).append((caller, value))


def weights(model: TfliteModel, sources: Sources) -> Iterator[Weight]:
    """Every constant that operators compute with, once: kernels, biases, tables, slopes; not shapes, axes, paddings.

    A constant that several subgraphs store in one buffer counts once.
    """
    seen: set[tuple[int, int]] = set()
    home: dict[int, int] = {}
    for index in reachable_subgraphs(model):
        for op in model.subgraphs[index].operators:
            places = _MATRICES.get(op.name) or _ELEMENTWISE.get(op.name, ())
            for operand in (op.inputs[p] for p in places if p < len(op.inputs)):
                found = sources.constant(index, operand)
                if found is None or (found[0], found[1].index) in seen:
                    continue
                stored_in, tensor = found
                seen.add((stored_in, tensor.index))
                if _holds_weights(tensor, op.name) and home.setdefault(tensor.buffer, stored_in) == stored_in:
                    yield Weight(tensor, op.name)


def zero_count(tensor: Tensor) -> int:
    """How many elements of a constant stand for 0.0; for a quantised one, those equal to their zero point.

    The elements that a sparse tensor leaves out count as zeros; those of a float8 tensor are not looked at.
    """
    if tensor.data is None:
        return 0
    zero: object = 0
    if len(tensor.zero_points) == 1:
        zero = tensor.zero_points[0]
    elif tensor.zero_points and tensor.channel_axis is not None and not tensor.sparse:
        along = [1] * len(tensor.shape)
        along[tensor.channel_axis] = -1
        zero = np.asarray(tensor.zero_points).reshape(along)
    return tensor.elements - tensor.data.size + int(np.count_nonzero(tensor.data == zero))


def _holds_weights(tensor: Tensor, operator: str) -> bool:
    # Integers without a scale are indices and sizes, except as biases or in hybrid kernels of old files.
    if operator in MATRIX_OPERATORS and not operator.startswith("GATHER"):
        return True
    if operator in _ELEMENTWISE and not tensor.shape:
        return False  # the 1 of a formula such as 1 - z
    return tensor.floating or bool(tensor.scales)


def _called(op: Operator, option: str) -> int:
    index = op.options.get(option, 0)
    return index if isinstance(index, int) else 0
