"""A `.tflite` of a few operators, written without a converter: any shapes, dtypes, scales, options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from hostile_tflite import Writer

from edgekit import tflite

__all__ = ["Call", "Operand", "Section", "model_of", "operator_model"]


@dataclass(frozen=True)
class Operand:
    """A tensor: an input, a result, or a constant where it has values.

    Attributes:
        shape: Dimensions.
        dtype: numpy name.
        scales, zero_points: None for a tensor that is not quantised; several run along `axis`.
        values: Of a constant.
        variable: Keeps its value from one call to the next.
    """

    shape: Sequence[int]
    dtype: str = "int8"
    scales: Sequence[float] | None = None
    zero_points: Sequence[int] = (0,)
    axis: int = 0
    values: Any = None
    variable: bool = False


@dataclass(frozen=True)
class Call:
    """An operator: its inputs and outputs by their places among all operands (-1 for one that is left out)."""

    name: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: str | None = None
    fields: Any = ()


@dataclass(frozen=True)
class Section:
    """One graph of a model: its operands, its operators, and the places of what goes in and comes out."""

    operands: Sequence[Operand]
    calls: Sequence[Call]
    inputs: Sequence[int] = ()
    outputs: Sequence[int] = ()


def operator_model(
    operands: Sequence[Operand], calls: Sequence[Call], inputs: Sequence[int], outputs: Sequence[int]
) -> tflite.Model:
    """The model of these operators, read as users' files are."""
    return model_of([Section(operands, calls, inputs, outputs)])


def model_of(sections: Sequence[Section]) -> tflite.Model:
    """The model of these graphs, of which the first one runs."""
    writer = Writer()
    for section in sections:
        _write(writer, section)
    builder = flatbuffers.Builder(1024)
    builder.Finish(writer.model.Pack(builder), b"TFL3")
    return tflite.read(bytes(builder.Output()))


def _write(writer: Writer, section: Section) -> None:
    operands, calls = section.operands, section.calls
    graph = writer.subgraph(section.inputs, section.outputs)
    for place, operand in enumerate(operands):
        values = None if operand.values is None else np.asarray(operand.values, operand.dtype)
        buffer = 0 if values is None else writer.buffer(values)
        tensor = graph.tensors[
            writer.tensor(graph, operand.shape, getattr(schema.TensorType, operand.dtype.upper()), buffer)
        ]
        tensor.name, tensor.isVariable = f"t{place}", operand.variable
        if operand.scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.asarray(operand.scales, np.float32)
            zero_points = np.broadcast_to(np.asarray(operand.zero_points, np.int64), len(operand.scales))
            tensor.quantization.zeroPoint = np.ascontiguousarray(zero_points)
            tensor.quantization.quantizedDimension = operand.axis
    for call in calls:
        writer.operator(graph, call.name, call.inputs, call.outputs, call.options, **dict(call.fields))
