"""TFLite metadata: put into models of every kind, read back, and damaged in every way that a file may be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tflite_files import dense_model, packed

from edgekit import tflite
from edgekit.errors import ModelError
from edgekit.tflite.metadata import (
    AssociatedFile,
    Image,
    Metadata,
    Normalization,
    TensorDescription,
    associated_files,
    attach,
    encode,
    original,
    read_metadata,
)

TOLD = Metadata(
    "Größe",
    "What it is.",
    "3",
    "1.0.0",
    (TensorDescription("x", Image("rgb"), Normalization((1.5, 2.0, 3.0), (4.0,)), (0.0,), (255.0,)),),
    (TensorDescription("y", None, None, (), (), (AssociatedFile("labels.txt", "axis_labels"),)),),
    {"labels.txt": 8, "ö.bin": 3},
)
FILES = {"labels.txt": b"one\ntwo\n", "ö.bin": b"\0\1\2"}


def _without_signatures() -> bytes:
    model = dense_model()
    model.signatureDefs = None
    model.metadata = None
    model.description = None
    return packed(model)


def _misplaced() -> bytes:
    """With bytes behind the flatbuffer, as some writers leave them."""
    return packed(dense_model()) + bytes(5)


MODELS: dict[str, Callable[[], bytes]] = {
    "with metadata, signatures and a description": lambda: packed(dense_model()),
    "without": _without_signatures,
    "with bytes behind it": _misplaced,
}


@pytest.mark.parametrize("files", [FILES, {}], ids=["with files", "without files"])
@pytest.mark.parametrize("kind", MODELS)
def test_what_is_put_into_a_model_is_read_back_and_the_model_stays(kind: str, files: dict[str, bytes]) -> None:
    content = MODELS[kind]()
    described = attach(content, encode(TOLD), files, {"note": b"free"})
    assert described == attach(content, encode(TOLD), files, {"note": b"free"})
    before, after = tflite.read(content), tflite.read(described)
    assert read_metadata(before) is None and associated_files(before, 100) == {}
    read = read_metadata(after)
    assert read is not None and (read.name, read.inputs, read.outputs) == (TOLD.name, TOLD.inputs, TOLD.outputs)
    assert read.archive == (TOLD.archive if files else {}) and associated_files(after, 100) == files
    assert [*after.metadata] == [*before.metadata, "TFLITE_METADATA", "note"] and after.warnings == before.warnings
    assert after.metadata["note"].tobytes() == b"free" and after.min_runtime == before.min_runtime
    assert (after.description, len(after.signatures)) == (before.description, len(before.signatures))
    for mine, its in zip(before.graphs[0].tensors, after.graphs[0].tensors, strict=True):
        assert mine.spec == its.spec and (mine.data is None) == (its.data is None)
        assert mine.data is None or np.array_equal(mine.data, its.data)
    assert original(described) == content and original(content) is None


def test_a_runtime_takes_it_and_answers_the_same(tflites: dict[str, Path]) -> None:
    content = tflites["int8"].read_bytes()
    answers = []
    for each in (content, attach(content, encode(TOLD), FILES, {})):
        interpreter = Interpreter(model_content=each)
        interpreter.allocate_tensors()
        told = interpreter.get_input_details()[0]
        values = np.random.default_rng(0).integers(-128, 128, told["shape"]).astype(told["dtype"])
        interpreter.set_tensor(told["index"], values)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert np.array_equal(*answers)


def test_a_model_is_described_once() -> None:
    described = attach(packed(dense_model()), encode(TOLD), {}, {})
    with pytest.raises(ModelError, match="describes itself already"):
        attach(described, encode(TOLD), {}, {})


def test_constants_behind_the_flatbuffer_are_not_moved() -> None:
    model = dense_model()
    model.buffers[2].data, model.buffers[2].offset, model.buffers[2].size = None, 2, 12
    model.buffers[2].offset = len(packed(model))
    with pytest.raises(ModelError, match="constants behind it"):
        attach(packed(model) + bytes(12), encode(TOLD), {}, {})


def test_every_cut_is_a_whole_model_or_one_clear_error() -> None:
    described = attach(packed(dense_model()), encode(TOLD), FILES, {})
    for end in range(8, len(described), 7):
        try:
            model = tflite.read(described[:end])
            read_metadata(model)
            associated_files(model, 1000)
            original(described[:end])
        except ModelError:
            continue


def test_every_flipped_byte_of_the_metadata_is_read_or_refused() -> None:
    blob = encode(TOLD)
    for place in range(len(blob)):
        spoilt = bytearray(blob)
        spoilt[place] ^= 0xFF
        try:
            read_metadata(tflite.read(attach(packed(dense_model()), bytes(spoilt), {}, {})))
        except ModelError as error:
            assert "\n" not in str(error)


def _zip(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (_zip({"labels.txt": bytes(1 << 20)}), "1,000 are the most"),
        (_zip({f"{i}": b"" for i in range(1001)}), "1,001 files"),
        (_zip({"a": b"x"})[:-30] + b"PK\5\6" + bytes(18), ""),
        (b"PK\5\6" + b"\xff" * 18, "Files behind a model"),
    ],
    ids=["a bomb", "too many files", "no entries", "an end that points nowhere"],
)
def test_hostile_archives(archive: bytes, said: str) -> None:
    model = tflite.read(attach(packed(dense_model()), encode(TOLD), {}, {}) + archive)
    try:
        assert not associated_files(model, 1000)
        assert not said
    except ModelError as error:
        assert said and said in str(error)
