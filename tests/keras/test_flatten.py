"""flatten: nested tf_keras models opened up, nothing else changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.flatten import flatten


@pytest.fixture(scope="module")
def keras() -> Any:
    return _tf.tf_keras()


def flattened(model: Any) -> Any:
    """Flatten a model with random statistics, and check that the outputs and the original are as before."""
    rng = np.random.default_rng(3)
    model.set_weights([w + rng.uniform(0.0, 0.5, w.shape) for w in model.get_weights()])
    values = [rng.standard_normal((3, *x.shape[1:])).astype("float32") for x in model.inputs]
    expected, nested_layers = model(values), len(model.layers)
    flat = flatten(model)
    assert not any(isinstance(layer, _tf.tf_keras().Model) for layer in flat.layers)
    for one, two in zip(*(_tf.tensorflow().nest.flatten(x) for x in (expected, flat(values))), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    assert flat.count_params() == model.count_params()
    assert not {id(w) for w in flat.weights} & {id(w) for w in model.weights}
    assert flat.name == model.name and flat.input_names == model.input_names
    assert len(model.layers) == nested_layers
    again = type(flat).from_config(flat.get_config())
    assert [layer.name for layer in again.layers] == [layer.name for layer in flat.layers]
    return flat


def test_a_flat_model_is_returned_as_it_is(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert flatten(model) is model
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    assert flatten(model) is model


def test_models_nested_twice_with_clashing_names(keras: Any) -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="dense")], name="inner")
    outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.BatchNormalization(name="bn")], name="outer")
    inputs = keras.Input((4,), name="x")
    outputs = keras.layers.Dense(2, name="dense")(outer(inputs) + 1.0)
    flat = flattened(keras.Model(inputs, outputs, name="whole"))
    assert {"x", "inner_dense", "bn", "dense"} <= {layer.name for layer in flat.layers}
    assert flat.get_layer("dense").units == 2


def test_a_sequential_of_models(keras: Any) -> None:
    backbone = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(3, 3), keras.layers.Flatten()])
    flattened(keras.Sequential([keras.Input((8, 8, 2)), backbone, keras.layers.Dense(2)]))


def test_a_shared_model_stays_shared(keras: Any) -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    hidden = keras.Input((4,))
    tower = keras.Model(hidden, keras.layers.Dense(3, name="dense")(_tf.tensorflow().abs(hidden) * 2.0))
    flat = flattened(keras.Model([a, b], keras.layers.Dot(1)([tower(a), tower(b)])))
    assert len(flat.get_layer("dense")._inbound_nodes) == 2


def test_several_inputs_and_outputs_of_a_nested_model(keras: Any) -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    pair = keras.Model({"b": b, "a": a}, {"sum": a + b, "product": keras.layers.Multiply()([a, b])})
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    both = pair({"a": x, "b": y})
    flat = flattened(keras.Model([x, y], {"out": keras.layers.Dense(2)(both["sum"]), "raw": both["product"][:, 1:]}))
    assert set(flat.output) == {"out", "raw"}


def test_recurrent_state_and_masks(keras: Any) -> None:
    ids = keras.Input((6,), name="ids")
    encoded = keras.layers.LSTM(3, return_state=True)(keras.layers.Embedding(50, 4, mask_zero=True)(ids))
    encoder = keras.Model(ids, encoded[1:])
    source, target = keras.Input((6,), name="source"), keras.Input((5, 2), name="target")
    model = keras.Model([source, target], keras.layers.LSTM(3)(target, initial_state=encoder(source)))
    values = [np.array([[3, 9, 4, 0, 0, 0]]), np.ones((1, 5, 2), "float32")]
    np.testing.assert_allclose(flatten(model)(values), model(values), atol=1e-6)


def test_training_false_of_a_nested_model_holds_inside(keras: Any) -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="bn"), keras.layers.Dropout(0.9)])
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inner(inputs, training=False)))
    flat, values = flattened(model), np.random.default_rng(0).normal(5.0, 1.0, (8, 4)).astype("float32")
    before = flat.get_layer("bn").moving_mean.numpy()
    np.testing.assert_allclose(flat(values, training=True), flat(values, training=False), atol=1e-6)
    np.testing.assert_array_equal(flat.get_layer("bn").moving_mean.numpy(), before)


def test_trainability_is_kept(keras: Any) -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    inner.trainable = False
    inputs = keras.Input((4,))
    flat = flattened(keras.Model(inputs, keras.layers.Dense(2, name="head")(inner(inputs))))
    assert [w.name for w in flat.trainable_weights] == ["head/kernel:0", "head/bias:0"]


def test_lambda_layers_and_custom_layers_are_copied(keras: Any) -> None:
    class Scale(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(name="factor", shape=())

        def call(self, x: Any) -> Any:
            return x * self.factor

    inner = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1.0), Scale()])
    with keras.utils.custom_object_scope({"Scale": Scale}):
        inputs = keras.Input((4,))
        model = keras.Model(inputs, inner(inputs))
        np.testing.assert_allclose(flatten(model)(np.ones((1, 4))), model(np.ones((1, 4))), atol=1e-6)


def test_a_layer_that_cannot_be_made_again_is_named(keras: Any) -> None:
    class Stubborn(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, factor: float) -> None:
            super().__init__(name="stubborn")
            self.factor = factor

        def call(self, x: Any) -> Any:
            return x * self.factor

    inner = keras.Sequential([keras.Input((4,)), Stubborn(2.0)])
    with pytest.raises(ModelError, match=r"'stubborn'.*get_config"):
        flatten(keras.Sequential([keras.Input((4,)), inner]))


def test_subclassed_unbuilt_and_foreign_models_are_refused(keras: Any) -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ModelError, match="subclassed model.*functional API"):
        flatten(Own())
    inputs = keras.Input((4,))
    with pytest.raises(ModelError, match="'inside', a subclassed model"):
        flatten(keras.Model(inputs, Own(name="inside")(inputs)))
    with pytest.raises(ModelError, match="not built"):
        flatten(keras.Sequential([keras.layers.Dense(2)]))
    keras3 = _tf.keras3()
    with pytest.raises(ModelError, match="bridge"):
        flatten(keras3.Sequential([keras3.Input((3,)), keras3.layers.Dense(2)]))


def test_a_backbone_with_a_head(keras: Any) -> None:
    backbone = keras.applications.MobileNetV2(
        weights=None, input_shape=(32, 32, 3), include_top=False, alpha=0.35, pooling="avg"
    )
    inputs = keras.Input((32, 32, 3), name="photo")
    flat = flattened(keras.Model(inputs, keras.layers.Dense(2)(backbone(inputs, training=False))))
    assert len(flat.layers) == len(backbone.layers) + 1
