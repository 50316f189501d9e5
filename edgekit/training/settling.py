"""Whether batch normalisation has settled: after few steps its statistics still hold much of what they began with.

A model then scores far lower than it has learnt, in silence: training normalises by each batch, all else by the
statistics, which a step moves by 1 - momentum (Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.keras.types import KerasModel
from edgekit.observer import logger

__all__ = ["Settling"]

_SHARE = 0.05
"""Of what the statistics began with: a normal output of mean 3 is then off by 0.15 of its deviation."""


class Settling:
    """Watches a model's training from before its first step.

    Args:
        model: tf_keras model, as it is before training. Statistics that were trained before are left alone.
    """

    def __init__(self, model: KerasModel) -> None:
        norm = _tf.tf_keras().layers.BatchNormalization
        layers: list[Any] = [one for one in model.submodules if isinstance(one, norm)]
        self._fresh = [layer for layer in layers if layer.built and layer.trainable and _is_fresh(layer)]

    def tell(self, steps: int, *, name: str) -> None:
        """Log a warning where the statistics have not settled.

        Args:
            steps: Of training, in all.
            name: Of the training, for people.
        """
        moved = [layer for layer in self._fresh if not _is_fresh(layer)]  # others are frozen in place, or take no part
        slowest = max(moved, key=lambda layer: layer.momentum, default=None)
        share = 0.0 if slowest is None else float(slowest.momentum) ** steps
        if slowest is None or share <= _SHARE:
            return
        logger(__name__).warning(
            f"{name}: batch normalisation has not settled: after {steps:,} steps the statistics of {slowest.name} "
            f"still hold {share:.0%} of what they began with, so the model scores lower than it has learnt. Train for "
            f"more epochs or with smaller batches, or give the layer a lower momentum than {slowest.momentum:g}."
        )


def _is_fresh(layer: Any) -> bool:
    mean, variance = layer.moving_mean, layer.moving_variance
    return not np.any(np.asarray(mean)) and bool(np.all(np.asarray(variance) == 1))
