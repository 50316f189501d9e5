"""Tensors of a `.tflite` and their constants: buffers to arrays, with every length checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError
from edgekit.tflite._checks import Oddities, fail, in_range
from edgekit.tflite._flatbuffer import Row
from edgekit.tflite._quantization import quantization
from edgekit.tflite._sparse import stored_values
from edgekit.tflite.model import Tensor

__all__ = ["Storage", "read_tensor", "text"]

_Bytes = NDArray[np.uint8]
# The types that numpy does not have; the names of the others are numpy's own.
_BITS = {"float8_e4m3fn": 8, "float8_e5m2": 8, "bfloat16": 16, "int2": 2, "int4": 4, "uint4": 4}
_NO_ARRAY = ("string", "resource", "variant")
_MAX_RANK = 32  # numpy's before its version 2


class Storage:
    """The buffers of a file: inside the flatbuffer, or behind it in models of more than 2 GB."""

    def __init__(self, buffers: Sequence[Row], data: bytes) -> None:
        self._buffers, self._data = buffers, data
        self._outside_left = 4 * len(data)  # so that many buffers that name the same bytes cost no more than the file
        self._constants: dict[int, _Bytes] = {}
        self._arrays: dict[tuple[int, str], NDArray[np.generic]] = {}
        self._lengths: set[tuple[int, str, int]] = set()
        self._values_left = 64 * len(data)  # honest files: at most 4 values a byte, each constant in one length
        self._strings: set[tuple[int, int]] = set()

    def __len__(self) -> int:
        return len(self._buffers)

    def constant(self, index: int) -> _Bytes:
        """The bytes of one buffer, without a copy."""
        in_range(index, len(self._buffers), "a buffer")
        if index not in self._constants:
            buffer = self._buffers[index]
            if buffer["offset"] > 1:  # 0 and 1 mean that there is none
                self._constants[index] = self.outside(buffer["offset"], buffer["size"])
            else:
                self._constants[index] = np.empty(0, np.uint8) if buffer["data"] is None else buffer["data"]
        return self._constants[index]

    def outside(self, offset: int, size: int) -> _Bytes:
        """Bytes that the flatbuffer names by their place in the file."""
        self._outside_left -= size
        if offset + size > len(self._data) or self._outside_left < 0:
            received = f"{size} bytes at byte {offset} of {len(self._data)}"
            raise fail("Constants stored behind the flatbuffer lie inside the file, each once.", received)
        return np.frombuffer(self._data, np.uint8, size, offset)

    def array(self, index: int, dtype: str, count: int) -> NDArray[np.generic]:
        """The first `count` values of a buffer in one row, read-only; tensors that share a buffer share the array."""
        if (index, dtype) not in self._arrays:
            values = _values(self.constant(index), dtype)
            values.flags.writeable = False
            self._arrays[index, dtype] = values
        if (index, dtype, count) not in self._lengths:
            self._lengths.add((index, dtype, count))
            self._values_left -= count
            if self._values_left < 0:
                raise fail(
                    "Tensors do not read the same constants over and over in different lengths.",
                    "many lengths of one constant",
                )
        return self._arrays[index, dtype][:count]

    def check_strings(self, index: int, count: int, what: str) -> None:
        """A string constant: the number of strings, where each begins, where the last ends, then the characters."""
        if (index, count) in self._strings:
            return
        raw = self.constant(index)
        head = raw[: raw.size // 4 * 4].view("<i4")
        offsets = head[1 : count + 2]
        whole = head.size >= count + 2 and head[0] == count and offsets[-1] == raw.size
        if not whole or (np.diff(offsets) < 0).any() or offsets[0] < 4 * (count + 2):
            raise fail("A string constant holds as many strings as its shape asks.", what)
        self._strings.add((index, count))


def read_tensor(
    row: Row, index: int, storage: Storage, dtypes: Mapping[int, str], *, used: bool, odd: Oddities
) -> Tensor:
    """Read one tensor and check it against its buffer.

    Args:
        row: The table "Tensor".
        index: Its place in the subgraph.
        storage: The file's buffers.
        dtypes: Names of the schema's types.
        used: An operator, input or output names it. Of a tensor that nothing uses, a fault is only noted.
        odd: Takes what is unusual.

    Raises:
        ModelError: Unknown type, impossible shape or quantisation, or a constant shorter than its shape asks.
    """
    name = text(row["name"])
    what = f"tensor {index} ({name!r})"
    if row["type"] not in dtypes:
        raise fail("Every tensor is of a type that the schema knows.", f"type {row['type']} of {what}")
    in_range(row["buffer"], len(storage), f"the buffer of {what}")
    dtype = dtypes[row["type"]].lower()
    try:
        return _read(row, index, name, dtype, storage, odd)
    except ModelError as error:
        if used:
            raise
        odd.note("A tensor that nothing uses breaks a rule", f"{what} ({error.rule.rstrip('.')})")
        return Tensor(index, name, (), (), dtype)


def text(value: bytes | str | None) -> str:
    """A schema string; what is not UTF-8 shows as replacement characters."""
    return value if isinstance(value, str) else (value or b"").decode("utf-8", "replace")


def _read(row: Row, index: int, name: str, dtype: str, storage: Storage, odd: Oddities) -> Tensor:
    what = f"tensor {index} ({name!r})"
    if row["external_buffer"]:
        raise ModelError(
            "Constants lie in the .tflite file itself.",
            received=f"{what}, which lies in an external file",
            remedy="Convert the model with its weights inside.",
        )
    shape: tuple[int, ...] = row["shape"] or ()
    signature: tuple[int, ...] = row["shape_signature"] or ()
    if any(d < 0 for d in shape) or len(shape) > _MAX_RANK:
        raise fail(f"Shapes have at most {_MAX_RANK} dimensions, none negative.", f"{shape} of {what}")
    raw = storage.constant(row["buffer"])
    variable = bool(row["is_variable"])
    if variable and raw.size:
        odd.note("A variable tensor has a constant, which TFLite refuses and TFLite Micro does not look at", what)
        raw = raw[:0]
    quant = quantization(row["quantization"], shape, dtype, raw.size > 0, what, odd)
    sparsity: Row | None = row["sparsity"]
    sparse = sparsity is not None and raw.size > 0
    if sparsity is not None and sparse and not sparsity["traversal_order"]:
        odd.note("A sparsity table is empty, which TFLite refuses and TFLite Micro does not look at", what)
        sparse = False
    data = _array(raw, row, dtype, shape, storage, sparse, what, odd) if raw.size else None
    return Tensor(
        index=index,
        name=name,
        shape=shape,
        signature=signature if len(signature) == len(shape) else shape,
        dtype=dtype,
        quant=quant,
        buffer=row["buffer"],
        stored_bytes=int(raw.size),
        data=data,
        sparse=sparse,
        variable=variable,
    )


def _array(
    raw: _Bytes,
    row: Row,
    dtype: str,
    shape: tuple[int, ...],
    storage: Storage,
    sparse: bool,
    what: str,
    odd: Oddities,
) -> NDArray[np.generic] | None:
    if dtype == "string":
        storage.check_strings(row["buffer"], math.prod(shape), what)
    if dtype in _NO_ARRAY:
        return None
    count = stored_values(row["sparsity"], shape, what) if sparse else math.prod(shape)
    bits = _BITS.get(dtype) or np.dtype(dtype).itemsize * 8
    needed = (count * bits + 7) // 8
    if raw.size < needed:
        received = f"{raw.size} bytes for {count} values of {dtype} of {what}"
        raise fail("A constant is as long as its shape and type ask.", received)
    if raw.size > needed:
        odd.note("A constant is longer than its shape and type ask; the rest is not looked at", what)
    if dtype.startswith("float8"):
        return None
    values = storage.array(row["buffer"], dtype, count)
    return values if sparse else values.reshape(shape)


def _values(raw: _Bytes, dtype: str) -> NDArray[np.generic]:
    """All whole values of a buffer."""
    bits = _BITS.get(dtype) or np.dtype(dtype).itemsize * 8
    if bits < 8:
        return _unpack(raw, bits, signed=dtype.startswith("int"))
    raw = raw[: raw.size * 8 // bits * bits // 8]
    if dtype == "bfloat16":
        widened: NDArray[np.generic] = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
        return widened
    return raw.view(np.dtype(dtype).newbyteorder("<"))


def _unpack(raw: _Bytes, bits: int, signed: bool) -> NDArray[np.generic]:
    """Values of less than a byte, lowest bits first, as int8 or uint8."""
    parts: _Bytes = np.stack([np.right_shift(raw, shift) for shift in range(0, 8, bits)], axis=1).reshape(-1)
    unsigned: _Bytes = parts & np.uint8((1 << bits) - 1)
    if not signed:
        return unsigned
    sign = 1 << (bits - 1)  # two's complement: flip the sign bit, then subtract its weight
    return (unsigned ^ np.uint8(sign)).astype(np.int8) - np.int8(sign)
