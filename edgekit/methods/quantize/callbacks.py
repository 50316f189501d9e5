"""The callback that holds ranges and statistics still towards a training's end.

This module loads tf_keras: only functions import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit import _tf

__all__ = ["Freeze"]

keras = _tf.tf_keras()


class Freeze(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
    """Batch normalisation works as at inference, and ranges stand still, from one epoch on.

    Args:
        first: That epoch, counted from 0.
        quantizers: Quantizers of values; their mode becomes "frozen".
        norms: Batch normalisations.
    """

    def __init__(self, first: int, quantizers: Sequence[Any], norms: Sequence[Any]) -> None:
        super().__init__()
        self.first, self.quantizers, self.norms = first, quantizers, norms
        self.frozen = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Freeze statistics and ranges from their epoch on."""
        if epoch < self.first or self.frozen:
            return
        self.frozen = True
        for quantizer in self.quantizers:
            quantizer.mode = "frozen"
        for norm in self.norms:
            norm._get_training_value = lambda training=None: False
        self.model.make_train_function(force=True)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras after the last epoch."""
        if self.frozen:
            for norm in self.norms:
                del norm._get_training_value
