"""Wrappers in Kotlin, in explicit API mode; they need the standard library alone."""

from __future__ import annotations

from edgekit_converters.android.wrapper.emitter import Language
from edgekit_converters.android.wrapper.kotlin.preprocessing import body

__all__ = ["KOTLIN"]

_PUT = {
    "float32": "buffer.putFloat({})",
    "int8": "buffer.put({}.toInt().toByte())",
    "uint8": "buffer.put({}.toInt().toByte())",
    "int16": "buffer.putShort({}.toInt().toShort())",
    "int32": "buffer.putInt({}.toInt())",
    "int64": "buffer.putLong({}.toLong())",
    "bool": "buffer.put(if ({} != 0f) 1.toByte() else 0.toByte())",
}
KOTLIN = Language(
    name="kotlin",
    ending="kt",
    dollars=True,
    put=_PUT,
    put_whole=_PUT,
    get={
        "float32": "buffer.getFloat()",
        "int8": "buffer.get().toFloat()",
        "uint8": "(buffer.get().toInt() and 0xff).toFloat()",
        "int16": "buffer.getShort().toFloat()",
        "int32": "buffer.getInt().toFloat()",
        "int64": "buffer.getLong().toFloat()",
        "bool": "buffer.get().toFloat()",
    },
    sizes=", height: Int, width: Int",
    length="sample.size",
    body=body,
)
