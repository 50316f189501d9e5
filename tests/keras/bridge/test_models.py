"""Every kind of Keras 3 model gives the same numbers in tf_keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_data import DATA, MISSING

from edgekit import _tf
from edgekit.keras.bridge import bridge
from edgekit.keras.bridge.compare import assert_same_outputs


def test_sequential(keras: Any, bridged: Callable[..., Any]) -> None:
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3), name="image"),
            keras.layers.Rescaling(1 / 255.0),
            keras.layers.Conv2D(4, 3, padding="same", use_bias=False, kernel_regularizer=keras.regularizers.L2(1e-4)),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(max_value=6.0),
            keras.layers.MaxPooling2D(),
            keras.layers.DepthwiseConv2D(3, activation="leaky_relu"),
            keras.layers.LeakyReLU(negative_slope=0.1),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="softmax", kernel_constraint="non_neg", name="head"),
        ]
    )
    new = bridged(model)
    assert new.input_names == ["image"]
    assert [layer.name for layer in new.layers][-1] == "head"
    assert new.get_layer(model.layers[1].name).kernel_regularizer.l2 == pytest.approx(1e-4)


def test_functional_with_residual_and_shared_layer(keras: Any, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((8, 8, 4), name="pixels")
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    x = keras.layers.Add(name="residual")([inputs, shared(inputs)])
    x = keras.layers.concatenate([shared(x), x])
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D(keepdims=True)(x))
    new = bridged(keras.Model(inputs, outputs, name="net"))
    assert [layer.name for layer in new.layers].count("shared") == 1
    assert len(new.get_layer("shared")._inbound_nodes) == 2


def test_nested_models_are_inlined_and_clashing_names_prefixed(keras: Any, bridged: Callable[..., Any]) -> None:
    inner_inputs = keras.Input((6,))
    inner = keras.Model(inner_inputs, keras.layers.Dense(6, name="dense")(inner_inputs * 2.0 + 1.0), name="inner")
    tower = keras.Sequential([keras.Input((6,)), inner, keras.layers.BatchNormalization(name="bn")], name="tower")
    inputs = keras.Input((6,), name="x")
    twice = tower(tower(inputs), training=False)
    outputs = keras.layers.Dense(2, name="dense")(keras.layers.Dropout(0.5)(twice))
    new = bridged(keras.Model(inputs, outputs))
    assert {"dense", "inner_dense", "bn", "x"} <= {layer.name for layer in new.layers}
    assert new.get_layer("dense").units == 2
    assert len(new.get_layer("inner_dense")._inbound_nodes) == 2


def test_several_inputs_and_outputs_keep_names_and_structure(keras: Any, bridged: Callable[..., Any]) -> None:
    image = keras.Input((8, 8, 1), name="image")
    user = keras.Input((1,), dtype="int32", name="user")
    seen = keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(image))
    known = keras.layers.Flatten()(keras.layers.Embedding(5, 4)(user))
    joined = keras.layers.Concatenate()([seen, known])
    outputs = {"kind": keras.layers.Dense(3, name="k")(joined), "age": keras.layers.Dense(1, name="a")(joined)}
    new = bridged(keras.Model({"image": image, "user": user}, outputs))
    assert sorted(new.input_names) == ["image", "user"]
    result = new({"image": np.zeros((1, 8, 8, 1), "float32"), "user": np.array([[4]])})
    assert result["kind"].shape == (1, 3) and result["age"].shape == (1, 1)
    listed = bridged(keras.Model([image, user], [outputs["age"], outputs["kind"]]))
    assert listed.input_names == ["image", "user"]
    assert [tuple(o.shape) for o in listed.outputs] == [(None, 1), (None, 3)]


@pytest.mark.parametrize(
    ("network", "side"),
    [
        pytest.param("MobileNetV2", 32, marks=pytest.mark.slow),
        pytest.param("MobileNetV3Small", 64, marks=pytest.mark.slow),
        pytest.param("EfficientNetB0", 32, marks=pytest.mark.slow),
    ],
)
def test_applications(keras: Any, network: str, side: int, bridged: Callable[..., Any]) -> None:
    arguments: dict[str, Any] = {"weights": None, "input_shape": (side, side, 3), "classes": 4}
    if network.startswith("MobileNet"):
        arguments["alpha"] = 0.35 if network == "MobileNetV2" else 0.75
    new = bridged(getattr(keras.applications, network)(**arguments))
    kinds = {type(layer).__name__ for layer in new.layers}
    assert "TFOpLambda" not in kinds  # everything is a layer that TF-MOT can look at


@pytest.mark.slow
def test_transfer_learning_head_on_a_backbone(keras: Any, bridged: Callable[..., Any]) -> None:
    backbone = keras.applications.MobileNetV2(
        weights=None, input_shape=(32, 32, 3), include_top=False, alpha=0.35, pooling="avg"
    )
    backbone.trainable = False
    inputs = keras.Input((32, 32, 3), name="photo")
    outputs = keras.layers.Dense(2, name="head")(backbone(inputs, training=False))
    new = bridged(keras.Model(inputs, outputs))
    assert [w.name.split("/")[0] for w in new.trainable_weights] == ["head", "head"]


def test_transformer_block(keras: Any, bridged: Callable[..., Any]) -> None:
    tokens = keras.Input((10,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(20, 8)(tokens)
    attended = keras.layers.MultiHeadAttention(2, 4, name="attention")(x, x, use_causal_mask=True)
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x + attended)
    x = keras.layers.LayerNormalization()(x + keras.layers.Dense(8)(keras.layers.Dense(16, activation="gelu")(x)))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling1D()(x))
    new = bridged(keras.Model(tokens, outputs))
    assert "TFOpLambda" not in {type(layer).__name__ for layer in new.layers}


def test_recurrent_classifier(keras: Any, bridged: Callable[..., Any]) -> None:
    model = keras.Sequential(
        [
            keras.Input((6,), name="ids"),
            keras.layers.Embedding(12, 6),
            keras.layers.Bidirectional(keras.layers.LSTM(5, return_sequences=True), name="both"),
            keras.layers.Dropout(0.3),
            keras.layers.TimeDistributed(keras.layers.Dense(4, activation="tanh")),
            keras.layers.RNN([keras.layers.LSTMCell(4), keras.layers.GRUCell(3)], return_sequences=True),
            keras.layers.SimpleRNN(3, return_sequences=True, go_backwards=True),
            keras.layers.GRU(4),
            keras.layers.Dense(2, activation="sigmoid"),
        ]
    )
    bridged(model)


@pytest.mark.slow
def test_masked_recurrent_classifier(keras: Any, bridged: Callable[..., Any]) -> None:
    model = keras.Sequential(
        [
            keras.Input((8,), name="ids"),
            keras.layers.Embedding(1000, 6, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum"),
            keras.layers.LSTM(4),
            keras.layers.Dense(2, activation="sigmoid"),
        ]
    )
    bridged(model)


def test_masks_reach_pooling_and_attention(keras: Any, bridged: Callable[..., Any]) -> None:
    tokens = keras.Input((8,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    bridged(keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(x)))


def test_encoder_state_starts_a_decoder(keras: Any, bridged: Callable[..., Any]) -> None:
    source, target = keras.Input((6, 3), name="source"), keras.Input((4, 2), name="target")
    _, h, c = keras.layers.LSTM(5, return_state=True)(source)
    bridged(keras.Model([source, target], keras.layers.LSTM(5)(target, initial_state=[h, c])))


def test_one_dimensional_and_separable_convolutions(keras: Any, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((32, 6))
    x = keras.layers.Conv1D(8, 5, strides=2, padding="causal", activation="relu")(inputs)
    x = keras.layers.SeparableConv1D(6, 3, depth_multiplier=2)(x)
    x = keras.layers.DepthwiseConv1D(3, padding="same")(x)
    x = keras.layers.Conv1DTranspose(4, 3, strides=2)(x)
    x = keras.layers.ZeroPadding1D(1)(keras.layers.AveragePooling1D(2)(x))
    bridged(keras.Model(inputs, keras.layers.GlobalMaxPooling1D()(keras.layers.UpSampling1D()(x))))


def test_two_dimensional_decoder_with_open_sizes(keras: Any, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((None, None, 3))
    x = keras.layers.SeparableConv2D(6, 3, strides=2, padding="same")(inputs)
    x = keras.layers.PReLU(shared_axes=[1, 2])(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6")(x)
    x = keras.layers.GroupNormalization(3)(x)
    x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
    x = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="hard_silu")(x)
    new = bridged(keras.Model(inputs, keras.layers.Cropping2D(1)(keras.layers.ZeroPadding2D(((1, 2), (2, 1)))(x))))
    assert new.input_shape == (None, None, None, 3)


def test_names_that_tensorflow_does_not_take_are_mended(keras: Any) -> None:
    dense = [keras.layers.Dense(2, name=name) for name in ("my head", "_hidden", "Fc", "fc")]
    new = bridge(keras.Sequential([keras.Input((3,)), *dense], name="my net"))
    assert [layer.name for layer in new.layers][1:] == ["my_head", "layer_hidden", "Fc", "fc"]


def test_a_model_read_from_a_file(keras: Any, tmp_path: Path, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, name="conv", activation="hard_silu")(inputs) * 0.5
    inner = keras.Model(inputs, keras.ops.mean(x[:, 1:], axis=(1, 2)), name="inner")
    outer = keras.Input((6, 6, 3))
    model = keras.Model(outer, keras.layers.Dense(2)(inner(outer)))
    model.save(tmp_path / "model.keras")
    new = bridged(keras.models.load_model(tmp_path / "model.keras"))
    new.save(tmp_path / "model.h5")
    assert assert_same_outputs(new, _tf.tf_keras().models.load_model(tmp_path / "model.h5")) < 1e-6


def test_the_copy_trains(keras: Any) -> None:
    new = bridge(keras.Sequential([keras.Input((64,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]))
    values = np.random.default_rng(0).normal(3.0, 1.0, (8, 64)).astype("float32")
    trained = np.asarray(new(values, training=True))
    assert 0.2 < np.mean(trained == 0.0) < 0.8  # Keras 3 writes training=False into its graph; it must not stay
    assert new.layers[1].moving_mean.numpy().min() > 0.0


def test_normalization_statistics_become_constants(keras: Any) -> None:
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).normal(50.0, 9.0, (64, 3)))
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])
    new = bridge(model)
    values = np.random.default_rng(1).normal(50.0, 9.0, (5, 3)).astype("float32")
    np.testing.assert_allclose(new(values), model(values), atol=1e-5)


def test_half_precision_becomes_float32(keras: Any, randomised: Callable[[Any], Any]) -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, dtype="mixed_float16", activation="relu")])
    new = bridge(randomised(model))
    assert {layer.dtype_policy.name for layer in new.layers if layer.weights} == {"float32"}


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
def test_mlperf_tiny_resnet8(keras: Any) -> None:
    model = keras.models.load_model(DATA / "models" / "ic" / "pretrainedResnet.h5", compile=False)
    new = bridge(model)
    assert [layer.name for layer in new.layers] == [layer.name for layer in model.layers]
