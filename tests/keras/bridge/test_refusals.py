"""What cannot be carried over is named, and a wrong copy is noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge import bridge
from edgekit.keras.bridge.compare import assert_same_outputs, largest_difference, random_inputs


def test_lambda_needs_consent(keras: Any) -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Lambda(lambda x: keras.ops.sin(x) * 2.0, name="wave")])
    with pytest.raises(ModelError, match=r"'wave'.*--unsafe"):
        bridge(model)
    values = np.ones((2, 6), "float32")
    np.testing.assert_allclose(bridge(model, unsafe=True)(values), model(values), atol=1e-6)


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
