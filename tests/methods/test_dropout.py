from __future__ import annotations

import numpy as np
import pytest

from edgekit import _tf
from edgekit.methods.dropout import with_less_dropout


def test_dropout_after_a_smaller_layer_shrinks_with_the_root_of_what_is_left() -> None:
    layers = _tf.tf_keras().layers
    inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.Dropout(0.2, name="drop1")(layers.ReLU()(layers.BatchNormalization()(x)))
    x = layers.Dropout(0.4, name="drop2")(layers.Dense(6, name="fc")(layers.Flatten()(x)))
    x = layers.Dropout(0.3, name="drop3")(layers.Add()([x, layers.Dense(6, name="other")(x)]))
    model = _tf.tf_keras().Model(inputs, layers.Dense(2)(x))
    less = with_less_dropout(model, {"conv": 0.25, "fc": 0.01})
    assert [less.get_layer(n).rate for n in ("drop1", "drop2", "drop3")] == pytest.approx([0.1, 0.04, 0.3])
    assert [model.get_layer(n).rate for n in ("drop1", "drop2")] == [0.2, 0.4]
    sample = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    np.testing.assert_array_equal(less(sample), model(sample))
    assert with_less_dropout(model, {"other": 0.5}) is model
