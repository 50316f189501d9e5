"""Tensors of a `.tflite` and their constants: buffers to arrays, with every length checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.models.tflite._checks import fail, in_range
from edgekit.models.tflite.model import Tensor

__all__ = ["Storage", "read_tensor", "text", "whole_numbers"]

_Bytes = NDArray[np.uint8]
# The types that numpy does not have; the names of the others are numpy's own.
_BITS = {"float8_e4m3fn": 8, "float8_e5m2": 8, "bfloat16": 16, "int2": 2, "int4": 4, "uint4": 4}
_NO_ARRAY = ("string", "resource", "variant")
_MAX_RANK = 32  # numpy's


class Storage:
    """The buffers of a file: inside the flatbuffer, or behind it in models of more than 2 GB."""

    def __init__(self, buffers: Sequence[Any], data: bytes) -> None:
        self._buffers, self._data = buffers, data

    def constant(self, index: int) -> _Bytes:
        """The bytes of one buffer, without a copy."""
        in_range(index, len(self._buffers), "a buffer")
        buffer = self._buffers[index]
        if buffer.offset > 1:  # 0 and 1 mean that there is none
            return self.outside(buffer.offset, buffer.size)
        return np.empty(0, np.uint8) if buffer.data is None else buffer.data

    def outside(self, offset: int, size: int) -> _Bytes:
        """Bytes that the flatbuffer names by their place in the file."""
        if offset + size > len(self._data):
            received = f"{size} bytes at byte {offset} of {len(self._data)}"
            raise fail("Constants stored behind the flatbuffer lie inside the file.", received)
        return np.frombuffer(self._data, np.uint8, size, offset)


def read_tensor(packed: Any, index: int, storage: Storage, dtypes: Mapping[int, str]) -> Tensor:
    """Read one tensor and check it against its buffer.

    Raises:
        ModelError: Unknown type, impossible shape or quantisation, or a constant of another length than its shape asks.
    """
    name = text(packed.name)
    what = f"tensor {index} ({name!r})"
    if packed.type not in dtypes:
        raise fail("Every tensor is of a type that the schema knows.", f"type {packed.type} of {what}")
    if packed.externalBuffer:
        raise fail("Constants lie in the .tflite file itself.", f"{what} lies in an external file")
    dtype = dtypes[packed.type].lower()
    shape = whole_numbers(packed.shape)
    signature = whole_numbers(packed.shapeSignature)
    if any(d < 0 for d in shape) or len(shape) > _MAX_RANK:
        raise fail(f"Shapes have at most {_MAX_RANK} dimensions, none negative.", f"{shape} of {what}")
    scales, zero_points, axis = _quantization(packed.quantization, shape, dtype, what)
    raw = storage.constant(packed.buffer)
    if packed.isVariable and raw.size:
        raise fail("A variable tensor has no constant.", what)
    return Tensor(
        index=index,
        name=name,
        shape=shape,
        signature=signature if len(signature) == len(shape) else shape,
        dtype=dtype,
        scales=scales,
        zero_points=zero_points,
        channel_axis=axis,
        buffer=packed.buffer,
        stored_bytes=int(raw.size),
        data=_array(raw, dtype, shape, packed.sparsity, what) if raw.size else None,
        sparse=packed.sparsity is not None,
        variable=bool(packed.isVariable),
    )


def text(value: bytes | str | None) -> str:
    """A schema string; what is not UTF-8 shows as replacement characters."""
    return value if isinstance(value, str) else (value or b"").decode("utf-8", "replace")


def whole_numbers(values: Any) -> tuple[int, ...]:
    """A schema vector of integers; a missing one is empty."""
    return () if values is None else tuple(np.asarray(values).tolist())


def _quantization(packed: Any, shape: tuple[int, ...], dtype: str, what: str) -> tuple[Any, Any, int | None]:
    if packed is None or packed.scale is None or len(packed.scale) == 0:
        return (), (), None
    scales = tuple(packed.scale.tolist())
    zero_points = whole_numbers(packed.zeroPoint)
    axis = packed.quantizedDimension
    if not np.isfinite(packed.scale).all() or min(scales) < 0:
        raise fail("A quantisation scale is a finite number, not below 0.", f"{min(scales)} of {what}")
    if len(zero_points) != len(scales):
        received = f"{len(scales)} scales and {len(zero_points)} zero points of {what}"
        raise fail("There are as many zero points as scales.", received)
    lowest, highest = _range(dtype)
    if min(zero_points) < lowest or max(zero_points) > highest:
        raise fail(f"A zero point is a value of its type, {dtype}.", f"{zero_points[0]} of {what}")
    if len(scales) == 1:
        return scales, zero_points, None
    if not 0 <= axis < len(shape) or len(scales) != shape[axis]:
        received = f"{len(scales)} scales along axis {axis} of shape {shape} of {what}"
        raise fail("There is one scale, or one for each channel.", received)
    return scales, zero_points, axis


def _range(dtype: str) -> tuple[int, int]:
    """Smallest and largest zero point: of the tensor's type where it is a small integer, else of int32."""
    bits = min(32, _BITS.get(dtype) or int(dtype.lstrip("uint"))) if dtype.startswith(("int", "uint")) else 32
    return (0, 2**bits - 1) if dtype.startswith("uint") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _array(raw: _Bytes, dtype: str, shape: tuple[int, ...], sparsity: Any, what: str) -> NDArray[np.generic] | None:
    if dtype == "string":
        _check_strings(raw, math.prod(shape), what)
    if dtype in _NO_ARRAY:
        return None
    count = math.prod(shape) if sparsity is None else _stored_values(sparsity, shape, what)
    bits = _BITS.get(dtype) or np.dtype(dtype).itemsize * 8
    if raw.size != (count * bits + 7) // 8:
        received = f"{raw.size} bytes for {count} values of {dtype} of {what}"
        raise fail("A constant is exactly as long as its shape and type ask.", received)
    if dtype.startswith("float8"):
        return None
    if bits < 8:
        values: NDArray[np.generic] = _unpack(raw, bits, signed=dtype.startswith("int"))[:count]
    elif dtype == "bfloat16":
        values = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = raw.view(np.dtype(dtype).newbyteorder("<"))
    values = values if sparsity is not None else values.reshape(shape)
    values.flags.writeable = False
    return values


def _unpack(raw: _Bytes, bits: int, signed: bool) -> NDArray[np.generic]:
    """Values of less than a byte, lowest bits first, as int8 or uint8."""
    parts: _Bytes = np.stack([raw >> shift for shift in range(0, 8, bits)], axis=1).reshape(-1)
    unsigned: _Bytes = parts & np.uint8((1 << bits) - 1)
    if not signed:
        return unsigned
    sign = 1 << (bits - 1)  # two's complement: flip the sign bit, then subtract its weight
    return (unsigned ^ np.uint8(sign)).astype(np.int8) - np.int8(sign)


def _stored_values(sparsity: Any, shape: tuple[int, ...], what: str) -> int:
    """How many values a sparse tensor stores: walk its levels, checking each as a runtime's densifier needs it.

    The levels are the tensor's dimensions and then its blocks, in traversal order; each is dense, or compressed sparse
    rows: segment bounds and the index of each stored entry.
    """
    order, blocks = whole_numbers(sparsity.traversalOrder), whole_numbers(sparsity.blockMap)
    levels = sparsity.dimMetadata or []
    rank = len(shape)
    consistent = sorted(order) == list(range(rank + len(blocks))) and len(levels) == len(order)
    if not consistent or any(not 0 <= b < rank for b in blocks):
        received = f"order {order}, blocks {blocks} of {what}"
        raise fail("A sparsity table describes each dimension and block once.", received)
    sizes = list(shape) + [levels[order.index(rank + i)].denseSize for i in range(len(blocks))]
    for dimension, block in zip(blocks, sizes[rank:], strict=True):
        if block < 1 or sizes[dimension] % block:
            raise fail("Blocks divide their dimension.", f"block {block} of shape {shape} of {what}")
        sizes[dimension] //= block
    count = 1
    for level, dimension in zip(levels, order, strict=True):
        if level.format == 0:
            if level.denseSize != sizes[dimension]:
                received = f"{level.denseSize} instead of {sizes[dimension]} of {what}"
                raise fail("A dense level is as long as its dimension.", received)
            count *= level.denseSize
            continue
        segments, indices = (_index_vector(v) for v in (level.arraySegments, level.arrayIndices))
        whole = segments.size == count + 1 and segments[0] == 0 and segments[-1] == indices.size
        if level.format != 1 or dimension >= rank or not whole or (np.diff(segments) < 0).any():
            raise fail("The segments of a sparse level cover its indices in order.", what)
        if indices.size and (indices.min() < 0 or indices.max() >= sizes[dimension]):
            raise fail("The indices of a sparse level lie inside its dimension.", what)
        count = int(indices.size)
    return count


def _index_vector(packed: Any) -> NDArray[np.int64]:
    values = None if packed is None else packed.values
    return np.zeros(0, np.int64) if values is None else np.asarray(values, np.int64)


def _check_strings(raw: _Bytes, count: int, what: str) -> None:
    """A string constant: the number of strings, where each begins, where the last ends, then the characters."""
    head = raw[: raw.size // 4 * 4].view("<i4")
    offsets = head[1 : count + 2]
    whole = head.size >= count + 2 and head[0] == count and offsets[-1] == raw.size
    if not whole or (np.diff(offsets) < 0).any() or offsets[0] < 4 * (count + 2):
        raise fail("A string constant holds as many strings as its shape asks.", what)
