"""What every zero-cost proxy does."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np

from edgekit import _tf, registry
from edgekit.searching import proxies
from edgekit.searching.proxies import BATCHES, Untrained
from edgekit.testing.saying import expect, runs
from edgekit.training import seed_everything

__all__ = ["check_proxy"]

WIDTHS = (4, 16, 64)


def check_proxy(proxy: str | ModuleType) -> None:
    """Hold a zero-cost proxy to what searches rely on.

    Args:
        proxy: Its module, with `score(network)`, or its name in `search.proxies`.

    Raises:
        AssertionError: It breaks a rule; the sentence names it.
    """
    module = registry.load(proxies, proxy) if isinstance(proxy, str) else proxy
    name = module.__name__
    expect(callable(getattr(module, "score", None)), f"{name} has score(network).", getattr(module, "score", None))
    score: Callable[[Untrained], float] = module.score
    found = [_scored(name, score, _network(width)) for width in WIDTHS]
    expect(np.isfinite(found).all(), f"{name} gives numbers for classifiers with ReLUs and {BATCHES} batches.", found)
    expect(len(set(found)) > 1, f"{name} tells networks of other widths apart: a search asks for an order.", found)
    again = [_scored(name, score, _network(width)) for width in WIDTHS]
    expect(again == found, f"{name} gives the same number for the same weights and samples.", f"{found}, then {again}")
    # A network that it can say nothing of is no reason to end: what is no finite number is left out.
    _scored(name, score, _network(WIDTHS[0], relu=False))
    _scored(name, score, _network(WIDTHS[0], batches=1))


def _scored(name: str, score: Callable[[Untrained], float], network: Untrained) -> float:
    """What it gives, which is one number and changes nothing."""
    model = network.model
    weights = [weight.copy() for weight in model.get_weights()]
    batches = [(x.copy(), y.copy()) for x, y in network.batches]
    trained = [layer.trainable for layer in model.layers]
    with runs(f"{name}.score"):
        given = score(network)
    number = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    expect(number, f"{name}.score gives one number.", repr(given))
    same = all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    expect(same, f"{name}.score leaves the weights as they were, for the network is trained after it.")
    expect(trained == [y.trainable for y in model.layers], f"{name}.score leaves the layers as trainable as they were.")
    untouched = all(
        np.array_equal(x, kept_x) and np.array_equal(y, kept_y)
        for (x, y), (kept_x, kept_y) in zip(network.batches, batches, strict=True)
    )
    expect(untouched, f"{name}.score leaves the samples as they were.")
    return float(given)


def _network(width: int, *, relu: bool = True, batches: int = BATCHES) -> Untrained:
    """A classifier of 8x8x1 samples with a batch norm, untrained, and random samples."""
    keras = _tf.tf_keras()
    layers = keras.layers
    seed_everything(0)
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU() if relu else layers.Activation("tanh"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(0)
    drawn = [(rng.random((16, 8, 8, 1)).astype(np.float32), rng.integers(0, 10, 16)) for _ in range(batches)]
    return Untrained(model, drawn, keras.losses.SparseCategoricalCrossentropy())
