"""TFLite metadata of exported models: what is written of a preprocessing, and what a file says of itself is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_files import dense_model, packed

import edgekit
from edgekit import tflite
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.errors import EdgekitError
from edgekit.tflite.metadata import Image, Metadata, Normalization, TensorDescription, attach, encode, read_metadata
from edgekit_converters.android.described import described
from edgekit_converters.android.wrapper.contract import contract_of
from edgekit_converters.told import told_by

TO_ONE = {"rescale": {"scale": 1 / 255}}
HALF = {"rescale": {"scale": 1 / 127.5, "offset": -1.0}}


def _images(dtype: str = "float32") -> tflite.Model:
    """[1, 2, 2, 1] -> the dense layer's three scores; an integer input has the scale 1/128 around its middle."""
    model = dense_model()
    image = model.subgraphs[0].tensors[0]
    image.shape, image.shapeSignature = np.array([1, 2, 2, 1], np.int32), None
    if dtype != "float32":
        image.type = getattr(schema.TensorType, dtype.upper())
        image.quantization = schema.QuantizationParametersT()
        image.quantization.scale = np.array([1 / 128], np.float32)
        image.quantization.zeroPoint = np.array([128 if dtype == "uint8" else 0], np.int64)
    return tflite.read(packed(model))


def _described(model: tflite.Model, operations: list[object], **told: object) -> tflite.Model:
    contract = contract_of(
        model,
        package="com.example",
        name="Net",
        asset="net.tflite",
        labels=("a", "b", "$c"),
        task="classification",
        preprocessing=Preprocessing.parse(operations),
        version="1",
    )
    return described(model, replace(contract, **told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("operations", "mean", "std"),
    [
        ([], 0.0, 1.0),
        (["cast"], 0.0, 1.0),
        (["cast", TO_ONE], 0.0, 255.0),
        ([HALF], 127.5, 127.5),
        ([{"normalize": {"mean": [10], "std": [4]}}], 10.0, 4.0),
        ([TO_ONE, {"normalize": {"mean": [0.5], "std": [0.25]}}], 127.5, 63.75),
        ([{"resize": {"height": 2, "width": 2}}, TO_ONE], 0.0, 255.0),
        (["grayscale", TO_ONE], 0.0, 255.0),
        ([TO_ONE, "grayscale"], 0.0, 255.0),
    ],
)
def test_the_normalisation_is_what_the_preprocessing_does(operations: list[object], mean: float, std: float) -> None:
    told = read_metadata(_described(_images(), operations))
    assert told is not None and told.inputs[0].image == Image("grayscale")
    done = told.inputs[0].normalization
    assert done is not None and done.mean == pytest.approx((mean,)) and done.std == pytest.approx((std,))
    pixels = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
    if "grayscale" not in operations:
        applied = Preprocessing.parse(operations).apply(pixels).astype(np.float32)
        assert np.allclose(applied, (pixels - done.mean[0]) / done.std[0], atol=1e-6)


@pytest.mark.parametrize(
    ("operations", "dtype"),
    [
        ([{"rescale": {"scale": -1.0}}], "float32"),
        ([{"rescale": {"scale": 0.0}}], "float32"),
        ([TO_ONE, {"cast": {"dtype": "int8"}}, "cast"], "float32"),
    ],
    ids=["turned over", "nothing left", "whole numbers between"],
)
def test_what_no_mean_and_deviation_says_is_left_out(operations: list[object], dtype: str) -> None:
    told = read_metadata(_described(_images(dtype), operations))
    assert told is not None and told.inputs[0].normalization is None


def test_bytes_that_go_in_as_they_are_stand_for_what_the_scale_says() -> None:
    told = read_metadata(_described(_images("uint8"), []))
    assert told is not None and told.inputs[0].normalization == Normalization((128.0,), (128.0,))
    assert (told.inputs[0].low, told.inputs[0].high) == ((0.0,), (255.0,))


def test_ranges_and_the_oldest_runtime_are_told() -> None:
    model = _images()
    told = _described(model, [])
    metadata = read_metadata(told)
    assert metadata is not None and metadata.outputs[0].low == ()  # logits have no range
    scores = read_metadata(_described(model, [], softmax=False))
    assert scores is not None and (scores.outputs[0].low, scores.outputs[0].high) == ((0.0,), (1.0,))
    bare = dense_model()
    bare.metadata = None
    bare.subgraphs[0].tensors[0].shape = np.array([1, 2, 2, 1], np.int32)
    bare.subgraphs[0].tensors[0].shapeSignature = None
    assert _described(tflite.read(packed(bare)), []).min_runtime == "2.3.0"  # FULLY_CONNECTED, version 7
    assert told.min_runtime == "2.1.0"  # what the converter wrote stays


def test_an_exported_file_tells_the_next_export(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(_images().content)
    write_sidecar(path, Sidecar(Preprocessing.parse([HALF]), ("a", "b", "$c"), "classification"))
    options = {"name": "Net", "metadata": True, "package": "com.example.net"}
    edgekit.export(path, {"android": options}, tmp_path / "first")
    shipped = tmp_path / "first" / "src/main/assets/edgekit/com.example.net/Net.tflite"
    lock = (tmp_path / "first" / "edgekit.lock").read_text()
    assert tflite.read(shipped).sha256 in lock and tflite.read(shipped).sha256 != tflite.read(path).sha256
    edgekit.export(shipped, {"android": {"name": "Again"}}, tmp_path / "second")
    code = tmp_path / "second" / "src/main/java/com/example/model"
    assert "$c" in (code / "AgainLabels.java").read_text()
    assert "resize, grayscale, normalize" in (code / "AgainPreprocessing.java").read_text()
    with pytest.raises(EdgekitError, match="describes itself already"):
        edgekit.export(shipped, {"android": {"metadata": True}}, tmp_path / "third")
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize(
    ("dtype", "told", "operations"),
    [
        ("float32", TensorDescription("x", Image("grayscale"), Normalization((3.0,), (2.0,))), "grayscale, normalize"),
        ("int8", TensorDescription("x", Image("grayscale"), Normalization((3.0,), (2.0,))), "grayscale, normalize"),
        ("uint8", TensorDescription("x", Image("grayscale"), Normalization((3.0,), (2.0,))), "grayscale, cast"),
        ("float32", TensorDescription("x", Image("grayscale")), "grayscale"),
        ("float32", TensorDescription("x", Image("grayscale"), Normalization((), ())), "grayscale"),
        ("float32", TensorDescription("x", Image("grayscale"), Normalization((0.0,), (0.0,))), "grayscale"),
        ("float32", TensorDescription("x", None, Normalization((3.0,), (2.0,))), None),
    ],
)
def test_what_a_foreign_file_tells(dtype: str, told: TensorDescription, operations: str | None) -> None:
    model = tflite.read(attach(_images(dtype).content, encode(Metadata(inputs=(told,))), {}, {}))
    labels, preprocessing = told_by(model)
    assert labels == ()
    if operations is None:
        assert preprocessing is None
    else:
        assert preprocessing is not None
        assert ", ".join(next(iter(item)) for item in preprocessing.dump()) == f"resize, {operations}"


@pytest.mark.parametrize("content", [b"a\nb\n", b"a\nb\nc\nd", b"a\nb\x1b\nc\n"], ids=["few", "many", "control"])
def test_labels_that_do_not_fit_are_none(content: bytes) -> None:
    described_model = _described(_images(), [])
    assert told_by(described_model)[0] == ("a", "b", "$c")
    metadata = described_model.metadata["TFLITE_METADATA"].tobytes()
    other = tflite.read(attach(_images().content, metadata, {"labels.txt": content}, {}))
    assert told_by(other)[0] == ()
