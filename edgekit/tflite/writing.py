"""A `.tflite` as the schema's own objects, to change it, and as bytes again."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tensors import Array
from edgekit.tflite._options import names_of

__all__ = ["affine", "builtin_codes", "first_scale", "kind_of", "opened", "packed"]

_NAMES = names_of(schema.BuiltinOperator)

ALIGNMENT = 16
"""Bytes, of constants in a file: the schema asks for it, and Python's packer does not know."""


def opened(content: bytes) -> schema.ModelT:
    """The objects of a file."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def packed(model: schema.ModelT) -> bytes:
    """The file of these objects."""
    builder = _Aligned(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def kind_of(model: schema.ModelT, operator: schema.OperatorT) -> str:
    """The name of an operator of an opened file, as "ADD"."""
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)])


def affine(tensor: schema.TensorT) -> tuple[int, float, int] | tuple[int]:
    """Dtype, scale and zero point of a tensor of an opened file; the dtype alone where it is not quantised."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return (tensor.type,)
    return tensor.type, *first_scale(quantization)


def first_scale(quantization: schema.QuantizationParametersT | None) -> tuple[float, int]:
    """The first scale and zero point of a quantised tensor, of which the others are of its other channels."""
    assert quantization is not None and quantization.scale is not None and quantization.zeroPoint is not None
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])


def builtin_codes(content: bytes) -> set[int]:
    """The kinds of operators in a file of our own making, without opening it."""
    table = schema.Model.GetRootAs(content, 0)
    codes = (table.OperatorCodes(i) for i in range(table.OperatorCodesLength()))
    return {max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes}


class _Aligned(flatbuffers.Builder):
    def CreateNumpyVector(self, x: Array) -> int:
        self.StartVector(x.itemsize, x.size, ALIGNMENT if x.dtype == np.uint8 else x.dtype.alignment)
        content = x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes()
        self.head -= len(content)
        self.Bytes[self.head : self.head + len(content)] = content
        self.vectorNumElems = x.size
        return self.EndVector()
