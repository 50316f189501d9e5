from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data import Dataset, Preprocessing
from edgekit.data.dataset import Raw, split
from edgekit.errors import DataError, EdgekitError, ModelError
from edgekit.training import Objective


def data(x: Any, y: Any) -> Dataset:
    return split(Raw(x, y), Preprocessing(), calibration=5, validation=0.1, test=0.2, seed=0)


def dense(units: int, activation: str | None, inputs: int = 4) -> Any:
    keras = _tf.tf_keras()
    return keras.Sequential([keras.layers.Input((inputs,)), keras.layers.Dense(units, activation=activation)])


X = np.random.default_rng(0).random((60, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("model", "y", "task", "message"),
    [
        (
            lambda: dense(3, None, 5),
            np.arange(60) % 3,
            "classification",
            r"input, \[5\]. Received: samples of shape \[4\]",
        ),
        (lambda: dense(3, None), np.arange(60) % 4, "classification", "number of classes, 3. Received: the label 3"),
        (lambda: dense(3, None), X, "classification", 'one class index per sample.*task="regression"'),
        (lambda: dense(3, None), X[:, 0], "classification", "one class index per sample"),
        (lambda: dense(3, None), np.full(60, 2), "classification", "at least two classes. Received: only the label 2"),
    ],
)
def test_data_that_do_not_fit_the_model(model: Callable[[], Any], y: Any, task: Any, message: str) -> None:
    with pytest.raises(EdgekitError, match=message):
        Objective(task=task).check(model(), data(X, y))


def test_two_inputs_cannot_be_trained() -> None:
    keras = _tf.tf_keras()
    a, b = keras.layers.Input((4,)), keras.layers.Input((4,))
    with pytest.raises(ModelError, match="one input and one output. Received: 2 inputs and 1 outputs"):
        Objective().check(keras.Model([a, b], keras.layers.Add()([a, b])), data(X, np.arange(60) % 2))


@pytest.mark.parametrize(("units", "activation"), [(3, None), (3, "softmax"), (1, None), (1, "sigmoid")])
def test_the_loss_knows_logits_from_probabilities(units: int, activation: str | None) -> None:
    model = dense(units, activation)
    logits = dense(units, None)
    logits.set_weights(model.get_weights())
    y = np.arange(8) % max(units, 2)
    ours = float(Objective().loss(model)(y[:, np.newaxis], model(X[:8])))
    z = logits(X[:8]).numpy().astype(np.float64)
    if units == 1:
        z = np.concatenate([np.zeros_like(z), z], axis=1)
    expected = np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(8), y])
    assert ours == pytest.approx(expected, rel=1e-4)


def test_reconstruction_compares_with_the_input_and_regression_with_the_targets() -> None:
    made = data(X, X * 2)
    np.testing.assert_array_equal(Objective(task="reconstruction").targets(made, "test"), made.features("test"))
    np.testing.assert_array_equal(Objective(task="regression").targets(made, "test"), 2 * made.features("test"))
    assert Objective(task="regression").metric == "mse" and Objective().metric == "top1"


def test_regression_targets_of_another_width_are_refused() -> None:
    with pytest.raises(DataError, match=r"model's output, \[3\]. Received: targets of shape \[4\]"):
        Objective(task="regression").check(dense(3, None), data(X, X))
