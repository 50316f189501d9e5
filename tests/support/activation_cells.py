"""Every activation of Keras, as models for tests and benchmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf

__all__ = ["ACTIVATIONS", "activation_model", "activation_samples"]

ACTIVATIONS = (
    "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "mish", "relu", "relu6", "selu", "sigmoid",
    "softmax", "softplus", "softsign", "swish", "tanh",
    "ELU(0.5)", "LeakyReLU(0.1)", "PReLU()", "ReLU(6.0)", "Softmax()", "ThresholdedReLU(0.5)",
)  # fmt: skip
"""Functions by their name, and layers as they are written."""


def activation_model(name: str, *, seed: int = 3) -> Any:
    """Dense, the activation, dense; values of the scale that trained networks have."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(seed)
    if name.endswith(")"):
        kind, _, argument = name[:-1].partition("(")
        middle = getattr(layers, kind)(*([float(argument)] if argument else []))
    else:
        middle = layers.Activation(name)
    model = keras.Sequential([keras.Input((10,)), layers.Dense(16), middle, layers.Dense(4)])
    if name == "PReLU()":
        middle.set_weights([np.random.default_rng(seed).uniform(0.05, 0.4, w.shape) for w in middle.get_weights()])
    return model


def activation_samples(*, seed: int = 0) -> NDArray[np.float32]:
    """Samples [128, 10]."""
    return np.random.default_rng(seed).standard_normal((128, 10)).astype(np.float32)
