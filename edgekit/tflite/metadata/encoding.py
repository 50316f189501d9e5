"""Metadata as the flatbuffer that TFLite's own library reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import flatbuffers
from flatbuffers import number_types

from edgekit.tflite.metadata.model import COLORS, KINDS, AssociatedFile, Metadata, Normalization, TensorDescription

__all__ = ["IDENTIFIER", "PARSER", "encode"]

_Value = TypeVar("_Value", int, float)

IDENTIFIER = b"M001"
PARSER = "1.0.0"
"""The first version of the schema has all that is written here."""
_FEATURE, _IMAGE = 1, 2  # tags of the union ContentProperties
_NORMALIZATION = 1  # tag of the union ProcessUnitOptions


def encode(metadata: Metadata) -> bytes:
    """The flatbuffer `ModelMetadata` with its identifier: the same bytes for the same metadata."""
    return _Encoder().model(metadata)


class _Encoder:
    """One flatbuffer, written from its leaves up; offsets are those of the builder."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def model(self, metadata: Metadata) -> bytes:
        graph = self._table(10, {2: self._tensors(metadata.inputs), 3: self._tensors(metadata.outputs)})
        texts = {0: metadata.name, 1: metadata.description, 2: metadata.version}
        fields = {slot: self._builder.CreateString(text) for slot, text in texts.items() if text}
        fields |= {3: self._offsets([graph]), 7: self._builder.CreateString(PARSER)}
        self._builder.Finish(self._table(8, fields), IDENTIFIER)
        return bytes(self._builder.Output())

    def _tensors(self, tensors: Sequence[TensorDescription]) -> int:
        return self._offsets([self._tensor(tensor) for tensor in tensors])

    def _tensor(self, tensor: TensorDescription) -> int:
        fields = {3: self._content(tensor)}
        if tensor.name:
            fields[0] = self._builder.CreateString(tensor.name)
        if tensor.normalization is not None:
            fields[4] = self._offsets([self._normalization(tensor.normalization)])
        if tensor.low or tensor.high:
            fields[5] = self._table(2, {0: self._floats(tensor.high), 1: self._floats(tensor.low)})
        if tensor.files:
            fields[6] = self._offsets([self._file(file) for file in tensor.files])
        return self._table(7, fields)

    def _content(self, tensor: TensorDescription) -> int:
        if tensor.image is None:
            return self._table(3, {1: self._table(0, {})}, {0: _FEATURE})
        return self._table(3, {1: self._table(2, {}, {0: COLORS.index(tensor.image.color)})}, {0: _IMAGE})

    def _normalization(self, done: Normalization) -> int:
        options = self._table(2, {0: self._floats(done.mean), 1: self._floats(done.std)})
        return self._table(2, {1: options}, {0: _NORMALIZATION})

    def _file(self, file: AssociatedFile) -> int:
        return self._table(5, {0: self._builder.CreateString(file.name)}, {2: KINDS.index(file.kind)})

    def _table(self, slots: int, offsets: dict[int, int], tags: dict[int, int] | None = None) -> int:
        builder = self._builder
        builder.StartObject(slots)
        for slot, offset in offsets.items():
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, tag in (tags or {}).items():
            builder.PrependByteSlot(slot, tag, 0)
        return int(builder.EndObject())

    def _offsets(self, offsets: Sequence[int]) -> int:
        return self._vector(offsets, self._builder.PrependUOffsetTRelative)

    def _floats(self, values: Sequence[float]) -> int:
        return self._vector(values, self._builder.PrependFloat32)

    def _vector(self, values: Sequence[_Value], prepend: Callable[[_Value], None]) -> int:
        width = number_types.Float32Flags.bytewidth
        self._builder.StartVector(width, len(values), width)
        for value in reversed(values):
            prepend(value)
        return int(self._builder.EndVector())
