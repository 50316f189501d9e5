"""synflow: how much signal passes through the network's weights, without looking at any data.

With absolute weights and ones at the input, the score is the sum over weights of the weight times the gradient of the
summed outputs. Normalisation layers stand as at the start of training, where they change nothing.

Source: Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow", NeurIPS 2020
(arXiv:2006.05467), equation 2 and algorithm 1; as a proxy, Abdelfattah et al., ICLR 2021 (arXiv:2101.08134).
"""

from __future__ import annotations

import math

import numpy as np

from edgekit import _tf
from edgekit.keras.outputs import output_activation, softmax_inputs
from edgekit.searching.proxies import Untrained


def score(network: Untrained) -> float:
    """Logarithm of the synaptic flow; -inf where nothing passes."""
    tf, model = _tf.tensorflow(), network.model
    before = model.get_weights()
    x = tf.ones((1, *network.batches[0][0].shape[1:]), network.batches[0][0].dtype)
    try:
        model.set_weights([np.abs(weight) for weight in before])
        with tf.GradientTape() as tape:
            flow = tf.reduce_sum(_before_softmax(network, x))
        gradients = tape.gradient(flow, model.trainable_weights)
        total = sum(
            float(tf.reduce_sum(tf.abs(weight * gradient)))
            for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
            if gradient is not None
        )
    finally:
        model.set_weights(before)
    return math.log(total) if total > 0 else -math.inf


def _before_softmax(network: Untrained, x: object) -> object:
    """Outputs whose sum hangs on the weights: that of a softmax is always 1."""
    if output_activation(network.model) != "softmax":
        return network.model(x, training=False)
    with softmax_inputs(network.model, 0) as seen:
        network.model(x, training=False)
    return seen[-1]
