"""A `.tflite` as the schema's own objects, to change it, and as bytes again."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = ["opened", "packed"]

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


class _Aligned(flatbuffers.Builder):  # type: ignore[misc]
    def CreateNumpyVector(self, x: Any) -> Any:
        self.StartVector(x.itemsize, x.size, ALIGNMENT if x.dtype == np.uint8 else x.dtype.alignment)
        content = x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes()
        self.head -= len(content)
        self.Bytes[self.head : self.head + len(content)] = content
        self.vectorNumElems = x.size
        return self.EndVector()
