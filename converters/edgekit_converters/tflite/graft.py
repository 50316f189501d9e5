"""Adding to a `.tflite`: operators, tensors, constants and subgraphs, by the schema's own objects."""

from __future__ import annotations

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tensors import Array
from edgekit.tflite.writing import affine, first_scale, kind_of

__all__ = ["Graft", "near", "same", "text_of", "unit"]

NEAR = 1e-4
"""Two scales that differ by less, relatively, were calibrated on the same values, added up in another order."""
_LARGE = 2**14
"""An integer of 16 bits whose scale is small: ADD refuses operands whose scale is far above the result's."""
_DTYPES = {"int32": schema.TensorType.INT32, "int16": schema.TensorType.INT16, "int8": schema.TensorType.INT8,
           "bool": schema.TensorType.BOOL, "resource": schema.TensorType.RESOURCE,
           "float32": schema.TensorType.FLOAT32}  # fmt: skip
_NUMPY = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8, schema.TensorType.INT16: np.int16,
          schema.TensorType.INT32: np.int32}  # fmt: skip


class Graft:
    """A file's objects, to which things are added.

    Args:
        model: As `opened` gives it.
    """

    def __init__(self, model: schema.ModelT) -> None:
        self.model = model

    def constant(
        self,
        graph: schema.SubGraphT,
        name: str,
        values: Array,
        quantization: schema.QuantizationParametersT | None = None,
    ) -> int:
        """A constant tensor of int32, int16, int8 or float32."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        index = self.tensor(graph, name, values.shape, _DTYPES[values.dtype.name], quantization)
        graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def tensor(
        self,
        graph: schema.SubGraphT,
        name: str,
        shape: schema.Numbers[int],
        dtype: int | str,
        quantization: schema.QuantizationParametersT | None = None,
    ) -> int:
        """A tensor that is computed."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, np.array(list(shape), np.int32)
        tensor.type = _DTYPES[dtype] if isinstance(dtype, str) else dtype
        tensor.buffer = 0
        tensor.quantization = copy.deepcopy(quantization)
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def like(
        self, graph: schema.SubGraphT, other: schema.TensorT, name: str, shape: schema.Numbers[int] | None = None
    ) -> int:
        """A computed tensor of another's dtype and quantisation."""
        return self.tensor(graph, name, other.shape if shape is None else shape, other.type, other.quantization)

    def operator(
        self,
        graph: schema.SubGraphT,
        kind: str,
        inputs: schema.Numbers[int],
        outputs: schema.Numbers[int],
        options: schema.OptionsT,
        version: int = 1,
    ) -> schema.OperatorT:
        """An operator at the end of a graph."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.code(getattr(schema.BuiltinOperator, kind), version)
        operator.inputs, operator.outputs = np.array(list(inputs), np.int32), np.array(list(outputs), np.int32)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operator.builtinOptions = options
        graph.operators.append(operator)
        return operator

    def code(self, builtin: int, version: int) -> int:
        """The index of a builtin operator's code, made where there is none."""
        for index, code in enumerate(self.model.operatorCodes):
            if (max(code.builtinCode, code.deprecatedBuiltinCode), code.version) == (builtin, version):
                return index
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def kind(self, operator: schema.OperatorT) -> str:
        """An operator's name, as "ADD"."""
        return kind_of(self.model, operator)

    def zeros(
        self, graph: schema.SubGraphT, like: schema.TensorT, name: str, shape: schema.Numbers[int] | None = None
    ) -> int:
        """A constant of the real value 0 in a tensor's dtype and scale."""
        scale = affine(like)
        sizes = list(like.shape if shape is None else shape)
        values = np.full(sizes, scale[2] if len(scale) == 3 else 0, _NUMPY[like.type])
        index = self.constant(graph, name, values.view(np.int8).reshape(-1), like.quantization)
        graph.tensors[index].shape, graph.tensors[index].type = np.array(sizes, np.int32), like.type
        return index

    def requantize(self, graph: schema.SubGraphT, source: int, target: int) -> None:
        """From one scale to another."""
        of, to = graph.tensors[source], graph.tensors[target]
        if (of.type, to.type) == (schema.TensorType.INT8, schema.TensorType.INT16):
            self._widen(graph, source, target)
        else:
            self.operator(graph, "QUANTIZE", [source], [target], schema.QuantizeOptionsT(), 2)

    def _widen(self, graph: schema.SubGraphT, source: int, target: int) -> None:
        """From 8 to 16 bits as the real q * scale + (-zero point * scale): TFLite up to 2.15 has no QUANTIZE of it."""
        scale, zero_point = first_scale(graph.tensors[source].quantization)
        number, name = schema.TensorType.INT16, f"edgekit_wide_{len(graph.tensors)}"
        shift = np.array([-np.sign(zero_point) * _LARGE], np.int16)
        wide = self.tensor(graph, name, graph.tensors[source].shape, number, symmetric(scale))
        offset = self.constant(graph, f"{name}_offset", shift, symmetric(max(abs(zero_point), 1) * scale / _LARGE))
        options = schema.CastOptionsT()
        options.inDataType, options.outDataType = schema.TensorType.INT8, number
        self.operator(graph, "CAST", [source], [wide], options)
        sum_options = schema.AddOptionsT()
        sum_options.potScaleInt16 = False  # scales of 16 bits need be no powers of two
        self.operator(graph, "ADD", [wide, offset], [target], sum_options, 3)

    def reshape(self, graph: schema.SubGraphT, source: int, target: int) -> None:
        """The same values in the target's shape."""
        shape = np.array(list(graph.tensors[target].shape), np.int32)
        sizes = self.constant(graph, f"edgekit_shape_{len(graph.tensors)}", shape)
        options = schema.ReshapeOptionsT()
        options.newShape = shape
        self.operator(graph, "RESHAPE", [source, sizes], [target], options)

    def select(
        self,
        graph: schema.SubGraphT,
        flag: int,
        new: int,
        old: int,
        name: str,
        shape: schema.Numbers[int] | None = None,
    ) -> int:
        """A tensor that is the new one where a flag is set, else the old one; both have one dtype and scale."""
        chosen = self.like(graph, graph.tensors[new], name, shape)
        self.operator(graph, "SELECT_V2", [flag, new, old], [chosen], schema.SelectV2OptionsT())
        return chosen

    def differs(self, graph: schema.SubGraphT, one: int, other: int, name: str) -> int:
        """bool of the first one's shape: where two tensors of one dtype and scale are not equal."""
        result = self.tensor(graph, name, graph.tensors[one].shape, "bool")
        version = 2 if graph.tensors[one].type == schema.TensorType.INT8 else 1
        self.operator(graph, "NOT_EQUAL", [one, other], [result], schema.NotEqualOptionsT(), version)
        return result

    def subgraph(self, name: str) -> tuple[int, schema.SubGraphT]:
        """An empty subgraph, with its index."""
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators, graph.inputs, graph.outputs = name, [], [], [], []
        self.model.subgraphs.append(graph)
        return len(self.model.subgraphs) - 1, graph

    def merged(self, other: schema.ModelT, name: str) -> tuple[int, schema.SubGraphT]:
        """The only subgraph of another file as a subgraph of this one, with its index; constants come along."""
        graph = copy.deepcopy(other.subgraphs[0])
        graph.name = name
        first = len(self.model.buffers) - 1  # its buffer 0 is empty, as ours is
        self.model.buffers.extend(other.buffers[1:])
        for tensor in graph.tensors:
            tensor.buffer = tensor.buffer + first if tensor.buffer else 0
        for operator in graph.operators:
            code = other.operatorCodes[operator.opcodeIndex]
            operator.opcodeIndex = self.code(max(code.builtinCode, code.deprecatedBuiltinCode), code.version)
        self.model.subgraphs.append(graph)
        return len(self.model.subgraphs) - 1, graph


def unit() -> schema.QuantizationParametersT:
    """Quantisation of flags, scale 1/2 and zero point 0: comparisons of integers take no scale of 1 or more."""
    return symmetric(0.5)


def symmetric(scale: float) -> schema.QuantizationParametersT:
    """Quantisation with a zero point of 0."""
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = np.array([scale], np.float32), np.array([0], np.int64)
    return quantization


def same(a: schema.TensorT, b: schema.TensorT) -> bool:
    """Whether two tensors have one dtype and scale."""
    return affine(a) == affine(b)


def near(a: schema.TensorT, b: schema.TensorT) -> bool:
    """Whether their scales differ no more than rounding makes them."""
    one, two = affine(a), affine(b)
    if len(one) != 3 or len(two) != 3:
        return one == two
    return one[0] == two[0] and one[2] == two[2] and abs(one[1] - two[1]) <= NEAR * two[1]


def text_of(value: bytes | str) -> str:
    """A name, which the schema's objects hold as bytes."""
    return value.decode() if isinstance(value, bytes) else value
