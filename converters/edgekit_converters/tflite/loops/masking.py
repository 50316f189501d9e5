"""Masking in a file: a step counts where not all of its values are the mask's value; other steps become zeros.

By NOT_EQUAL, SELECT_V2 and REDUCE_MAX, which integer and float files have under every runtime: REDUCE_ANY is missing in
TFLite Micro, and the converter leaves comparisons of integer files in float.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tflite.writing import first_scale
from edgekit_converters.tflite.graft import Graft, unit
from edgekit_converters.tflite.loops.parts import Masking
from edgekit_converters.tflite.loops.ports import Ports

__all__ = ["flags_as_numbers", "insert_masking"]


def insert_masking(graft: Graft, ports: Ports, place: Masking) -> None:
    """Put one call of Masking, or an Embedding's mask, between what the model hands to it and what it takes."""
    main, name = ports.main, place.name
    values = ports.handed(name("input"))
    tensor = main.tensors[values]
    if all(ports.taken(name(what)) is None for what in ("flags", *([] if place.indices else ["output"]))):
        return
    if place.indices:
        zero = graft.constant(main, name("zero"), np.zeros([1] * len(tensor.shape), np.int32))
        ports.give(graft.differs(main, values, zero, name("counts")), name("flags"))
        return
    masked = _constant(graft, main, tensor, place.value, name("value"))
    different = graft.differs(main, *_comparable(graft, main, values, masked, name("bits")), name("different"))
    numbers = flags_as_numbers(graft, main, different, name("numbers"), tensor.type)
    steps = [*list(tensor.shape)[:-1], 1]
    most = graft.like(main, main.tensors[numbers], name("most"), steps)
    axis = graft.constant(main, name("axis"), np.array([len(steps) - 1], np.int32))
    options = schema.ReducerOptionsT()
    options.keepDims = True
    graft.operator(main, "REDUCE_MAX", [numbers, axis], [most], options, 2)
    zero = graft.zeros(main, main.tensors[most], name("zero"), [1] * len(steps))
    counts = graft.differs(main, most, zero, name("counts"))
    ports.give(counts, name("flags"))
    nothing = graft.zeros(main, tensor, name("nothing"), [1] * len(steps))
    ports.give(graft.select(main, counts, values, nothing, name("chosen")), name("output"))


def flags_as_numbers(graft: Graft, graph: schema.SubGraphT, flags: int, name: str, beside: int) -> int:
    """Booleans as 0 and 1, in a dtype that goes with the values beside them: TensorType FLOAT32, INT8 or INT16."""
    dtype = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8}.get(beside, np.int32)
    shape, quantization = graph.tensors[flags].shape, unit() if dtype is np.int8 else None
    one = graft.constant(graph, f"{name}_one", np.ones([1] * len(shape), dtype), quantization)
    zero = graft.constant(graph, f"{name}_zero", np.zeros([1] * len(shape), dtype), quantization)
    return graft.select(graph, flags, one, zero, name, shape)


def _constant(graft: Graft, graph: schema.SubGraphT, like: schema.TensorT, value: float, name: str) -> int:
    """A value in a tensor's dtype and scale."""
    index = graft.zeros(graph, like, name, [1] * len(like.shape))
    if like.type != schema.TensorType.FLOAT32:
        scale, point = first_scale(like.quantization)
        dtype = np.int16 if like.type == schema.TensorType.INT16 else np.int8
        limits = np.iinfo(dtype)
        stored = np.array(np.clip(round(value / scale) + point, limits.min, limits.max), dtype)
    else:
        stored = np.array(value, np.float32)
    graft.model.buffers[graph.tensors[index].buffer].data = np.frombuffer(stored.tobytes(), np.uint8)
    return index


def _comparable(graft: Graft, graph: schema.SubGraphT, values: int, other: int, name: str) -> tuple[int, int]:
    """The same integers under a scale below 1, which comparisons need; only whether they are equal matters."""
    tensor = graph.tensors[values]
    if tensor.type == schema.TensorType.FLOAT32 or first_scale(tensor.quantization)[0] < 1:
        return values, other
    bits = graft.tensor(graph, name, tensor.shape, tensor.type, unit())
    graft.reshape(graph, values, bits)
    constant = graft.tensor(graph, f"{name}_value", graph.tensors[other].shape, tensor.type, unit())
    graph.tensors[constant].buffer = graph.tensors[other].buffer
    return bits, constant
