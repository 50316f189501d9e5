"""Multiply-accumulates of one inference, counted from the shapes in the file."""

from __future__ import annotations

import math

import numpy as np

from edgekit.tflite.model import Graph, Model, Operator, Tensor, called_graphs
from edgekit.tflite.ops import OpSpec, Shape, elements, op_spec
from edgekit.tflite.options import While
from edgekit.tflite.shapes import input_shapes, shapes_of
from edgekit.tflite.weights import Sources

__all__ = ["count_macs", "macs_by_operator"]

# Custom operators that multiply nothing worth counting; any other is a black box.
_NO_MACS = frozenset(("TFLite_Detection_PostProcess", "AudioSpectrogram", "Mfcc", "NumericVerify", "TFLM_DECODE"))
_HEAVY_FLEX = ("BatchMatMul", "Conv", "Einsum", "GRU", "LSTM", "MatMul", "RNN", "Xla")
_MAX_DEPTH = 16  # of calls; converters nest loops two or three deep
# How often each operator of a file is looked at, on the average; converters call a subgraph once or twice. A file whose
# subgraphs call each other with ever other shapes has as many combinations as its writer likes.
_MAX_LOOKS = 4


def count_macs(model: Model, sources: Sources | None = None) -> int | None:
    """MACs of one inference of the first subgraph, at batch 1 where the file leaves the batch open.

    Counts the products of convolutions, matrix products and recurrent layers with their weights; biases, element-wise
    products, peepholes and pooling are not counted, as is usual. The body of a loop counts as often as it runs where
    the file says so (a counter that starts and ends at constants, as Keras's GRU and LSTM layers have it), else once.
    Of two branches the dearer one counts. Weights that are zero count like others: kernels multiply by them.

    Returns:
        The MACs, or None where a shape is open, an operator is a black box (custom, Flex, StableHLO), or subgraphs
        call each other with so many shapes that only running the model would tell.
    """
    return _Counter(model, sources or Sources(model)).subgraph(0, input_shapes(model.graphs[0]))


class _Counter:
    def __init__(self, model: Model, sources: Sources) -> None:
        self._model, self._sources = model, sources
        self._known: dict[tuple[int, tuple[Shape, ...]], int | None] = {}
        self._weighing = _weighing(model)
        self._left = 1000 + _MAX_LOOKS * sum(_parts(s) for s in model.graphs)

    def subgraph(self, index: int, inputs: list[Shape], depth: int = 0) -> int | None:
        if index not in self._weighing:
            return 0
        # Remembered, because a file of n subgraphs that each call the next one twice has 2^n calls.
        key = (index, tuple(inputs))
        if key not in self._known:
            self._known[key] = self._count(index, inputs, depth) if depth < _MAX_DEPTH else None
        return self._known[key]

    def _count(self, index: int, inputs: list[Shape], depth: int) -> int | None:
        subgraph = self._model.graphs[index]
        self._left -= _parts(subgraph)
        if self._left < 0:
            return None
        shapes = shapes_of(subgraph, index, inputs, self._sources)
        total = 0
        for op in subgraph.operators:
            operands = [shapes[i] if i >= 0 else () for i in op.inputs]
            results = [shapes[i] for i in op.outputs]
            if op.loop is not None:
                macs = self.subgraph(op.loop.body_subgraph_index, operands, depth + 1)
                trips = _trips(self._model, index, op, op.loop, self._sources)
                macs = macs if macs is None or trips is None else macs * trips
            elif op.branch is not None:
                both = (op.branch.then_subgraph_index, op.branch.else_subgraph_index)
                found = [self.subgraph(b, operands[1:], depth + 1) for b in both]
                macs = None if None in found else max(f for f in found if f is not None)
            elif op.call is not None:
                macs = self.subgraph(op.call.subgraph, operands, depth + 1)
            else:
                macs = _operator(op, subgraph, operands, results)
            if macs is None:
                return None
            total += macs
        return total


def macs_by_operator(graph: Graph) -> list[int | None]:
    """MACs of each operator of a graph by the shapes that the file declares; None where they do not tell."""
    shapes: list[Shape] = [tensor.shape for tensor in graph.tensors]
    return [
        _operator(op, graph, [shapes[i] if i >= 0 else () for i in op.inputs], [shapes[i] for i in op.outputs])
        for op in graph.operators
    ]


def _weighing(model: Model) -> set[int]:
    """The subgraphs that hold an operator whose MACs matter, or call one that does; the others count 0 at any shape."""
    callers: dict[int, list[int]] = {}
    pending = []
    for index, subgraph in enumerate(model.graphs):
        if any(op.custom or op_spec(op.name).multiplies for op in subgraph.operators):
            pending.append(index)
        for called in {c for op in subgraph.operators for c in called_graphs(op)}:
            callers.setdefault(called, []).append(index)
    weighing: set[int] = set()
    while pending:
        index = pending.pop()
        if index not in weighing:
            weighing.add(index)
            pending += callers.get(index, [])
    return weighing


def _parts(subgraph: Graph) -> int:
    return len(subgraph.operators) + len(subgraph.tensors) + sum(len(op.inputs) for op in subgraph.operators)


def _operator(op: Operator, subgraph: Graph, operands: list[Shape], results: list[Shape]) -> int | None:
    if op.custom:
        return 0 if op.name in _NO_MACS or (op.flex and _light(op.name)) else None
    spec = op_spec(op.name)
    if spec.black_box:
        return None
    try:
        return _recurrent(op, subgraph, operands) if spec.recurrent else _product(spec, op, operands, results)
    except IndexError:  # an operand or a dimension less than the operator takes: no runtime will run it
        return None


def _product(spec: OpSpec, op: Operator, operands: list[Shape], results: list[Shape]) -> int | None:
    if spec.macs is None:
        return 0
    counted = spec.macs(op, operands, results)
    if any(factor is None for factor in counted):
        return None
    return math.prod(factor for factor in counted if factor is not None)


def _recurrent(op: Operator, subgraph: Graph, operands: list[Shape]) -> int | None:
    """Every weight matrix multiplies once a step; a step is one row of the input."""
    steps = elements(operands[0][:-1])
    matrices = [
        elements(shape)
        for i, shape in zip(op.inputs[1:], operands[1:], strict=True)
        if i >= 0 and len(shape) == 2 and _is_weight(subgraph.tensors[i], op)
    ]
    if steps is None or None in matrices:
        return None
    return steps * sum(m for m in matrices if m is not None)


def _is_weight(tensor: Tensor, op: Operator) -> bool:
    # States are variables; the basic LSTM kernel, with five operands, takes them as activations instead.
    return not tensor.variable and (tensor.constant or len(op.inputs) != 5)


def _light(flex: str) -> bool:
    return not any(heavy in flex for heavy in _HEAVY_FLEX)


def _trips(model: Model, caller: int, op: Operator, loop: While, sources: Sources) -> int | None:
    """How often a WHILE runs its body, where its condition is `counter < constant` or several such."""
    condition = loop.cond_subgraph_index
    outputs = model.graphs[condition].outputs
    pending = list(outputs[:1])
    counts: list[int | None] = []
    while pending:
        test = model.graphs[condition].producer(pending.pop())
        if test is None or len(test.inputs) != 2:
            return None
        if test.name == "LOGICAL_AND" and len(counts) + len(pending) < 8:
            pending += test.inputs
        elif test.name == "LESS":
            counts.append(_counter_trips(model, caller, op, loop, test, sources))
        else:
            return None
    known = [c for c in counts if c is not None]
    return min(known) if known and len(known) == len(counts) else None


def _counter_trips(
    model: Model, caller: int, op: Operator, loop: While, test: Operator, sources: Sources
) -> int | None:
    body_index = loop.body_subgraph_index
    body = model.graphs[body_index]
    counter, bound = test.inputs
    place = sources.argument(loop.cond_subgraph_index, counter)
    if place is None:
        return None
    if place >= min(len(op.inputs), len(body.inputs), len(body.outputs)):
        return None
    increment = body.producer(body.outputs[place])
    if increment is None or increment.name != "ADD" or body.inputs[place] not in increment.inputs:
        return None
    steps = [i for i in increment.inputs if i != body.inputs[place]]
    start = _integer(sources, caller, op.inputs[place])
    end = _integer(sources, loop.cond_subgraph_index, bound)
    step = _integer(sources, body_index, steps[0]) if len(steps) == 1 else None
    if start is None or end is None or not step or step < 0:
        return None
    return max(0, -(-(end - start) // step))


def _integer(sources: Sources, subgraph: int, tensor: int) -> int | None:
    found = sources.constant(subgraph, tensor)
    if found is None or found[1].data is None or found[1].data.size != 1 or found[1].floating:
        return None
    return int(np.asarray(found[1].data).reshape(-1)[0])
