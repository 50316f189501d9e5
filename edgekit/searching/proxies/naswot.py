"""naswot: how differently a batch of samples switches the network's ReLUs on and off.

Two samples that switch the same ReLUs lie in one linear region of the network and are hard to tell apart. The score is
the logarithm of the determinant of the matrix that counts, for each pair of samples, the ReLUs in which they agree.

Source: Mellor et al., "Neural architecture search without training", ICML 2021 (arXiv:2006.04647), section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.searching.proxies import Untrained

_RELUS = ("relu", "relu6", "leaky_relu")


def score(network: Untrained) -> float:
    """Log-determinant over one batch; -inf where two samples agree in all, or where the network has no ReLU."""
    outputs = [layer.output for layer in network.model.layers if _is_relu(layer)]
    if not outputs:
        return -np.inf
    probe = _tf.tf_keras().Model(network.model.inputs, outputs)
    x = network.batches[0][0]
    answers = probe(x, training=False)
    answers = answers if isinstance(answers, list | tuple) else [answers]
    agree = np.zeros((len(x), len(x)))
    for answer in answers:
        code = (np.asarray(answer).reshape(len(x), -1) > 0).astype(np.float64)
        agree += code @ code.T + (1 - code) @ (1 - code).T
    sign, logarithm = np.linalg.slogdet(agree)
    return float(logarithm) if sign > 0 else -np.inf


def _is_relu(layer: Any) -> bool:
    activation = getattr(getattr(layer, "activation", None), "__name__", None)
    return type(layer).__name__ in ("ReLU", "LeakyReLU") or activation in _RELUS
