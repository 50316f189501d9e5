"""Which channels count as important."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.methods.channels import analyse, importance
from edgekit.passes import Context
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer, seed_everything


@pytest.mark.parametrize("criterion", ["l1", "l2", "batch_norm", "taylor", "hessian"])
def test_criteria_remove_what_adds_nothing(
    criterion: str, trained: Any, context: Context, prune: Callable[..., Any], width: Callable[[Any, str], int]
) -> None:
    """Channels whose batch norm gives zero, and units of zeros, are the first to go."""
    made = _tf.tf_keras().models.clone_model(trained.model)
    made.set_weights(trained.model.get_weights())
    idle, idle_units = [1, 4, 6], [0, 3, 5, 9]
    for name in ("conv", "conv_bn", "hidden"):
        weights = made.get_layer(name).get_weights()
        for values in weights[:2]:
            values[..., idle_units if name == "hidden" else idle] = 0
        made.get_layer(name).set_weights(weights)
    ratios = {"conv": 3 / 8} if criterion == "batch_norm" else {"conv": 3 / 8, "hidden": 4 / 16}
    found = prune(made, context, ratios=ratios, criterion=criterion)
    assert (width(found, "conv"), width(found, "conv_bn")) == (5, 5)
    x = context.trainer.dataset.features("test")[:32]
    np.testing.assert_allclose(found(x).numpy(), made(x).numpy(), atol=1e-4)


@pytest.mark.parametrize(("rounds", "left"), [(1, [2, 3]), (2, [1, 3])])
def test_later_rounds_know_what_is_gone(
    rounds: int, left: list[int], context: Context, prune: Callable[..., Any]
) -> None:
    """Of two equal units, each the least, one can go; then the other bears the weight of both."""
    layers = _tf.tf_keras().layers
    seed_everything(0)
    x = inputs = layers.Input((8, 8, 1))
    x = layers.Dense(4, activation="relu", name="units")(layers.Flatten()(x))
    model = _tf.tf_keras().Model(inputs, layers.Dense(10, activation="softmax", name="scores")(x))
    units, scores = model.get_layer("units"), model.get_layer("scores")
    kernel, bias = units.get_weights()
    kernel[:, 1] = kernel[:, 0] = np.abs(kernel[:, 0])
    kernel[:, 2], kernel[:, 3] = 1.3 * kernel[::-1, 0], 1.8 * kernel[::-1, 0]
    units.set_weights([kernel, bias])
    columns = np.random.default_rng(0).normal(0, 0.1, 10)
    scores.set_weights([np.outer([1, 1, 1, 1], columns).astype("f4"), np.zeros(10, "f4")])
    found = prune(model, context, ratio=0.5, rounds=rounds, criterion="hessian")
    np.testing.assert_allclose(found.get_layer("units").kernel, kernel[:, left])


def test_taylor_is_the_change_of_the_loss(trained: Any, context: Context) -> None:
    """For every unit: the derivative of the loss by a factor on what it gives to the next layer, sample by sample."""
    data, model = context.trainer.dataset, trained.model
    x, y = data.features("calibration"), data.labels("calibration")
    loss = context.trainer.objective.loss(model)
    channels = analyse(model)
    scores = importance(model, channels, "taylor", x, y, loss, seed=0)
    units = next(g for g in channels.groups if g.layers == ("hidden",)).channels
    hidden = _tf.tf_keras().Model(model.inputs, model.get_layer("hidden").output)(x).numpy().astype("f8")
    kernel, bias = (w.astype("f8") for w in model.get_layer("scores").get_weights())

    def losses(factor: Any) -> Any:
        logits = (hidden * factor) @ kernel + bias
        return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]

    step = 1e-4
    for i, unit in enumerate(units):
        nudge = step * np.eye(len(units))[i]
        slope = (losses(1 + nudge) - losses(1 - nudge)) / (2 * step)
        assert scores[unit] == pytest.approx(np.mean(slope**2), rel=2e-3, abs=1e-9)


def test_hessian_is_the_curvature_of_the_loss(trained: Any, context: Context) -> None:
    data, model = context.trainer.dataset, trained.model
    x, y = data.features("calibration"), data.labels("calibration")
    channels = analyse(model)
    scores = importance(model, channels, "hessian", x, y, context.trainer.objective.loss(model), seed=0)
    units = next(g for g in channels.groups if g.layers == ("hidden",)).channels
    hidden = _tf.tf_keras().Model(model.inputs, model.get_layer("hidden").output)(x).numpy()
    p, kernel = model(x).numpy(), model.get_layer("scores").get_weights()[0]
    parts = hidden[:, :, None] * kernel[None]  # what each unit gives to each logit
    exact = 0.5 * ((parts**2 * p[:, None]).sum(-1) - (parts * p[:, None]).sum(-1) ** 2).mean(0)
    assert np.corrcoef(exact, scores[units])[0, 1] > 0.8
    assert scores[units].sum() == pytest.approx(exact.sum(), rel=0.35), "random projections, right in the mean"


def test_attention_heads_that_give_nothing_go_first(
    make_trainer: Callable[..., Trainer], digits: Dataset, prune: Callable[..., Any]
) -> None:
    layers = _tf.tf_keras().layers
    seed_everything(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.Dense(6, name="embed")(layers.Reshape((8, 8))(inputs))
    mha = layers.MultiHeadAttention(4, 3, name="mha")
    x = layers.Add()([x, mha(x, x)])
    model = _tf.tf_keras().Model(inputs, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
    weights = mha.get_weights()
    weights[6][[0, 2]] = 0
    mha.set_weights(weights)
    for criterion in ("taylor", "hessian"):
        context = Context(make_trainer(), Train(), load_target("generic"), Budget(), 1.0)
        found = prune(model, context, ratios={"mha.heads": 0.5}, criterion=criterion)
        assert found.get_layer("mha").get_config()["num_heads"] == 2
        x_test = digits.features("test")[:8]
        np.testing.assert_allclose(found(x_test).numpy(), model(x_test).numpy(), atol=1e-5)
    assert "_compute_attention" not in mha.__dict__, "the model given is left as it is"
