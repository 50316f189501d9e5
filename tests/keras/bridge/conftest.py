"""For tests of the bridge: Keras 3, seeded, and a bridge whose result is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.keras.bridge import bridge
from edgekit.keras.bridge.compare import assert_same_outputs


@pytest.fixture(scope="module")
def keras() -> Any:
    return _tf.keras3()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    _tf.keras3().utils.set_random_seed(7)


@pytest.fixture
def randomised() -> Callable[[Any], Any]:
    """Give every weight a random value, so that a wrong transfer shows: moving statistics and biases start equal."""

    def give(model: Any) -> Any:
        rng = np.random.default_rng(3)
        for weight in model.weights:
            name = weight.path.rsplit("/", 1)[-1]
            if name in ("gamma", "moving_variance", "variance"):
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
            elif name in ("beta", "bias", "moving_mean", "alpha", "mean"):
                weight.assign(rng.uniform(-0.3, 0.3, weight.shape))
        return model

    return give


@pytest.fixture
def bridged(randomised: Callable[[Any], Any]) -> Callable[..., Any]:
    """Bridge a model, check what must hold for each, and compare the outputs once more on inputs of our own."""

    def check(model: Any, *, unsafe: bool = False) -> Any:
        new = bridge(randomised(model), unsafe=unsafe)
        keras2 = _tf.tf_keras()
        assert isinstance(new, keras2.Model)
        assert not any(isinstance(layer, keras2.Model) for layer in new.layers)
        assert new.name == model.name
        assert new.count_params() <= model.count_params()  # a Normalization's statistics become constants
        assert assert_same_outputs(model, new, seed=11) < 1e-4
        again = keras2.Model.from_config(new.get_config())  # TF-MOT clones models by their configs
        again.set_weights(new.get_weights())
        assert assert_same_outputs(new, again, seed=5) < 1e-6
        return new

    return check
