"""The checkpoint beside a SavedModel: what its index declares, compared with the bytes that lie there.

`variables.index` is a sorted table in the form of LevelDB (tensorflow/core/lib/io/format.cc): blocks of entries, an
index of blocks, and a footer of 48 bytes. Each entry but the first is a BundleEntryProto: type, shape, shard, offset
and size.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.keras.files.protobuf import message_class
from edgekit.keras.files.protos import BundleEntry

__all__ = ["check_tensor_bundle"]

LARGEST_INDEX = 64 << 20
LONGEST_KEY = 4_096
MOST_AXES = 254
"""What TensorFlow's shapes can have."""
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_PROTOS = "tensorflow.core.protobuf.tensor_bundle_pb2"
_WIDTHS = {
    1: 4, 2: 8, 3: 4, 4: 1, 5: 2, 6: 1, 8: 8, 9: 8, 10: 1, 11: 1, 12: 1, 13: 4, 14: 2, 15: 2, 16: 2, 17: 2, 18: 16,
    19: 2, 22: 4, 23: 8, 24: 1, 25: 1,
}  # fmt: skip
"""Bytes of an element, by number in tensorflow/core/framework/types.proto; texts and variants have no fixed width."""
_DAMAGED = "The checkpoint of a SavedModel must be complete."
_REMEDY = "It is damaged or truncated: copy or save it again."


def check_tensor_bundle(prefix: Path) -> None:
    """Check the checkpoint of the files `prefix.index` and `prefix.data-...`; none of its tensors is read.

    Raises:
        ModelError: An entry declares more or fewer bytes than its shape has, or than its file holds.
    """
    index = prefix.with_name(prefix.name + ".index")
    if not index.is_file():
        return
    if index.stat().st_size > LARGEST_INDEX:
        raise ModelError(f"{index.name} has at most {LARGEST_INDEX >> 20} MB.", received=index, remedy=_REMEDY)
    try:
        entries = list(_entries(index.read_bytes()))
        header = message_class(_PROTOS, "BundleHeaderProto")()
        header.ParseFromString(dict(entries)[b""])
        shards = header.num_shards
        if not 0 < shards <= 10_000:
            raise ValueError(f"{shards} shards")
        sizes = [_shard(prefix, number, shards) for number in range(shards)]
        entry_class = message_class(_PROTOS, "BundleEntryProto")
        for key, value in entries:
            if key:
                _check_entry(key.decode("latin-1")[:80], entry_class.FromString(value), sizes)
    except Exception as error:  # ValueError and KeyError of this module, google.protobuf's DecodeError
        text = " ".join(f"{error}".split())[:200]
        raise ModelError(_DAMAGED, received=f"{index} ({text})", remedy=_REMEDY) from None


def _check_entry(key: str, entry: BundleEntry, sizes: list[int]) -> None:
    shape = [dim.size for dim in entry.shape.dim]
    if entry.shape.unknown_rank or len(shape) > MOST_AXES or any(size < 0 for size in shape):
        raise ValueError(f"{key!r} of unknown shape")
    if not 0 <= entry.shard_id < len(sizes) or entry.offset < 0 or entry.size < 0:
        raise ValueError(f"{key!r} outside its files")
    if entry.slices:
        raise ValueError(f"{key!r} in slices, which Keras does not write")
    if entry.offset + entry.size > sizes[entry.shard_id]:
        raise ValueError(f"{key!r} of {entry.size:,} bytes in a file of {sizes[entry.shard_id]:,}")
    count, width = prod(shape), _WIDTHS.get(entry.dtype)
    if width is None:  # a text takes a byte for its length at least
        if count > entry.size:
            raise ValueError(f"{key!r} with shape {shape} in {entry.size:,} bytes")
    elif count * width != entry.size:
        raise ValueError(f"{key!r} with shape {shape} in {entry.size:,} bytes")


def _shard(prefix: Path, number: int, shards: int) -> int:
    path = prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{shards:05d}")
    if not path.is_file():
        raise ValueError(f"{path.name} is missing")
    return path.stat().st_size


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = table[-48:]
    if len(footer) != 48 or footer[40:] != _MAGIC:
        raise ValueError("no table of tensors")
    _, at = _handle(footer, 0)
    index, _ = _handle(footer, at)
    last = None
    for _, value in _block(table, *index):
        block, _ = _handle(value, 0)
        for key, entry in _block(table, *block):
            if last is not None and key <= last:  # a block named twice would make a small file long
                raise ValueError("entries out of order")
            last = key
            yield key, entry


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Entries of a block: each key shares its beginning with the one before; restart points stand at the end."""
    block = table[offset : offset + size]
    if len(block) != size or size < 4 or table[offset + size : offset + size + 1] != b"\0":
        raise ValueError("a block outside the table, or a compressed one")
    end = size - 4 - 4 * int.from_bytes(block[-4:], "little")
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        rest, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or shared + rest > LONGEST_KEY or at + rest + length > end:
            raise ValueError("an entry outside its block")
        key = key[:shared] + block[at : at + rest]
        yield key, block[at + rest : at + rest + length]
        at += rest + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise ValueError("a number of more than 64 bits")
