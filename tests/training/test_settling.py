"""A model whose batch normalisation has not settled scores lower than it has learnt: that is said, never silent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from edgekit import _tf
from edgekit.keras import build_network
from edgekit.training import Train, Trainer

SMALL = {"width1": 16, "width2": 16, "width3": 24}


def build(*momenta: float, inner: bool = False) -> Any:
    """A model with one batch normalisation for each momentum, in a model of its own where `inner`."""
    layers = _tf.tf_keras().layers
    parts = [layers.Flatten(), layers.Dense(16)]
    norms = [layers.BatchNormalization(momentum=m, name=f"norm{n}") for n, m in enumerate(momenta)]
    parts += [_tf.tf_keras().Sequential([layers.Input((16,)), *norms])] if inner and norms else norms
    return _tf.tf_keras().Sequential([layers.Input((8, 8, 1)), *parts, layers.Dense(10, "softmax")])


@pytest.mark.parametrize(
    ("momenta", "inner", "named"),
    [
        ((), False, None),
        ((0.5,), False, None),
        ((0.99,), False, "norm0"),
        ((0.5, 0.99, 0.9), False, "norm1"),
        ((0.99,), True, "norm0"),
    ],
)
def test_a_short_training_says_which_layer_has_not_settled(
    momenta: tuple[float, ...],
    inner: bool,
    named: str | None,
    make_trainer: Callable[..., Trainer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "edgekit")
    trainer, plan = make_trainer(), Train(epochs=1)
    model = build(*momenta, inner=inner)
    trainer.fit(model, plan, name="model")
    said = [record.getMessage() for record in caplog.records if "not settled" in record.getMessage()]
    assert bool(said) == (named is not None)
    assert named is None or (named in said[0] and "model:" in said[0])
    caplog.clear()
    trainer.fit(model, plan, name="again")  # statistics that were trained before are where they are
    assert not [record for record in caplog.records if "not settled" in record.getMessage()]


@cache
def holding() -> Any:
    """A layer that holds a batch normalisation: never called, or called with the statistics that it began with."""
    keras = _tf.tf_keras()

    class Holding(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, called: bool) -> None:
            super().__init__()
            self.called, self.norm = called, keras.layers.BatchNormalization()

        def call(self, x: Any) -> Any:
            return self.norm(x, training=False) if self.called else x

    return Holding


@pytest.mark.parametrize("called", [False, True])
def test_what_takes_no_part_in_training_needs_not_settle(
    called: bool, make_trainer: Callable[..., Trainer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "edgekit")
    layers = _tf.tf_keras().layers
    parts = [layers.Input((8, 8, 1)), layers.Flatten(), holding()(called), layers.Dense(10, "softmax")]
    make_trainer().fit(_tf.tf_keras().Sequential(parts), Train(epochs=1), name="model")
    assert not [record for record in caplog.records if "not settled" in record.getMessage()]


@pytest.mark.parametrize("family", ["separable", "residual", "inverted_residual", "tcn"])
def test_a_family_scores_what_it_has_learnt_after_few_steps(
    family: str, make_trainer: Callable[..., Trainer], caplog: pytest.LogCaptureFixture
) -> None:
    """A search scores its candidates after such a training: with slow statistics all of them score as chance does."""
    trainer = make_trainer()
    model = build_network(family, (8, 8, 1), 10, SMALL)
    seen = trainer.fit(model, Train(epochs=4, learning_rate=0.005), name="model")
    learnt, scored = seen["accuracy"][-1], seen["val_accuracy"][-1]
    assert learnt is not None and scored is not None and learnt > 0.6
    assert scored > learnt - 0.25
    assert not [record for record in caplog.records if "not settled" in record.getMessage()]
