"""zico: how large and how steady the gradients of the training loss are over batches.

Of each weight the mean of the gradient's absolute value over batches, divided by its standard deviation; summed over a
layer, and the logarithms of the layers added.

Source: Li et al., "ZiCo: zero-shot NAS via inverse coefficient of variation on gradients", ICLR 2023
(arXiv:2301.11300), equation 15.
"""

from __future__ import annotations

import math

import numpy as np

from edgekit import _tf
from edgekit.searching.proxies import Untrained
from edgekit.tensors import Array


def score(network: Untrained) -> float:
    """Sum over the kernels of layers; -inf where there are fewer than two batches."""
    if len(network.batches) < 2:
        return -math.inf
    tf, model = _tf.tensorflow(), network.model
    kernels = [weight for weight in model.trainable_weights if "kernel" in weight.name]
    sizes: list[list[Array]] = [[] for _ in kernels]
    for x, y in network.batches:
        with tf.GradientTape() as tape:
            loss = network.loss(y, model(x, training=False))
        for kept, gradient in zip(sizes, tape.gradient(loss, kernels), strict=True):
            if gradient is not None:
                kept.append(np.abs(np.asarray(gradient, np.float64)))
    total = 0.0
    for found in sizes:
        mean, spread = (np.mean(found, axis=0), np.std(found, axis=0)) if found else (np.zeros(1), np.zeros(1))
        worth = float((mean[spread > 0] / spread[spread > 0]).sum())
        total += math.log(worth) if worth > 0 else 0.0
    return total
