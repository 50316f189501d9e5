"""A `.tflite` as the schema's own objects, to change it, and as bytes again."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = ["affine", "builtin_codes", "kind_of", "opened", "packed"]

_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}

ALIGNMENT = 16
"""Bytes, of constants in a file: the schema asks for it, and Python's packer does not know."""


def opened(content: bytes) -> Any:
    """The objects of a file."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def packed(model: Any) -> bytes:
    """The file of these objects."""
    builder = _Aligned(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def kind_of(model: Any, operator: Any) -> str:
    """The name of an operator of an opened file, as "ADD"."""
    code = model.operatorCodes[operator.opcodeIndex]
    return str(_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)])


def affine(tensor: Any) -> tuple[int, float, int] | tuple[int]:
    """Dtype, scale and zero point of a tensor of an opened file; the dtype alone where it is not quantised."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return (tensor.type,)
    return tensor.type, float(quantization.scale[0]), int(quantization.zeroPoint[0])


def builtin_codes(content: bytes) -> set[int]:
    """The kinds of operators in a file of our own making, without opening it."""
    table = schema.Model.GetRootAs(content, 0)
    codes = (table.OperatorCodes(i) for i in range(table.OperatorCodesLength()))
    return {max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes}


class _Aligned(flatbuffers.Builder):  # type: ignore[misc]
    def CreateNumpyVector(self, x: Any) -> Any:
        self.StartVector(x.itemsize, x.size, ALIGNMENT if x.dtype == np.uint8 else x.dtype.alignment)
        content = x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes()
        self.head -= len(content)
        self.Bytes[self.head : self.head + len(content)] = content
        self.vectorNumElems = x.size
        return self.EndVector()
