"""For tests of channel_prune: a network with residual stacks, a pass applied, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.passes import Context, parse_pass
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer, seed_everything


@pytest.fixture
def context(make_trainer: Callable[..., Trainer], few_digits: Dataset, trained: Any) -> Context:
    trainer = make_trainer(few_digits)
    return Context(trainer, Train(learning_rate=0.01), load_target("generic"), Budget(), trained.score)


@pytest.fixture(scope="session")
def residual() -> Any:
    """Two residual stacks; the second one halves the image."""
    layers = _tf.tf_keras().layers
    seed_everything(0)

    def conv(x: Any, filters: int, stride: int, name: str, activation: str = "linear") -> Any:
        x = layers.Conv2D(filters, 3, stride, padding="same", name=name)(x)
        return layers.Activation(activation)(layers.BatchNormalization(name=f"{name}_bn")(x))

    inputs = layers.Input((8, 8, 1))
    x = conv(inputs, 16, 1, "stem", "relu")
    y = conv(conv(x, 16, 1, "stack1_conv1", "relu"), 16, 1, "stack1_conv2")
    x = layers.ReLU()(layers.Add()([x, y]))
    y = conv(conv(x, 32, 2, "stack2_conv1", "relu"), 32, 1, "stack2_conv2")
    x = layers.ReLU()(layers.Add()([layers.Conv2D(32, 1, 2, name="stack2_skip")(x), y]))
    x = layers.GlobalAveragePooling2D()(x)
    return _tf.tf_keras().Model(inputs, layers.Dense(10, activation="softmax", name="scores")(x))


@pytest.fixture(scope="session")
def prune() -> Callable[..., Any]:
    """Apply the pass, which must have nothing against the model."""

    def run(model: Any, context: Context, **options: Any) -> Any:
        item = parse_pass({"channel_prune": {"finetune": "none", **options}})
        assert item.check(model, context.target) == []
        return item.apply(model, context)

    return run


@pytest.fixture(scope="session")
def width() -> Callable[[Any, str], int]:
    """Channels of a layer's output."""

    def run(model: Any, name: str) -> int:
        return int(model.get_layer(name).output_shape[-1])

    return run
