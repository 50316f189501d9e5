from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras import build_network
from edgekit.keras.flatten import flatten
from edgekit.keras.macs import model_macs
from edgekit.methods.channels import Channels, analyse, cost_of, importance, shrink
from edgekit.methods.channels.walk import walk
from edgekit.training import seed_everything


def k() -> Any:
    return _tf.tf_keras().layers


def model(inputs: Any, outputs: Any) -> Any:
    return _tf.tf_keras().Model(inputs, outputs)


def flat_cnn() -> Any:
    layers = k()
    return _tf.tf_keras().Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(8, 3, use_bias=False, name="a"),
            layers.BatchNormalization(name="a_bn"),
            layers.PReLU(shared_axes=[1, 2], name="a_prelu"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(6, 3, activation="relu", name="b"),
            layers.PReLU(name="b_prelu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10, activation="tanh", name="c"),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )


def resnet() -> Any:
    return build_network("resnet8", (8, 8, 3), 4)


def depthwise() -> Any:
    return build_network("ds_cnn", (20, 10, 1), 4)


def multiplied() -> Any:
    layers = k()
    x = inputs = layers.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, activation="relu", name="a")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=3, name="spread")(x)
    x = layers.SeparableConv2D(5, 2, depth_multiplier=2, name="separable")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, activation="relu", name="transposed")(x)
    x = layers.UpSampling2D(2)(x)
    return model(inputs, layers.Conv2D(2, 1, name="out")(x))


def concatenated() -> Any:
    layers = k()
    inputs = layers.Input((6, 6, 2))
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="a")(inputs)
    b = layers.Conv2D(6, 1, activation="relu", name="b")(inputs)
    c = layers.Concatenate(name="joined")([a, b, a])
    c = layers.BatchNormalization(name="bn")(c)
    wide = layers.Conv2D(10, 1, name="wide")(c)
    x = layers.Add()([layers.Concatenate()([a, b]), wide])
    x = layers.Average()([x, layers.Maximum()([x, wide])]) - 0.0
    return model(inputs, layers.Dense(2, name="out")(layers.GlobalMaxPooling2D()(x)))


def squeezed() -> Any:
    layers = k()
    inputs = layers.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, name="a")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Reshape((1, 1, 8), name="reshape")(s)
    s = layers.Conv2D(4, 1, activation="relu", name="squeeze")(s)
    s = layers.Conv2D(8, 1, activation="sigmoid", name="excite")(s)
    x = layers.Multiply()([x, s])
    return model(inputs, layers.Dense(2, name="out")(layers.Flatten()(x)))


def attention() -> Any:
    """A transformer block; its stream goes through LayerNormalization."""
    layers = k()
    inputs = layers.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True, name="embedding")(inputs)
    y = layers.MultiHeadAttention(4, 3, value_dim=2, name="mha")(x, x)
    x = layers.LayerNormalization(name="norm1")(layers.Add()([x, y]))
    y = layers.Dense(16, activation="gelu", name="up")(x)
    x = layers.LayerNormalization(name="norm2")(x + layers.Dense(8, name="down")(y))
    return model(inputs, layers.Dense(2, name="out")(layers.GlobalAveragePooling1D()(x)))


def crossed() -> Any:
    """Attention from one stream to another, with the key and the value apart."""
    layers = k()
    inputs = layers.Input((6, 3))
    a, b, c = (layers.Dense(n, activation="relu", name=f"to_{n}")(inputs) for n in (8, 6, 4))
    x = layers.MultiHeadAttention(4, 3, output_shape=10, name="mha")(a, c, key=b)
    return model(inputs, layers.Dense(2, name="out")(layers.GlobalAveragePooling1D()(x)))


def recurrent() -> Any:
    layers = k()
    inputs = layers.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8, name="embedding")(inputs)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both")(x)
    x = layers.Conv1D(6, 3, padding="causal", activation="relu", name="conv")(x)
    return model(inputs, layers.Dense(2, name="out")(layers.GRU(4, name="gru")(x)))


def generator() -> Any:
    """A dense layer whose units are reshaped to an image."""
    layers = k()
    inputs = layers.Input((5,))
    x = layers.Dense(2 * 2 * 6, activation="relu", name="dense")(inputs)
    x = layers.Reshape((2, 2, 6), name="image")(x)
    x = layers.Conv2DTranspose(4, 2, strides=2, activation="relu", name="grow")(x)
    return model(inputs, layers.Conv2D(1, 1, name="out")(x))


def nested() -> Any:
    layers = k()
    part = layers.Input((8, 8, 4))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="inner")(part)
    block = model(part, layers.Add()([part, y]))
    inputs = layers.Input((8, 8, 2))
    x = block(layers.Conv2D(4, 1, name="outer")(inputs))
    return flatten(model(inputs, layers.Dense(2, name="out")(layers.GlobalAveragePooling2D()(x))))


BUILDERS: list[Callable[[], Any]] = [
    *(flat_cnn, resnet, depthwise, multiplied, concatenated, squeezed, attention, crossed, recurrent, generator, nested)
]
LARGE = (attention, recurrent)


def randomized(build: Callable[[], Any]) -> Any:
    """With batch norms and biases that are not the trivial ones."""
    seed_everything(1)
    made, rng = build(), np.random.default_rng(1)
    for layer in made.layers:
        layer.set_weights(
            [w + rng.uniform(0.1, 0.5, w.shape).astype(w.dtype) if w.ndim == 1 else w for w in layer.get_weights()]
        )
    return made


def inputs_for(made: Any) -> Any:
    rng, shape = np.random.default_rng(2), (3, *made.input_shape[1:])
    return rng.integers(1, 20, shape) if made.inputs[0].dtype == "int32" else rng.standard_normal(shape).astype("f4")


def random_choice(channels: Channels, *, spare: tuple[str, ...] = ()) -> Any:
    """About half of each group stays, whichever."""
    keep, rng = channels.all_kept(), np.random.default_rng(3)
    for group in channels.groups:
        if not set(spare) & set(group.layers):
            gone = rng.permutation(group.channels)[: len(group.channels) // 2]
            keep[gone] = False
    return keep


def readers_silenced(made: Any, channels: Channels, keep: Any) -> Any:
    """The model where whatever reads a removed channel multiplies it by zero; the reference that pruning must equal.

    It knows nothing of slicing: weights keep their shapes.
    """
    clone = _tf.tf_keras().models.clone_model(made)
    clone.set_weights(made.get_weights())
    for name, cut in channels.cuts.items():
        weights = clone.get_layer(name).get_weights()
        for values, axes in zip(weights, cut.weights, strict=True):
            for axis, ids in axes.items():
                if values.ndim > 1 or cut.heads is not None:
                    moved = np.moveaxis(values, axis, 0)
                    moved[~keep[ids]] = 0
        if type(cut.layer).__name__ == "BatchNormalization":
            gone = ~keep[cut.weights[0][0]]
            weights[0][gone], weights[1][gone] = 0, 0
        clone.get_layer(name).set_weights(weights)
    return clone


@pytest.mark.parametrize(
    "build", [pytest.param(b, marks=pytest.mark.slow if b in LARGE else []) for b in BUILDERS], ids=lambda b: b.__name__
)
def test_a_model_without_channels_computes_what_the_model_with_zeros_does(build: Callable[[], Any]) -> None:
    made = randomized(build)
    channels = analyse(made)
    spare = ("embedding",) if build is attention else ()  # whose normalisation takes its mean over what stays
    keep = random_choice(channels, spare=spare)
    assert not keep.all()
    small, x = shrink(made, channels, keep), inputs_for(made)
    expected = readers_silenced(made, channels, keep)(x).numpy()
    assert np.abs(expected - made(x).numpy()).max() > 1e-3, "the zeros do change the output"
    np.testing.assert_allclose(small(x).numpy(), expected, atol=1e-4)
    assert [layer.name for layer in small.layers] == [layer.name for layer in made.layers]
    assert small.count_params() < made.count_params()
    for unit, counted in (("macs", model_macs(small)), ("params", small.count_params())):
        cost = cost_of(channels, unit)  # type: ignore[arg-type]
        assert cost is not None and cost(keep) == counted, unit
        assert cost(channels.all_kept()) == (model_macs(made) if unit == "macs" else made.count_params())
    again = shrink(made, channels, channels.all_kept())
    np.testing.assert_allclose(again(x).numpy(), made(x).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    "build", [concatenated, *(pytest.param(b, marks=pytest.mark.slow) for b in LARGE)], ids=lambda b: b.__name__
)
def test_scores_leave_the_model_as_it_computes(build: Callable[[], Any]) -> None:
    made = randomized(build)
    channels, x = analyse(made), inputs_for(made)
    np.testing.assert_allclose(walk(channels, made, x, lambda name, place, value: value), made(x), atol=1e-5)
    loss = _tf.tf_keras().losses.MeanSquaredError()
    before = made(x).numpy()
    for criterion in ("taylor", "hessian"):
        scores = importance(made, channels, criterion, x, np.ones((3, 2), "f4"), loss, seed=0)  # type: ignore[arg-type]
        for group in channels.groups:
            assert (scores[group.channels] > 0).any(), (criterion, group.name)
    np.testing.assert_array_equal(made(x).numpy(), before)


def groups(made: Any) -> dict[str, int]:
    return {group.name: len(group.channels) for group in analyse(made).groups}


def test_channels_that_go_together() -> None:
    assert groups(flat_cnn()) == {"a": 8, "b": 6, "c": 10}
    assert groups(resnet()) == {
        "stem, stack1_conv2": 16,
        "stack1_conv1": 16,
        "stack2_conv1": 32,
        "stack2_conv2, stack2_skip": 32,
        "stack3_conv1": 64,
        "stack3_conv2, stack3_skip": 64,
    }
    assert groups(concatenated()) == {"a, wide": 4, "b, wide": 6}
    assert groups(squeezed()) == {"a, excite": 8, "squeeze": 4}
    assert groups(attention()) == {"embedding, mha, down": 8, "mha.heads": 4, "up": 16}
    assert groups(crossed()) == {"to_8": 8, "to_6": 6, "to_4": 4, "mha": 10, "mha.heads": 4}
    assert groups(recurrent()) == {"embedding": 8, "conv": 6}
    assert groups(generator()) == {"dense": 6, "grow": 4}
    assert groups(nested()) == {"outer, inner": 4}


def test_layer_normalization_takes_its_statistics_over_what_stays() -> None:
    made = randomized(attention)
    channels = analyse(made)
    keep = channels.all_kept()
    stream = next(g for g in channels.groups if "embedding" in g.layers).channels
    keep[stream[[1, 4, 6]]] = False
    stay = keep[stream]
    x = inputs_for(made)

    def norm(name: str, value: Any) -> Any:
        gamma, beta = (w[stay] for w in made.get_layer(name).get_weights())
        value = value[..., stay]
        mean, variance = value.mean(-1, keepdims=True), value.var(-1, keepdims=True)
        result = np.zeros((*value.shape[:-1], len(stay)), "f4")
        result[..., stay] = (value - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        return result

    def hidden(value: Any) -> Any:
        return np.where(stay, value, 0).astype("f4")

    get = made.get_layer
    e = hidden(get("embedding")(x).numpy())
    y = norm("norm1", e + hidden(get("mha")(e, e).numpy()))
    z = norm("norm2", y + hidden(get("down")(get("up")(y)).numpy()))
    expected = get("out")(z.mean(1)).numpy()
    np.testing.assert_allclose(shrink(made, channels, keep)(x).numpy(), expected, atol=1e-4)


def through(*layers: Any) -> Any:
    """A convolution "a", the layers given, and an output."""
    x = inputs = k().Input((4, 4, 2))
    x = k().Conv2D(4, 1, name="a")(x)
    for layer in layers:
        x = layer(x)
    return model(inputs, k().Dense(2, name="out")(x))


class Doubling:
    def __call__(self, x: Any) -> Any:
        class Double(k().Layer):  # type: ignore[misc]
            def call(self, inputs: Any) -> Any:
                return inputs * 2

        return Double(name="custom")(x)


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        (lambda: [k().Lambda(lambda x: x[..., ::-1], name="odd")], "'odd' (Lambda)"),
        (lambda: [k().Softmax(name="softmax")], "'softmax' (Softmax)"),
        (lambda: [k().Conv2D(4, 1, groups=2, name="grouped")], "'grouped' (Conv2D)"),
        (lambda: [k().Cropping2D(((0, 0), (0, 1))), k().Reshape((8, 6), name="mixed")], "'mixed' (Reshape)"),
        (lambda: [k().Permute((3, 1, 2), name="turned")], "'turned' (Permute)"),
        (lambda: [k().BatchNormalization(axis=1, name="rows")], "'rows' (BatchNormalization)"),
        (lambda: [Doubling()], "'custom' (Double)"),
        (lambda: [lambda x: _tf.tensorflow().reduce_sum(x, axis=-1, keepdims=True)], "math.reduce_sum"),
        (lambda: [lambda x: x + np.arange(4, dtype="f4")], "__operators__.add"),
        (lambda: [k().Activation(lambda x: x[..., ::-1], name="own")], "'own' (Activation)"),
    ],
)
def test_what_cannot_be_followed_stays(layers: Callable[[], list[Any]], why: str) -> None:
    channels = analyse(through(*layers()))
    assert channels.groups == () and why in channels.unsafe["a"]
    assert channels.unsafe["out"] == "it makes the model's output"


def test_layers_called_twice_stay_and_so_does_what_they_read() -> None:
    shared = k().Conv2D(4, 1, name="shared")
    channels = analyse(through(shared, k().ReLU(), shared, k().Conv2D(3, 1, name="free")))
    assert [g.name for g in channels.groups] == ["free"]
    assert channels.unsafe["shared"] == channels.unsafe["a"] == "the layer 'shared' (Conv2D) is called twice"


def test_subclassed_models_are_refused() -> None:
    class Own(_tf.tf_keras().Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(ModelError, match="must be Functional"):
        analyse(Own())
