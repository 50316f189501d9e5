"""Activations and layers of Keras, converted to int8 and exported as C: to the bit, or refused with a reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from activation_cells import ACTIVATIONS, activation_model, activation_samples
from exported_c import compiled, differing, drawn_inputs, missing

from edgekit import _tf, tflite
from edgekit.errors import ConversionError
from edgekit_converters.tflite import ConvertSpec, convert_keras

IMAGE, STEPS, VECTOR = (8, 8, 3), (6, 4), (16,)
LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "log_softmax": (VECTOR, lambda layers: layers.Activation(_tf.tensorflow().nn.log_softmax)),
    "UnitNormalization": (IMAGE, lambda layers: layers.UnitNormalization()),
    "UnitNormalization, of steps": (STEPS, lambda layers: layers.UnitNormalization(axis=1)),
    "ReLU, threshold": (VECTOR, lambda layers: layers.ReLU(threshold=0.5)),
    "ReLU, most": (VECTOR, lambda layers: layers.ReLU(max_value=3)),
    "ReLU, slope": (VECTOR, lambda layers: layers.ReLU(negative_slope=0.2)),
    "ReLU, most, slope": (VECTOR, lambda layers: layers.ReLU(max_value=4, negative_slope=0.1)),
    "ReLU, most, slope, threshold": (
        VECTOR, lambda layers: layers.ReLU(max_value=4, negative_slope=0.1, threshold=0.5),
    ),
    "LayerNormalization": (VECTOR, lambda layers: layers.LayerNormalization()),
    "BatchNormalization": (IMAGE, lambda layers: layers.BatchNormalization()),
    "Conv1D": (STEPS, lambda layers: layers.Conv1D(3, 2, activation="mish")),
    "Conv2D": (IMAGE, lambda layers: layers.Conv2D(4, 3, dilation_rate=2)),
    "Conv2DTranspose": (IMAGE, lambda layers: layers.Conv2DTranspose(4, 3, strides=2)),
    "SeparableConv2D": (IMAGE, lambda layers: layers.SeparableConv2D(3, 2)),
    "MaxPooling1D": (STEPS, lambda layers: layers.MaxPooling1D(3, padding="same")),
    "AveragePooling2D": (IMAGE, lambda layers: layers.AveragePooling2D(2)),
    "GlobalMaxPooling2D": (IMAGE, lambda layers: layers.GlobalMaxPooling2D()),
    "GlobalAveragePooling1D": (STEPS, lambda layers: layers.GlobalAveragePooling1D()),
    "UpSampling1D": ((4, 3), lambda layers: layers.UpSampling1D(2)),
    "UpSampling2D": (IMAGE, lambda layers: layers.UpSampling2D((2, 3), interpolation="bilinear")),
    "ZeroPadding2D": (IMAGE, lambda layers: layers.ZeroPadding2D(((1, 0), (2, 1)))),
    "Cropping2D": (IMAGE, lambda layers: layers.Cropping2D(((1, 0), (0, 1)))),
    "Permute": (STEPS, lambda layers: layers.Permute((2, 1))),
    "RepeatVector": (VECTOR, lambda layers: layers.RepeatVector(3)),
    "EinsumDense": (STEPS, lambda layers: layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")),
    "LocallyConnected1D": (STEPS, lambda layers: layers.LocallyConnected1D(2, 2)),
    "Resizing": (IMAGE, lambda layers: layers.Resizing(4, 4)),
    "Rescaling": (IMAGE, lambda layers: layers.Rescaling(1 / 255)),
}  # fmt: skip
"""The shape of a sample, and the layer that takes it."""
NO_INT8 = ("ReLU, most, slope", "UnitNormalization, of steps")
"""Of which EdgeKit makes no int8 file: what the converter leaves in float is refused where it is converted."""
ELSEWHERE = {
    "EXP": ("litert", "reference"), "GELU": ("tflite_runtime", "reference"), "LOG": ("litert", "reference"),
    "TILE": ("litert", "default"),
}  # fmt: skip
"""Who answers for operators of int8 that TFLite Micro has no kernel for."""
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _compiler() -> None:
    if reason := missing():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_what_the_interpreter_computes(name: str, tmp_path: Path) -> None:
    convert_keras(activation_model(name), tmp_path / "m.tflite", ConvertSpec(format="int8"),
                  representative=activation_samples())  # fmt: skip
    _same(tmp_path / "m.tflite")


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_what_the_interpreter_computes(name: str, tmp_path: Path) -> None:
    keras, (shape, layer) = _tf.tf_keras(), LAYERS[name]
    keras.utils.set_random_seed(3)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(keras.layers)(inputs))
    samples = np.random.default_rng(0).standard_normal((64, *shape)).astype(np.float32)
    path = tmp_path / "m.tflite"
    if name in NO_INT8:
        with pytest.raises(ConversionError, match="keeps its contract"):
            convert_keras(model, path, ConvertSpec(format="int8"), representative=samples)
        return
    convert_keras(model, path, ConvertSpec(format="int8"), representative=samples)
    _same(path)


def _same(path: Path) -> None:
    """TFLite Micro answers, or other reference kernels where that has none for an operator."""
    model = tflite.read(path)
    made = compiled(model, path.parent)
    random = np.random.default_rng(0)
    samples = [drawn_inputs(made.firmware.inputs, random) for _ in range(20)]
    oracle, kernels = next((ELSEWHERE[name] for name in _operators(model) if name in ELSEWHERE), ("tflm", "default"))
    assert differing(made, samples, oracle, kernels) == 0
    assert len({made.run(sample)[0].tobytes() for sample in samples}) > 10, "answers that differ by sample"


def _operators(model: tflite.Model) -> list[str]:
    return [operator.name for operator in model.graphs[0].operators]
