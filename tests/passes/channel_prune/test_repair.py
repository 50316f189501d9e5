"""What pruning breaks is made up for, by statistics, least squares and fine-tuning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.keras.macs import model_macs
from edgekit.methods.channels import analyse, correct, reconstruct, shrink
from edgekit.passes import Context
from edgekit.training import seed_everything


def test_biases_make_up_for_constant_channels(trained: Any, context: Context) -> None:
    """A unit that always gives the same is worth nothing once the next bias has it."""
    made = _tf.tf_keras().models.clone_model(trained.model)
    made.set_weights(trained.model.get_weights())
    kernel, bias = made.get_layer("hidden").get_weights()
    kernel[:, :4], bias[:4] = 0, 3.0
    made.get_layer("hidden").set_weights([kernel, bias])
    channels, keep = analyse(made), analyse(made).all_kept()
    keep[next(g for g in channels.groups if g.layers == ("hidden",)).channels[:4]] = False
    x = context.trainer.dataset.features("calibration")
    plain, better, fitted = (shrink(made, channels, keep) for _ in range(3))
    correct(made, better, channels, keep, x)
    reconstruct(made, fitted, channels, keep, x, seed=0)
    assert np.abs(plain(x).numpy() - made(x).numpy()).max() > 0.1
    np.testing.assert_allclose(better(x).numpy(), made(x).numpy(), atol=1e-4)
    np.testing.assert_allclose(fitted(x).numpy(), made(x).numpy(), atol=1e-3)


def test_batch_norm_statistics_follow_what_is_left(context: Context) -> None:
    """Without a bias between them, the mean and variance of the next batch norm move."""
    layers = _tf.tf_keras().layers
    seed_everything(0)
    x = inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu", bias_initializer="ones", name="first")(x)
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(6, 3, use_bias=False, name="second")(x))
    model = _tf.tf_keras().Model(inputs, layers.Dense(3, name="out")(layers.GlobalAveragePooling2D()(x)))
    data = context.trainer.dataset.features("calibration")
    before = _tf.tf_keras().Model(inputs, model.get_layer("second").output)(data).numpy()
    norm = model.get_layer("bn")
    norm.moving_mean.assign(before.mean((0, 1, 2)))
    norm.moving_variance.assign(before.var((0, 1, 2)))
    channels, keep = analyse(model), analyse(model).all_kept()
    keep[channels.groups[0].channels[:4]] = False
    small = shrink(model, channels, keep)
    correct(model, small, channels, keep, data)
    seen = _tf.tf_keras().Model(small.inputs, small.get_layer("second").output)(data).numpy()
    np.testing.assert_allclose(small.get_layer("bn").moving_mean, seen.mean((0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(small.get_layer("bn").moving_variance, seen.var((0, 1, 2)), rtol=1e-3)
    whole = shrink(model, channels, channels.all_kept())
    correct(model, whole, channels, channels.all_kept(), data)
    for old, new in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_reconstruction_lowers_the_error_of_the_next_layer(padding: str, context: Context) -> None:
    layers = _tf.tf_keras().layers
    seed_everything(0)
    x = inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(12, 3, padding="same", activation="relu", name="first")(x)
    x = layers.Conv2D(6, (3, 2), strides=(2, 1), padding=padding, name="second")(x)
    model = _tf.tf_keras().Model(inputs, layers.Conv2D(2, 1, name="out")(x))
    data = context.trainer.dataset.features("test")[:128]
    channels, keep = analyse(model), analyse(model).all_kept()
    keep[channels.groups[0].channels[:5]] = False

    def error(repair: Callable[[Any], object]) -> float:
        small = shrink(model, channels, keep)
        repair(small)
        return float(np.mean((small(data[64:]).numpy() - model(data[64:]).numpy()) ** 2))

    sliced = error(lambda small: None)
    means = error(lambda small: correct(model, small, channels, keep, data[:64]))
    fitted = error(lambda small: reconstruct(model, small, channels, keep, data[:64], seed=0))
    assert fitted < 0.5 * means < 0.5 * sliced


def test_finetuning_after_each_step_repairs(trained: Any, context: Context, prune: Callable[..., Any]) -> None:
    bare = prune(trained.model, context, macs=0.3)
    tuned = prune(trained.model, context, macs=0.3, steps=2, finetune={"epochs": 1, "learning_rate": 0.01})
    assert context.trainer.score(tuned) > context.trainer.score(bare)
    assert model_macs(tuned) <= 0.3 * model_macs(trained.model)
