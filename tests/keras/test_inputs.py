"""Inputs of few bits: a Keras input of uint8 converts in every format, and the file gives what the model gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.keras import load_model
from edgekit.keras.lowering.inputs import with_float_inputs
from edgekit.measure.predict import predict
from edgekit_converters.tflite import ConvertSpec, convert_keras, format_names

TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "dynamic": 0.1, "int8": 0.2, "int16x8": 0.05}


def images(keras: Any, dtype: str) -> Any:
    layers = keras.layers
    x = keras.Input((8, 8, 3), dtype=dtype, name="image")
    y = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(x))
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(y)))


@pytest.mark.parametrize("kind", format_names())
@pytest.mark.parametrize("which", ["tf_keras", "keras3"])
def test_images_of_bytes_in_every_format(which: str, kind: str, tmp_path: Path) -> None:
    made = images(getattr(_tf, which)(), "uint8")
    made.save(tmp_path / "m.keras")
    spec = ConvertSpec.model_validate({"format": kind})
    pixels = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3)).astype(np.uint8)
    samples = pixels.astype(np.float32)
    convert_keras(load_model(tmp_path / "m.keras"), tmp_path / "m.tflite", spec, representative=samples)
    (found,) = tflite.inspect(tmp_path / "m.tflite").inputs
    assert found.dtype == spec.resolved().input_dtype
    wanted = made.predict(pixels, verbose=0)
    np.testing.assert_allclose(predict(tmp_path / "m.tflite", samples), wanted, atol=TOLERANCE[kind])


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float16", "float64"])
def test_other_small_dtypes(dtype: str, tmp_path: Path) -> None:
    made = images(_tf.tf_keras(), dtype)
    convert_keras(made, tmp_path / "m.tflite", ConvertSpec(format="float32"))
    x = np.random.default_rng(0).integers(0, 100, (4, 8, 8, 3)).astype(dtype)
    given = predict(tmp_path / "m.tflite", x.astype(np.float32))
    np.testing.assert_allclose(given, made.predict(x, verbose=0), atol=1e-5)


def test_indices_and_floats_stay_as_they_are() -> None:
    keras = _tf.tf_keras()
    words = keras.Input((5,), dtype="uint8")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 4)(words))
    for model in (keras.Model(words, x), images(keras, "float32")):
        assert with_float_inputs(model) is model


@pytest.mark.parametrize("name", ["one_hot", "bitwise.invert", "math.add", "image.convert_image_dtype"])
def test_functions_that_need_the_dtype_keep_it(name: str) -> None:
    """One wraps round at 256, one scales by the largest value of the dtype, two take integers only."""
    keras, tf = _tf.tf_keras(), _tf.tensorflow()
    calls = {
        "one_hot": lambda x: tf.one_hot(x, 4), "bitwise.invert": tf.bitwise.invert, "math.add": lambda x: x + x,
        "image.convert_image_dtype": lambda x: tf.image.convert_image_dtype(x, tf.float32),
    }  # fmt: skip
    x = keras.Input((8, 8, 3), dtype="uint8")
    model = keras.Model(x, calls[name](keras.layers.Flatten()(x)))
    assert with_float_inputs(model) is model


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_float_inputs_that_hold_indices(kind: str, masked: bool, tmp_path: Path) -> None:
    """Keras gives a model that begins with an Embedding a float input; of 8 bits, indices above 255 would be others."""
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    embedding = keras.layers.Embedding(600, 6, mask_zero=masked, input_length=5)
    model = keras.Sequential([embedding, keras.layers.LSTM(4), keras.layers.Dense(3)])
    model.build((None, 5))
    assert model.inputs[0].dtype.name == "float32"
    x = np.random.default_rng(0).integers(0, 600, (64, 5)).astype(np.float32)
    parity = convert_keras(
        model, tmp_path / "m.tflite", ConvertSpec.model_validate({"format": kind}), representative=x
    ).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > (100 if kind == "float32" else 15)
    assert tflite.inspect(tmp_path / "m.tflite").inputs[0].dtype == ("int32" if kind == "int8" else "float32")
