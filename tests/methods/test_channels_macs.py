from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit import _tf, tflite
from edgekit.keras import build_network
from edgekit.keras.macs import layer_macs, model_macs
from edgekit_converters.tflite import ConvertSpec, convert_keras


def zoo() -> Any:
    """One of each kind that multiplies, except attention, whose products the converter rewrites."""
    layers = _tf.tf_keras().layers
    inputs = layers.Input((9, 8, 3), batch_size=1)
    x = layers.SeparableConv2D(6, 3, depth_multiplier=2)(inputs)
    x = layers.DepthwiseConv2D(2, depth_multiplier=2, strides=2)(x)
    x = layers.Conv2DTranspose(5, 3, strides=2)(x)
    x = layers.Conv2D(4, (1, 3), dilation_rate=(1, 2))(x)
    x = layers.Reshape((-1, 4))(x)
    x = layers.Dense(6)(layers.Conv1D(3, 2, strides=2)(x))
    return _tf.tf_keras().Model(inputs, layers.LSTM(3)(x))


@pytest.mark.parametrize("name", [pytest.param("resnet8", marks=pytest.mark.slow), "zoo"])
def test_macs_are_those_of_the_converted_file(name: str, tmp_path: Path) -> None:
    model = build_network("resnet8", (32, 32, 3), 10) if name == "resnet8" else zoo()
    convert_keras(model, tmp_path / "m.tflite", ConvertSpec(format="float32"))
    assert model_macs(model) == tflite.inspect(tmp_path / "m.tflite").macs


def test_attention_by_hand() -> None:
    layers = _tf.tf_keras().layers
    query, memory = layers.Input((5, 6)), layers.Input((7, 4))
    mha = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=8)
    model = _tf.tf_keras().Model([query, memory], mha(query, memory))
    projections = 2 * (5 * 6 * 3 + 7 * 4 * 3 + 7 * 4 * 4)
    products = 2 * 5 * 7 * (3 + 4)
    assert model_macs(model) == projections + products + 2 * 5 * 4 * 8
    assert layer_macs(mha, heads=1) == model_macs(model) // 2
    assert layer_macs(mha, inputs=(3, 4, 4)) == model_macs(model) - 2 * 5 * 3 * 3


def test_other_widths_of_a_layer() -> None:
    layers = _tf.tf_keras().layers
    conv = layers.Conv2D(8, 3)
    inputs = layers.Input((6, 6, 4))
    layers.ReLU()(conv(inputs))
    assert layer_macs(conv) == 4 * 4 * 9 * 4 * 8
    assert layer_macs(conv, inputs=[3], outputs=5) == 4 * 4 * 9 * 3 * 5


def test_open_shapes_have_no_count() -> None:
    layers = _tf.tf_keras().layers
    inputs = layers.Input((None, None, 1))
    model = _tf.tf_keras().Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1)(inputs)))
    assert model_macs(model) is None


def test_shared_layers_count_each_call_and_wrappers_are_looked_through() -> None:
    keras = _tf.tf_keras()
    shared, inputs = keras.layers.Dense(4), keras.layers.Input((4,))
    model = keras.Model(inputs, shared(shared(inputs)))
    assert model_macs(model) == 2 * 4 * 4
    plain = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    assert model_macs(_tf.tfmot().quantization.keras.quantize_model(plain)) == model_macs(plain) == 18
