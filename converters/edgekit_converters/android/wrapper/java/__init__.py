"""Wrappers in Java 8: no reflection, no lambdas, nothing that an old dexer does not take."""

from __future__ import annotations

from edgekit_converters.android.wrapper.emitter import Language
from edgekit_converters.android.wrapper.java.preprocessing import body

__all__ = ["JAVA"]

_PUT = {
    "float32": "buffer.putFloat({})",
    "int8": "buffer.put((byte) {})",
    "uint8": "buffer.put((byte) (int) {})",
    "int16": "buffer.putShort((short) {})",
    "int32": "buffer.putInt((int) {})",
    "int64": "buffer.putLong((long) {})",
    "bool": "buffer.put((byte) ({} != 0 ? 1 : 0))",
}
JAVA = Language(
    name="java",
    ending="java",
    dollars=False,
    put=_PUT,
    put_whole=_PUT | {"int8": "buffer.put((byte) (int) {})", "int16": "buffer.putShort((short) (int) {})"},
    get={
        "float32": "buffer.getFloat()",
        "int8": "(float) buffer.get()",
        "uint8": "(float) (buffer.get() & 0xff)",
        "int16": "(float) buffer.getShort()",
        "int32": "(float) buffer.getInt()",
        "int64": "(float) buffer.getLong()",
        "bool": "(float) buffer.get()",
    },
    sizes=", int height, int width",
    length="sample.length",
    body=body,
)
