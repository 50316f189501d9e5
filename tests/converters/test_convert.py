from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.data import Dataset
from edgekit.errors import ConversionError
from edgekit.keras import load_model
from edgekit.measure.predict import predict
from edgekit_converters.tflite import ConvertSpec, convert_keras, converter, format_names

TOLERANCE = {"float32": 1e-5, "float16": 5e-3, "dynamic": 0.1, "int8": 0.25, "int16x8": 0.1}
"""Largest difference of a probability from Keras."""
INT8_IO = [("int8", "int8"), ("uint8", "uint8"), ("float32", "float32"), ("float32", "int8"), ("uint8", "float32")]


def spec(kind: str, input_dtype: str | None = None, output_dtype: str | None = None) -> ConvertSpec:
    return ConvertSpec.model_validate({"format": kind, "input_dtype": input_dtype, "output_dtype": output_dtype})


@pytest.mark.parametrize("kind", format_names())
def test_format(kind: str, trained: Any, digits: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    convert_keras(trained.model, path, spec(kind), representative=digits.features("calibration"))
    found = tflite.inspect(path)
    own = spec(kind).resolved()
    assert [t.shape for t in found.inputs] == [(1, 8, 8, 1)], "a free batch becomes 1"
    assert found.inputs[0].dtype == own.input_dtype and found.outputs[0].dtype == own.output_dtype
    assert found.quantization == kind and not found.flex and not found.custom
    assert not any(o.name in ("QUANTIZE", "DEQUANTIZE") for o in found.operators) or kind == "float16"
    x = digits.features("test")[:64]
    np.testing.assert_allclose(predict(path, x), trained.model.predict(x, verbose=0), atol=TOLERANCE[kind])
    assert [f.name for f in tmp_path.iterdir()] == ["m.tflite"]


def test_dynamic_looks_integers_up_in_embeddings(tmp_path: Path) -> None:
    """GATHER of an int8 table gives int8 values, which become float before anything computes on them."""
    layers = _tf.tf_keras().layers
    inputs = layers.Input((8,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(300, 16)(inputs))
    model = _tf.tf_keras().Model(inputs, layers.Dense(4)(x))
    convert_keras(model, tmp_path / "m.tflite", spec("dynamic"))
    found = tflite.inspect(tmp_path / "m.tflite")
    assert found.quantization == "dynamic" and found.constants["int8"] == 300 * 16
    x = np.random.default_rng(0).integers(0, 300, (16, 8)).astype(np.int32)
    np.testing.assert_allclose(predict(tmp_path / "m.tflite", x), model.predict(x, verbose=0), atol=1e-3)


@pytest.mark.parametrize("names", [("in",), ("class", "self"), ("a-b", "a.b", "a_b"), ("1", "x/y", "None", "inputs")])
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_inputs_and_outputs_of_any_name(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    """TensorFlow makes parameters of a function of them."""
    keras = _tf.tf_keras()
    inputs = [keras.layers.Input((3,), name=name) for name in names]
    outputs = [keras.layers.Dense(number, name=f"{number}-of/{i.name}.x")(i) for number, i in enumerate(inputs, 2)]
    x = np.random.default_rng(0).random((16, 3), np.float32)
    samples = {name: x for name in names}
    convert_keras(keras.Model(inputs, outputs), tmp_path / "m.tflite", spec(kind), representative=samples)
    found = tflite.inspect(tmp_path / "m.tflite")
    assert len(found.inputs) == len(found.outputs) == len(names)
    assert {t.shape for t in found.outputs} == {(1, number) for number in range(2, 2 + len(names))}


@pytest.mark.parametrize("layer", ["Dense", "Conv2D", "DepthwiseConv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("kind", ["int8", "int16x8"])
def test_a_layer_called_on_values_of_two_ranges(kind: str, layer: str, tmp_path: Path) -> None:
    """Each call adds the bias in its own scale."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(0)
    sizes = {"Dense": (4,), "Conv2D": (4, 3), "DepthwiseConv2D": (3,), "Conv2DTranspose": (4, 3)}[layer]
    shared = getattr(layers, layer)(*sizes, bias_initializer="random_normal")
    x = keras.Input((8, 8, 4))
    model = keras.Model(x, [layers.Flatten()(shared(x)), layers.Flatten()(shared(layers.Rescaling(0.01)(x)))])
    samples = np.random.default_rng(0).standard_normal((64, 8, 8, 4)).astype(np.float32)
    parity = convert_keras(model, tmp_path / "m.tflite", spec(kind), representative=samples).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > 30


@pytest.mark.parametrize("which", ["tf_keras", "keras3"])
@pytest.mark.parametrize("form", ["list", "dict"])
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_outputs_and_inputs_in_lists_and_dicts(kind: str, form: str, which: str, tmp_path: Path) -> None:
    keras = getattr(_tf, which)()
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    middle = keras.layers.Concatenate()([left, right])
    outputs = {"small": keras.layers.Dense(1, name="one")(middle), "big": keras.layers.Dense(2, name="two")(middle)}
    inputs = {"left": left, "right": right} if form == "dict" else [left, right]
    model = keras.Model(inputs, outputs if form == "dict" else list(outputs.values()))
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    samples = {"left": x, "right": x[::-1].copy()}
    convert_keras(loaded, tmp_path / "m.tflite", spec(kind), representative=samples)
    keys = {tuple(t.shape): number for number, t in enumerate(tflite.inspect(tmp_path / "m.tflite").outputs)}
    given = {f"serving_default_{name}:0": array for name, array in samples.items()}
    answers = model.predict(samples if form == "dict" else list(samples.values()), verbose=0)
    wanted = list(answers.values()) if form == "dict" else answers
    for array in wanted:
        found = predict(tmp_path / "m.tflite", given, output=keys[1, array.shape[-1]])
        np.testing.assert_allclose(found, array, atol=1e-4 if kind == "float32" else 0.2)


@pytest.mark.parametrize(("given", "wanted"), INT8_IO)
def test_int8_with_other_input_and_output(
    given: str, wanted: str, trained: Any, digits: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    convert_keras(trained.model, path, spec("int8", given, wanted), representative=digits.features("calibration"))
    found = tflite.inspect(path)
    assert (found.inputs[0].dtype, found.outputs[0].dtype, found.quantization) == (given, wanted, "int8")
    x = digits.features("test")[:64]
    agree = predict(path, x).argmax(1) == trained.model.predict(x, verbose=0).argmax(1)
    assert agree.mean() > 0.9


def test_the_same_model_gives_the_same_bytes(trained: Any, digits: Dataset, tmp_path: Path) -> None:
    for name in ("a", "b"):
        convert_keras(trained.model, tmp_path / name, spec("int8"), representative=digits.features("calibration")[:16])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_bytes_are_those_of_tensorflows_own_way(
    kind: str, trained: Any, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which a release of TensorFlow takes that has not the parts of the shorter one."""
    samples = digits.features("calibration")[:16]
    convert_keras(trained.model, tmp_path / "a", spec(kind), representative=samples)
    own, asked = _tf.tensorflow().lite.TFLiteConverter, list[str]()
    whole = own.from_saved_model
    monkeypatch.setattr(own, "from_saved_model", lambda folder: (asked.append(folder), whole(folder))[1])
    monkeypatch.setattr(converter, "_PARTS", ("a part that no release has",))
    convert_keras(trained.model, tmp_path / "b", spec(kind), representative=samples)
    assert len(asked) == 1 and (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic"])
def test_formats_without_integers_refuse_integer_input(kind: str) -> None:
    with pytest.raises(ConversionError, match=f"input dtype of {kind} is float32. Received: int8"):
        spec(kind, "int8").resolved()


@pytest.fixture(scope="module")
def two_inputs() -> Any:
    """left in 0..1, right in -100..100: only with the right samples do the ranges fit."""
    keras = _tf.tf_keras()
    left, right = keras.layers.Input((4,), name="left"), keras.layers.Input((4,), name="right")
    each = [keras.layers.Dense(3)(left), keras.layers.Dense(3)(right)]
    return keras.Model([left, right], keras.layers.Add(name="out")(each))


def test_calibration_is_bound_by_name(two_inputs: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = {"right": rng.uniform(-100, 100, (64, 4)), "left": rng.uniform(0, 1, (64, 4))}  # not the model's order
    convert_keras(two_inputs, tmp_path / "m.tflite", spec("int8"), representative=samples)
    scales = {t.name: t.scale for t in tflite.inspect(tmp_path / "m.tflite").inputs}
    (left,) = (s for n, s in scales.items() if "left" in n)
    (right,) = (s for n, s in scales.items() if "right" in n)
    assert left == pytest.approx(1 / 255, rel=0.05) and right == pytest.approx(200 / 255, rel=0.05)


ONES = np.ones((4, 4), np.float32)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            ONES,
            "by input name. Received: one array.*x_train/left, x_train/right.*just left, right.*{'left': ..., 'r",
        ),
        ({"left": ONES}, "bound to the model's inputs: left, right. Received: left"),
        ({"left": ONES, "rigth": ONES}, "Received: left, rigth"),
        ({"left": ONES, "right": ONES[:3]}, "same number of samples.*4 for 'left', 3 for 'right'"),
        ({"left": ONES[:0], "right": ONES[:0]}, "at least one.*0 for 'left'"),
        ({"left": ONES, "right": ONES[:, :2]}, r"'right' must have the shape \[4\]. Received: \[2\]"),
        ({"left": ONES, "right": ONES * np.nan}, "finite. Received: NaN or infinity in 'right'"),
        (None, "int8 needs calibration samples"),
    ],
)
def test_calibration_that_does_not_fit(samples: Any, message: str, two_inputs: Any, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=message):
        convert_keras(two_inputs, tmp_path / "m.tflite", spec("int8"), representative=samples)
    assert list(tmp_path.iterdir()) == []


def single(layer: Callable[[Any], Any], shape: tuple[int | None, ...] = (8,)) -> Any:
    keras = _tf.tf_keras()
    inputs = keras.layers.Input(shape, name="x")
    return keras.Model(inputs, layer(inputs))


BROKEN = {
    "no int8 kernel": (lambda x: _tf.tensorflow().math.erf(x), (8,), "int8", "ERF|Erf|erf"),
    "flex only": (lambda x: _tf.tensorflow().math.igamma(x, x), (8,), "float32", "[Ii]gamma"),
    "free shape": (lambda x: x * 2.0, (None, 3), "float32", "fixed input shapes"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_keep_the_contract_leaves_no_file(name: str, tmp_path: Path) -> None:
    layer, shape, kind, message = BROKEN[name]
    x = np.random.default_rng(0).random((8, *(n or 4 for n in shape))).astype(np.float32)
    with pytest.raises(ConversionError, match=message) as caught:
        convert_keras(single(layer, shape), tmp_path / "new" / "m.tflite", spec(kind), representative=x)
    assert "\n" not in str(caught.value) and "Received" in str(caught.value)
    assert not list(tmp_path.rglob("*.tflite")) and not list(tmp_path.rglob(".*"))


def test_a_file_of_before_survives_a_failure(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"before")
    layer, shape, kind, _ = BROKEN["flex only"]
    with pytest.raises(ConversionError):
        convert_keras(single(layer, shape), tmp_path / "m.tflite", spec(kind))
    assert (tmp_path / "m.tflite").read_bytes() == b"before"


def test_the_converter_is_quiet(trained: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    convert_keras(trained.model, tmp_path / "m.tflite", spec("float32"))
    assert capfd.readouterr() == ("", "")


def test_integer_indices_are_calibrated_as_they_are(tmp_path: Path) -> None:
    keras = _tf.tf_keras()
    inputs = keras.layers.Input((6,), dtype="int32")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 4)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    samples = np.random.default_rng(0).integers(0, 9, (16, 6)).astype(np.int32)
    convert_keras(model, tmp_path / "m.tflite", ConvertSpec(format="int8"), representative=samples)
    np.testing.assert_allclose(predict(tmp_path / "m.tflite", samples), model.predict(samples, verbose=0), atol=0.05)
