"""The index of a checkpoint: what it declares is compared with the bytes of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import ModelError
from edgekit.keras.files.protobuf import message_class
from edgekit.keras.files.tensor_bundle import check_tensor_bundle

PROTOS = "tensorflow.core.protobuf.tensor_bundle_pb2"
FLOAT, TEXT = 1, 7


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(b"\0" + varint(len(k)) + varint(len(v)) + k + v for k, v in entries)
    return body + bytes(4) + (1).to_bytes(4, "little")


def table(entries: list[tuple[bytes, bytes]], repeat: int = 1) -> bytes:
    data = block(entries)
    index = block([(b"z", varint(0) + varint(len(data)))] * repeat)
    handles = varint(0) + varint(0) + varint(len(data) + 5) + varint(len(index))
    magic = (0xDB4775248B80FB57).to_bytes(8, "little")
    return data + bytes(5) + index + bytes(5) + handles.ljust(40, b"\0") + magic


def entry(shape: list[int], size: int, **more: Any) -> Any:
    message = message_class(PROTOS, "BundleEntryProto")(dtype=FLOAT, size=size, **more)
    for length in shape:
        message.shape.dim.add(size=length)
    return message


def write(folder: Path, *entries: Any, shards: int = 1, data: int = 24, repeat: int = 1) -> Path:
    header = message_class(PROTOS, "BundleHeaderProto")(num_shards=shards).SerializeToString()
    rows = [(b"", header), *((b"k%d" % n, e.SerializeToString()) for n, e in enumerate(entries))]
    (folder / "variables.index").write_bytes(table(rows, repeat))
    (folder / "variables.data-00000-of-00001").write_bytes(bytes(data))
    return folder / "variables"


def test_an_honest_checkpoint_passes(tmp_path: Path) -> None:
    text = entry([], 8, offset=16)
    text.dtype = TEXT
    check_tensor_bundle(write(tmp_path, entry([2, 2], 16), text))


def test_a_model_without_variables_passes(tmp_path: Path) -> None:
    check_tensor_bundle(tmp_path / "variables")


def unknown_rank() -> Any:
    message = entry([], 4)
    message.shape.unknown_rank = True
    return message


def many_texts() -> Any:
    message = entry([10**9], 8)
    message.dtype = TEXT
    return message


def sliced() -> Any:
    message = entry([2, 2], 16)
    message.slices.add()
    return message


FALSE: dict[str, Callable[[], Any]] = {
    "shape larger than its bytes": lambda: entry([10**9, 4], 16),
    "shape and bytes larger than the file": lambda: entry([10**9, 4], 16 * 10**9),
    "bytes beyond the end": lambda: entry([4], 16, offset=16),
    "negative axis": lambda: entry([-4], 16),
    "two negative axes": lambda: entry([-2, -2], 16),
    "negative size": lambda: entry([0], -16),
    "negative offset": lambda: entry([4], 16, offset=-16),
    "shard that is not there": lambda: entry([4], 16, shard_id=1),
    "unknown rank": unknown_rank,
    "too many axes": lambda: entry([1] * 255, 4),
    "texts without bytes": many_texts,
    "slices": sliced,
}


@pytest.mark.parametrize("attack", FALSE)
def test_a_false_entry_is_refused(tmp_path: Path, attack: str) -> None:
    with pytest.raises(ModelError, match="checkpoint of a SavedModel must be complete"):
        check_tensor_bundle(write(tmp_path, FALSE[attack]()))


@pytest.mark.parametrize("shards", [0, 2, 2_000_000_000])
def test_shards_that_are_not_there_are_refused(tmp_path: Path, shards: int) -> None:
    with pytest.raises(ModelError, match="shards|is missing"):
        check_tensor_bundle(write(tmp_path, entry([4], 16), shards=shards))


def test_a_block_named_many_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="out of order"):
        check_tensor_bundle(write(tmp_path, entry([4], 16), repeat=1000))


def test_every_cut_and_every_changed_byte_is_one_error_or_none(tmp_path: Path) -> None:
    prefix = write(tmp_path, entry([2, 2], 16), entry([2], 8, offset=16))
    file = tmp_path / "variables.index"
    whole = file.read_bytes()
    mutants = [whole[:n] for n in range(len(whole))]
    mutants += [
        whole[:n] + bytes([whole[n] ^ flip]) + whole[n + 1 :] for n in range(len(whole)) for flip in (1, 128, 255)
    ]
    refused = 0
    for mutant in mutants:
        file.write_bytes(mutant)
        try:
            check_tensor_bundle(prefix)
        except ModelError:
            refused += 1
    assert refused > len(whole)
