"""How a model is quantised, judged by what its operators compute on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit.tflite.model import Graph, Model, Tensor, called_graphs
from edgekit.tflite.ops import op_spec
from edgekit.tflite.weights import Sources, weights

__all__ = ["float_tensors", "quantization_of"]

_NUMERIC = ("bfloat", "float", "int16", "int2", "int4", "int8", "uint4", "uint8")  # not int32, int64, bool: indices
_INTEGER_WEIGHTS = frozenset(("int2", "int4", "int8", "uint8"))


def quantization_of(model: Model, sources: Sources | None = None) -> str:
    """The scheme of a model by the types of its activations and weights.

    Inputs that only QUANTIZE reads and outputs that only DEQUANTIZE or QUANTIZE writes are the model's border and do
    not count, nor do the states that recurrent layers keep and the steps of loops (int16 in int8 models), integers
    that are indices, and rows of a constant table that only DEQUANTIZE reads (embeddings of dynamic models).

    Returns:
        "float32"; "float16" for float16 weights; "dynamic" for integer weights with float activations (kernels of
        fewer than 1,024 elements may stay float); "int8"; "int16x8" for int16 activations; "uint8" of old converters;
        else "mixed".
    """
    sources = sources or Sources(model)
    found = [(s, t) for s in model.running for t in _activations(s, _border(s)) if _numeric(t)]
    activations = {t.dtype for _, t in found}
    if activations == {"int8", "int16"} and not any(t.dtype == "int16" for t in _outside_loops(model, found)):
        activations = {"int8"}
    kernels = {
        w.tensor.dtype
        for w in weights(model, sources)
        if op_spec(w.operator).role in ("matrix", "table") and _numeric(w.tensor) and len(w.tensor.shape) > 1
    }
    if activations <= {"float32"}:
        return _float_scheme(bool(activations), kernels)
    for name, values, constants in (
        ("int8", {"int8"}, {"int8"}),
        ("int16x8", {"int16"}, {"int8", "int16"}),
        ("uint8", {"uint8"}, {"uint8"}),
        ("float16", {"float16"}, {"float16"}),
    ):
        if activations == values and kernels <= constants:
            return name
    return "mixed"


def _float_scheme(activates: bool, kernels: set[str]) -> str:
    """The scheme of float activations; weights of float kernels pass through DEQUANTIZE, whose output is none."""
    if kernels <= {"float32"}:
        return "float32" if activates or kernels else "mixed"
    if kernels <= {"float16", "float32"}:
        return "float16"
    return "dynamic" if kernels <= _INTEGER_WEIGHTS | {"float32"} else "mixed"


def float_tensors(model: Model) -> list[str]:
    """Names of the float tensors that operators use, constants too, except float inputs and outputs at the border.

    A full-integer model has none: its float inputs go only to QUANTIZE, its float outputs come only from DEQUANTIZE.
    """
    names: dict[str, None] = {}
    for graph in model.running:
        border = _border(graph)
        names |= {graph.tensors[i].name: None for i in sorted(graph.used - border) if graph.tensors[i].floating}
    return list(names)


def _outside_loops(model: Model, found: Sequence[tuple[Graph, Tensor]]) -> Iterator[Tensor]:
    """Of tensors with their subgraphs, those that no loop computes, takes or leaves."""
    loops = [(s, op) for s in model.running for op in s.operators if op.name == "WHILE"]
    bodies = {id(model.graphs[i]) for _, op in loops for i in called_graphs(op)}
    operands = {(id(s), i) for s, op in loops for i in (*op.inputs, *op.outputs)}
    yield from (t for s, t in found if id(s) not in bodies and (id(s), t.index) not in operands)


def _numeric(tensor: Tensor) -> bool:
    return tensor.dtype.startswith(_NUMERIC)


def _border(graph: Graph) -> set[int]:
    """Inputs that only QUANTIZE reads, and outputs that DEQUANTIZE or QUANTIZE writes and nothing else reads."""
    entering = {i for i in graph.inputs if _reader_names(graph, i) == {"QUANTIZE"}}
    leaving = {i for i in graph.outputs if _written_by(graph, i) in ("DEQUANTIZE", "QUANTIZE") and not graph.readers(i)}
    return entering | leaving


def _reader_names(graph: Graph, tensor: int) -> set[str]:
    return {op.name for op in graph.readers(tensor)}


def _written_by(graph: Graph, tensor: int) -> str | None:
    producer = graph.producer(tensor)
    return producer.name if producer else None


def _activations(graph: Graph, border: set[int]) -> Iterator[Tensor]:
    from_constants: set[int] = set()
    for op in graph.operators:
        if op.name in ("DENSIFY", "DEQUANTIZE", "QUANTIZE") and op.inputs and op.inputs[0] >= 0:
            source = op.inputs[0]
            if graph.tensors[source].constant or source in from_constants:
                from_constants.update(op.outputs)
    tensors = graph.tensors
    inside = {i for i in graph.used - border - from_constants if not tensors[i].constant and not tensors[i].variable}
    if any(tensors[i].floating for i in inside):
        inside -= _rows(graph)
    yield from (tensors[i] for i in sorted(inside))


def _rows(graph: Graph) -> set[int]:
    """Rows of constant tables that nothing but DEQUANTIZE reads."""
    outputs = set(graph.outputs)
    return {
        op.outputs[0]
        for op in graph.operators
        if op.name in ("EMBEDDING_LOOKUP", "GATHER")
        and op.outputs
        and op.outputs[0] not in outputs
        and any(i >= 0 and graph.tensors[i].constant and _numeric(graph.tensors[i]) for i in op.inputs)
        and _reader_names(graph, op.outputs[0]) == {"DEQUANTIZE"}
    }
