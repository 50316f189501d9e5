"""The bridge: every kind of Keras 3 model gives the same numbers in tf_keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.models.bridge import bridge
from edgekit.models.bridge.compare import assert_same_outputs, largest_difference, random_inputs

DATA = Path(os.environ.get("EDGEKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def keras() -> Any:
    return _tf.keras3()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    _tf.keras3().utils.set_random_seed(7)


def randomised(model: Any) -> Any:
    """Give every weight a random value, so that a wrong transfer shows: moving statistics and biases start equal."""
    rng = np.random.default_rng(3)
    for weight in model.weights:
        name = weight.path.rsplit("/", 1)[-1]
        if name in ("gamma", "moving_variance", "variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif name in ("beta", "bias", "moving_mean", "alpha", "mean"):
            weight.assign(rng.uniform(-0.3, 0.3, weight.shape))
    return model


def bridged(model: Any, *, unsafe: bool = False) -> Any:
    """Bridge a model, check what must hold for each, and compare the outputs once more on inputs of our own."""
    new = bridge(randomised(model), unsafe=unsafe)
    keras2 = _tf.tf_keras()
    assert isinstance(new, keras2.Model)
    assert not any(isinstance(layer, keras2.Model) for layer in new.layers)
    assert new.name == model.name
    assert new.count_params() <= model.count_params()  # a Normalization's statistics become constants
    assert assert_same_outputs(model, new, seed=11) < 1e-4
    again = keras2.Model.from_config(new.get_config())  # TF-MOT clones models by their configs
    again.set_weights(new.get_weights())
    assert assert_same_outputs(new, again, seed=5) < 1e-6
    return new


def names(model: Any) -> list[str]:
    return [layer.name for layer in model.layers]


def test_sequential(keras: Any) -> None:
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
    assert names(new)[-1] == "head"
    assert new.get_layer(model.layers[1].name).kernel_regularizer.l2 == pytest.approx(1e-4)


def test_functional_with_residual_and_shared_layer(keras: Any) -> None:
    inputs = keras.Input((8, 8, 4), name="pixels")
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    x = keras.layers.Add(name="residual")([inputs, shared(inputs)])
    x = keras.layers.concatenate([shared(x), x])
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D(keepdims=True)(x))
    new = bridged(keras.Model(inputs, outputs, name="net"))
    assert names(new).count("shared") == 1
    assert len(new.get_layer("shared")._inbound_nodes) == 2


def test_nested_models_are_inlined_and_clashing_names_prefixed(keras: Any) -> None:
    inner_inputs = keras.Input((6,))
    inner = keras.Model(inner_inputs, keras.layers.Dense(6, name="dense")(inner_inputs * 2.0 + 1.0), name="inner")
    tower = keras.Sequential([keras.Input((6,)), inner, keras.layers.BatchNormalization(name="bn")], name="tower")
    inputs = keras.Input((6,), name="x")
    twice = tower(tower(inputs), training=False)
    outputs = keras.layers.Dense(2, name="dense")(keras.layers.Dropout(0.5)(twice))
    new = bridged(keras.Model(inputs, outputs))
    assert {"dense", "inner_dense", "bn", "x"} <= set(names(new))
    assert new.get_layer("dense").units == 2
    assert len(new.get_layer("inner_dense")._inbound_nodes) == 2


def test_several_inputs_and_outputs_keep_names_and_structure(keras: Any) -> None:
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


@pytest.mark.parametrize(("network", "side"), [("MobileNetV2", 32), ("MobileNetV3Small", 64), ("EfficientNetB0", 32)])
def test_applications(keras: Any, network: str, side: int) -> None:
    arguments: dict[str, Any] = {"weights": None, "input_shape": (side, side, 3), "classes": 4}
    if network.startswith("MobileNet"):
        arguments["alpha"] = 0.35 if network == "MobileNetV2" else 0.75
    new = bridged(getattr(keras.applications, network)(**arguments))
    kinds = {type(layer).__name__ for layer in new.layers}
    assert "TFOpLambda" not in kinds  # everything is a layer that TF-MOT can look at


def test_transfer_learning_head_on_a_backbone(keras: Any) -> None:
    backbone = keras.applications.MobileNetV2(
        weights=None, input_shape=(32, 32, 3), include_top=False, alpha=0.35, pooling="avg"
    )
    backbone.trainable = False
    inputs = keras.Input((32, 32, 3), name="photo")
    outputs = keras.layers.Dense(2, name="head")(backbone(inputs, training=False))
    new = bridged(keras.Model(inputs, outputs))
    assert [w.name.split("/")[0] for w in new.trainable_weights] == ["head", "head"]


def test_transformer_block(keras: Any) -> None:
    tokens = keras.Input((10,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(20, 8)(tokens)
    attended = keras.layers.MultiHeadAttention(2, 4, name="attention")(x, x, use_causal_mask=True)
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x + attended)
    x = keras.layers.LayerNormalization()(x + keras.layers.Dense(8)(keras.layers.Dense(16, activation="gelu")(x)))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling1D()(x))
    new = bridged(keras.Model(tokens, outputs))
    assert "TFOpLambda" not in {type(layer).__name__ for layer in new.layers}


def test_recurrent_classifier(keras: Any) -> None:
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


def test_masked_recurrent_classifier(keras: Any) -> None:
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


def test_masks_reach_pooling_and_attention(keras: Any) -> None:
    tokens = keras.Input((8,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    bridged(keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(x)))


def test_encoder_state_starts_a_decoder(keras: Any) -> None:
    source, target = keras.Input((6, 3), name="source"), keras.Input((4, 2), name="target")
    _, h, c = keras.layers.LSTM(5, return_state=True)(source)
    bridged(keras.Model([source, target], keras.layers.LSTM(5)(target, initial_state=[h, c])))


def test_one_dimensional_and_separable_convolutions(keras: Any) -> None:
    inputs = keras.Input((32, 6))
    x = keras.layers.Conv1D(8, 5, strides=2, padding="causal", activation="relu")(inputs)
    x = keras.layers.SeparableConv1D(6, 3, depth_multiplier=2)(x)
    x = keras.layers.DepthwiseConv1D(3, padding="same")(x)
    x = keras.layers.Conv1DTranspose(4, 3, strides=2)(x)
    x = keras.layers.ZeroPadding1D(1)(keras.layers.AveragePooling1D(2)(x))
    bridged(keras.Model(inputs, keras.layers.GlobalMaxPooling1D()(keras.layers.UpSampling1D()(x))))


def test_two_dimensional_decoder_with_open_sizes(keras: Any) -> None:
    inputs = keras.Input((None, None, 3))
    x = keras.layers.SeparableConv2D(6, 3, strides=2, padding="same")(inputs)
    x = keras.layers.PReLU(shared_axes=[1, 2])(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6")(x)
    x = keras.layers.GroupNormalization(3)(x)
    x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
    x = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="hard_silu")(x)
    new = bridged(keras.Model(inputs, keras.layers.Cropping2D(1)(keras.layers.ZeroPadding2D(((1, 2), (2, 1)))(x))))
    assert new.input_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    "activation", "hard_sigmoid hard_silu hard_tanh log_sigmoid log_softmax relu6 silu mish tanh_shrink".split()
)
def test_activations_inside_layers_and_on_their_own(keras: Any, activation: str) -> None:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, activation=activation, name="inside")(inputs)
    new = bridged(keras.Model(inputs, keras.layers.Activation(activation, name="alone")(x * 4.0)))
    assert {"inside", "alone"} <= set(names(new))


def test_a_layer_as_activation(keras: Any) -> None:
    inputs = keras.Input((6,))
    dense = keras.layers.Dense(5, activation=keras.layers.PReLU(name="prelu"), name="dense")
    new = bridged(keras.Model(inputs, dense(inputs)))
    assert names(new)[1:] == ["dense", "prelu"]


def _operations(ops: Any) -> dict[str, Any]:
    numbers = np.linspace(-1, 1, 4).astype("float32")
    return {
        "arithmetic": lambda x: (2.0 - x) * 3.0 / (1.5 + x * x) - 0.5,
        "reversed": lambda x: 1.0 / (ops.abs(x) + 2.0) + (-x) ** 2,
        "per channel": lambda x: (x * numbers + numbers) - ops.convert_to_tensor(numbers),
        "constant plane": lambda x: x + np.ones((8, 6, 4), "float32"),
        "tensors": lambda x: ops.maximum(ops.add(x, x), ops.subtract(x, ops.multiply(x, x))) + ops.minimum(x, 0.3),
        "broadcast": lambda x: x * ops.mean(x, axis=(1, 2), keepdims=True) + ops.max(x, axis=-1, keepdims=True),
        "ranks": lambda x: x + ops.mean(x, axis=(0, 1)),
        "relu6": lambda x: x * ops.relu6(x + 3.0) * (1.0 / 6.0),
        "clip": lambda x: ops.clip(x, 0.0, 0.7) + ops.clip(x, -0.2, 0.4),
        "reshape": lambda x: ops.reshape(x, (-1, 48, 4)),
        "reshape batch": lambda x: ops.reshape(ops.reshape(x, (-1, 4)), (-1, 8, 6, 4)),
        "transpose": lambda x: ops.swapaxes(ops.transpose(x, (0, 2, 1, 3)), 1, -1),
        "moveaxis": lambda x: ops.moveaxis(x, -1, 1),
        "dims": lambda x: ops.squeeze(ops.expand_dims(ops.expand_dims(x, 1), -1), 1),
        "reduce": lambda x: ops.sum(x, axis=-1) + ops.min(x, axis=-1) * ops.var(x, axis=-1) - ops.std(x, axis=-1),
        "pool": lambda x: ops.mean(x, axis=[1, 2]) + ops.max(x, axis=(1, 2)),
        "concatenate": lambda x: ops.concatenate([x, ops.flip(x, axis=1)], axis=-1),
        "stack": lambda x: ops.stack([x, ops.roll(x, 1, axis=2)], axis=1),
        "split": lambda x: ops.add(*ops.split(x, 2, axis=-1)),
        "split at": lambda x: ops.split(x, [1, 3], axis=-1)[1],
        "items": lambda x: x[:, 1:-1, ..., ::2] * x[..., 0, None][:, 1:-1],
        "item": lambda x: x[:, 0],
        "softmax": lambda x: ops.softmax(x, axis=-2) + ops.log_softmax(x),
        "activations": lambda x: ops.gelu(x) + ops.gelu(x, approximate=False) + ops.leaky_relu(x, 0.3) + ops.silu(x),
        "more activations": lambda x: ops.sigmoid(x) + ops.tanh(x) + ops.hard_sigmoid(x) + ops.elu(x) + ops.relu(x),
        "elementwise": lambda x: (
            ops.exp(x) + ops.log(ops.square(x) + 1.0) + ops.sqrt(ops.abs(x)) + ops.rsqrt(x * x + 1)
        ),
        "matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
        "einsum": lambda x: ops.einsum("bhwc,bkwc->bwhk", x, x),
        "einsum with a matrix": lambda x: ops.einsum("bhwc,dc->bhwd", x, np.eye(3, 4, dtype="float32")),
        "where": lambda x: ops.where(ops.greater(x, 0.1), x, 0.0),
        "argmax": lambda x: ops.argmax(x, axis=-1),
        "one hot": lambda x: ops.one_hot(ops.argmax(x, axis=-1), 4),
        "cast": lambda x: ops.cast(ops.argmax(x, axis=-1), "float32") * 0.5,
        "int times float": lambda x: ops.argmax(x, axis=-1) * 0.5,
        "pad": lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
        "pad channels": lambda x: ops.pad(x, [[0, 0], [0, 0], [0, 0], [1, 1]], constant_values=2.0),
        "pad reflect": lambda x: ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="reflect"),
        "pooling": lambda x: ops.max_pool(x, 2, 2) + ops.average_pool(x, (2, 2), 2, padding="same"),
        "repeat": lambda x: ops.tile(ops.repeat(x, 2, axis=1), [1, 1, 2, 1]),
        "normalize": lambda x: ops.normalize(x, axis=-1),
        "resize": lambda x: ops.image.resize(x, (5, 7)),
        "take": lambda x: ops.take(x, np.array([0, 2]), axis=-1),
        "top k": lambda x: ops.top_k(x, 2)[0],
        "depth to space": lambda x: ops.depth_to_space(x, 2),
    }


@pytest.mark.parametrize("case", sorted(_operations(_tf.keras3().ops)))
def test_operations(keras: Any, case: str) -> None:
    inputs = keras.Input((8, 6, 4))
    bridged(keras.Model(inputs, _operations(keras.ops)[case](inputs)))


def test_names_that_tensorflow_does_not_take_are_mended(keras: Any) -> None:
    dense = [keras.layers.Dense(2, name=name) for name in ("my head", "_hidden", "Fc", "fc")]
    new = bridge(keras.Sequential([keras.Input((3,)), *dense], name="my net"))
    assert names(new)[1:] == ["my_head", "layer_hidden", "Fc", "fc"]


def test_a_model_read_from_a_file(keras: Any, tmp_path: Path) -> None:
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, name="conv", activation="hard_silu")(inputs) * 0.5
    inner = keras.Model(inputs, keras.ops.mean(x[:, 1:], axis=(1, 2)), name="inner")
    outer = keras.Input((6, 6, 3))
    model = keras.Model(outer, keras.layers.Dense(2)(inner(outer)))
    model.save(tmp_path / "model.keras")
    new = bridged(keras.models.load_model(tmp_path / "model.keras"))
    new.save(tmp_path / "model.h5")
    assert assert_same_outputs(new, _tf.tf_keras().models.load_model(tmp_path / "model.h5")) < 1e-6


def test_scalar_arithmetic_becomes_layers(keras: Any) -> None:
    inputs = keras.Input((4, 4, 2))
    x = inputs * (keras.ops.relu6(inputs + 3.0) / 6.0)
    new = bridged(keras.Model(inputs, keras.ops.mean(keras.ops.transpose(x, (0, 2, 1, 3)), axis=(1, 2))))
    kinds = [type(layer).__name__ for layer in new.layers]
    assert sorted(kinds) == sorted(
        ["InputLayer", "Rescaling", "ReLU", "Rescaling", "Multiply", "Permute", "GlobalAveragePooling2D"]
    )


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


def test_half_precision_becomes_float32(keras: Any) -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, dtype="mixed_float16", activation="relu")])
    new = bridge(randomised(model))
    assert {layer.dtype_policy.name for layer in new.layers if layer.weights} == {"float32"}


def test_lambda_needs_consent(keras: Any) -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Lambda(lambda x: keras.ops.sin(x) * 2.0, name="wave")])
    with pytest.raises(ModelError, match=r"'wave'.*--unsafe"):
        bridge(model)
    values = np.ones((2, 6), "float32")
    np.testing.assert_allclose(bridge(model, unsafe=True)(values), model(values), atol=1e-6)


def test_subclassed_models_and_custom_layers_are_named(keras: Any) -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    class Scale(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2.0

    with pytest.raises(ModelError, match="subclassed model"):
        bridge(Own(name="own"))
    inputs = keras.Input((3,))
    with pytest.raises(ModelError, match=r"'own_inside'.*functional API"):
        bridge(keras.Model(inputs, Own(name="own_inside")(inputs)))
    with pytest.raises(ModelError, match=r"'scale_it'.*Scale.*built-in"):
        bridge(keras.Sequential([inputs, Scale(name="scale_it")]))


def test_a_custom_layer_with_a_registered_equivalent_is_taken(keras: Any) -> None:
    class Doubled(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2.0

    class Equivalent(_tf.tf_keras().layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2.0

    with _tf.tf_keras().utils.custom_object_scope({"Doubled": Equivalent}):
        new = bridge(keras.Sequential([keras.Input((3,)), Doubled(name="double")]))
    assert isinstance(new.get_layer("double"), Equivalent)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda k: k.layers.RMSNormalization(name="rms"), "'rms'"),
        (lambda k: k.layers.LayerNormalization(rms_scaling=True, name="ln"), "'ln'.*rms_scaling"),
        (lambda k: k.layers.Dense(2, activation=lambda x: x, name="dense"), "'dense'"),
        (lambda k: k.layers.Dense(2, activation="sparsemax", name="dense"), "sparsemax.*dense"),
    ],
)
def test_layers_without_an_equivalent_are_named(keras: Any, make: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bridge(keras.Sequential([keras.Input((3,)), make(keras)]))


def test_recurrent_activation_that_keras_2_computes_otherwise_is_refused(keras: Any) -> None:
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.GRU(2, recurrent_activation="hard_sigmoid", name="g")])
    with pytest.raises(ModelError, match="'hard_sigmoid' in layer 'g'"):
        bridge(model)


def test_unknown_operations_are_named(keras: Any) -> None:
    inputs = keras.Input((4, 4))
    with pytest.raises(ModelError, match="Cholesky"):
        bridge(keras.Model(inputs, keras.ops.cholesky(inputs)))
    with pytest.raises(ModelError, match="'bij,bij->b'"):
        bridge(keras.Model(inputs, keras.ops.einsum("bij,bij->b", inputs, inputs)))


def test_models_not_built_or_not_keras_3_are_refused(keras: Any) -> None:
    with pytest.raises(ModelError, match=r"keras\.Input"):
        bridge(keras.Sequential([keras.layers.Dense(2)], name="unbuilt"))
    keras2 = _tf.tf_keras()
    with pytest.raises(ModelError, match="flatten"):
        bridge(keras2.Sequential([keras2.Input((3,)), keras2.layers.Dense(2)]))


def test_different_outputs_are_refused_with_the_difference(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    new = bridge(model)
    new.layers[-1].bias.assign([0.0, 0.25])
    with pytest.raises(ModelError, match=r"largest difference of 0\.\d+"):
        assert_same_outputs(model, new)


def test_largest_difference_is_relative_above_one_and_sees_nan() -> None:
    assert largest_difference([np.array([100.0])], [np.array([101.0])]) == pytest.approx(0.01)
    assert largest_difference([np.array([0.1])], [np.array([0.2])]) == pytest.approx(0.1)
    assert np.isnan(largest_difference([np.array([0.1])], [np.array([np.nan])]))
    assert largest_difference([np.zeros(2)], [np.zeros(3)]) == np.inf


def test_random_inputs_suit_the_model(keras: Any) -> None:
    ids, image = keras.Input((None,), name="ids"), keras.Input((4, 4, 3), dtype="uint8", name="image")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(7, 2, mask_zero=True)(ids))
    y = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255.0)(image))
    new = bridge(keras.Model([ids, image], keras.layers.Concatenate()([x, y])))
    drawn = random_inputs(new, seed=1, side=16)
    assert drawn[0].shape == (2, 16) and drawn[0].numpy().max() < 7 and not drawn[0].numpy()[:, -4:].any()
    assert drawn[1].dtype.name == "uint8" and drawn[1].numpy().max() > 200


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the data sets of {DATA}")
def test_mlperf_tiny_resnet8(keras: Any) -> None:
    model = keras.models.load_model(DATA / "models" / "ic" / "pretrainedResnet.h5", compile=False)
    new = bridge(model)
    assert names(new) == names(model)
