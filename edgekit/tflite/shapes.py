"""Shapes at batch 1 where the file leaves dimensions open.

A converter writes 1 for a dimension that it does not know, which is right for the batch and wrong for what is derived
from it: the 1 of a [batch * time, features] reshape stands for `time`. Here such dimensions are worked out from the
operators that are known to keep or fold them; what stays unknown is None, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from edgekit.tflite.model import Graph, Operator, Tensor
from edgekit.tflite.ops import Shape, elements, op_spec
from edgekit.tflite.options import Concatenation
from edgekit.tflite.weights import Sources

__all__ = ["input_shapes", "shapes_of"]

_MAX_RANK = 32


def input_shapes(subgraph: Graph) -> list[Shape]:
    """Shapes of a model's inputs for one sample: an open first dimension is the batch, other open ones are unknown."""
    return [_declared(t, batch=True) for t in (subgraph.tensors[i] for i in subgraph.inputs)]


def shapes_of(subgraph: Graph, index: int, inputs: Sequence[Shape], sources: Sources) -> list[Shape]:
    """The shape of every tensor of a subgraph, given those of its inputs.

    Args:
        subgraph: The subgraph.
        index: Its place in the model.
        inputs: One shape for each input.
        sources: The model's constants.

    Returns:
        One shape for each tensor, None for dimensions that stay unknown.
    """
    shapes = [_declared(t) for t in subgraph.tensors]
    for tensor, shape in zip(subgraph.inputs, inputs, strict=False):
        if len(shape) == len(shapes[tensor]):
            shapes[tensor] = tuple(d if own is None else own for own, d in zip(shapes[tensor], shape, strict=True))
    depths = _depths(subgraph)
    for op in subgraph.operators:
        for output in op.outputs:
            if len(shapes[output]) == 2 and shapes[output][1] is None:
                shapes[output] = (shapes[output][0], depths.get(output))
        derive = _Derivation(op, index, shapes, subgraph, sources)
        for place, output in enumerate(op.outputs):
            if None in shapes[output]:
                derived = derive.output(place, shapes[output])
                shapes[output] = tuple(
                    own if own is not None else new for own, new in zip(shapes[output], derived, strict=True)
                )
    return shapes


def _declared(tensor: Tensor, batch: bool = False) -> Shape:
    pairs = enumerate(zip(tensor.shape, tensor.signature, strict=True))
    return tuple(None if s < 0 and not (batch and axis == 0) else d for axis, (d, s) in pairs)


def _depths(subgraph: Graph) -> dict[int, int]:
    """The last dimension of the tensors that dense layers read, from their kernels [units, depth]."""
    found: dict[int, int] = {}
    for op in subgraph.operators:
        if op.name == "FULLY_CONNECTED" and len(op.inputs) > 1 and op.inputs[1] >= 0:
            kernel = subgraph.tensors[op.inputs[1]].shape
            if len(kernel) == 2:
                found[op.inputs[0]] = kernel[1]
    return found


class _Derivation:
    """Fills what is open in the shapes of an operator's outputs, as far as the operator allows.

    What depends on the operands alone is worked out once for all outputs: an operator may have thousands of both.
    """

    def __init__(self, op: Operator, index: int, shapes: list[Shape], subgraph: Graph, sources: Sources) -> None:
        self._op, self._index, self._shapes, self._subgraph, self._sources = op, index, shapes, subgraph, sources
        self._joined: dict[int, Shape] = {}

    @cached_property
    def _operands(self) -> list[int]:
        return [i for i in self._op.inputs if i >= 0 and not self._subgraph.tensors[i].constant]

    def output(self, place: int, known: Shape) -> Shape:
        """The shape of one output, None where it stays open.

        Args:
            place: Which of the outputs.
            known: Its shape as far as it is known.
        """
        op, shapes = self._op, self._shapes
        nothing: Shape = (None,) * len(known)
        if not self._operands:
            return nothing
        first = shapes[self._operands[0]]
        if op.name in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS"):
            return _fold(known, elements(first))
        if op.name == "FULLY_CONNECTED" and len(op.inputs) > 1 and op.inputs[1] >= 0:
            return _fold(known, _dense_elements(elements(first), shapes[op.inputs[1]]))
        if op.name == "TRANSPOSE" and len(op.inputs) > 1:
            axes = _axes(op, self._index, self._sources) or []
            whole = sorted(axes) == [*range(len(known))] == [*range(len(first))]
            return tuple(first[a] for a in axes) if whole else nothing
        if op.name == "WHILE" and place < len(op.inputs):
            first = shapes[op.inputs[place]] if op.inputs[place] >= 0 else nothing
            return first if len(first) == len(known) else nothing
        if op.name in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND") and first and first[0]:
            return (_blocked_batch(op, first[0], self._index, self._sources), *nothing[1:])
        if op_spec(op.name).keeps == "all":
            return self._join(len(known))
        open_first = self._open_batch(len(known), len(first))
        return (open_first, *nothing[1:]) if known else nothing

    def _join(self, rank: int) -> Shape:
        """Element-wise: a dimension is that of the first operand of the same rank that is open there too."""
        if rank not in self._joined:
            joined: list[int | None] = [None] * rank
            done: set[int] = set()
            for i in self._operands:
                if len(self._shapes[i]) == rank and len(done) < rank:
                    signature = self._subgraph.tensors[i].signature
                    for axis in range(rank):
                        if axis not in done and signature[axis] < 0:
                            joined[axis] = self._shapes[i][axis]
                            done.add(axis)
            self._joined[rank] = tuple(joined)
        return self._joined[rank]

    def _open_batch(self, rank: int, first_rank: int) -> int | None:
        """The first dimension of the first operand that is open there, where the operator keeps the batch."""
        op, kept = self._op, op_spec(self._op.name).keeps
        keeps = kept == "batch"
        if op.name == "CONCATENATION" and isinstance(op.options, Concatenation):
            keeps |= op.options.axis not in (0, -rank)
        keeps |= kept == "reduced" and _leaves_batch(op, self._index, first_rank, self._sources)
        return self._batch if keeps else None

    @cached_property
    def _batch(self) -> int | None:
        tensors = self._subgraph.tensors
        return next(
            (self._shapes[i][0] for i in self._operands if self._shapes[i] and tensors[i].signature[0] < 0), None
        )


def _fold(known: Shape, total: int | None) -> Shape:
    """The single open dimension from the number of elements."""
    rest = math.prod(d for d in known if d is not None)
    if total is None or known.count(None) != 1 or rest == 0 or total % rest:
        return (None,) * len(known)
    return tuple(total // rest if d is None else d for d in known)


def _dense_elements(total: int | None, kernel: Shape) -> int | None:
    """Elements of a dense layer's output, from those of its input and the kernel [units, depth]."""
    units, depth = kernel if len(kernel) == 2 else (None, None)
    return None if total is None or not units or not depth else total // depth * units


def _axes(op: Operator, index: int, sources: Sources) -> list[int] | None:
    """The second operand where it is a constant and short, as lists of axes and blocks are; else None."""
    stored = sources.constant(index, op.inputs[1]) if len(op.inputs) > 1 else None
    if stored is None or stored[1].data is None or stored[1].data.size > _MAX_RANK or stored[1].floating:
        return None
    return [int(value) for value in np.asarray(stored[1].data).reshape(-1)]


def _blocked_batch(op: Operator, batch: int, index: int, sources: Sources) -> int | None:
    """A dilated convolution as converters write it: the blocks of an image become images of a larger batch."""
    blocks = _axes(op, index, sources)
    block = 0 if blocks is None else math.prod(blocks)
    if block < 1 or (op.name == "BATCH_TO_SPACE_ND" and batch % block):
        return None
    return batch * block if op.name == "SPACE_TO_BATCH_ND" else batch // block


def _leaves_batch(op: Operator, index: int, rank: int, sources: Sources) -> bool:
    axes = _axes(op, index, sources)
    return axes is not None and bool(rank) and all(axis % rank != 0 for axis in axes)
