"""TF-MOT's pruning wrapper, mended for layers with several inputs, masks of padding, and blocks of convolutions.

This module loads TF-MOT: only functions import it.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.keras.types import KerasTensor, Shape
from edgekit.methods.sparsity import Block, block_sums
from edgekit.methods.tfmot import mask_blocks, pruning_wrapper_class

__all__ = ["PruneLowMagnitude"]

tf = _tf.tensorflow()
base = pruning_wrapper_class()


class PruneLowMagnitude(base):  # type: ignore[misc, valid-type]
    """Masks of single weights, of N in M, or of whole blocks."""

    block: Block = (1, 1)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """By name: TF-MOT would take attention's second input for its flag `training`."""
        names = inspect.getfullargspec(self.layer.call).args[1:]
        return super().__call__(*args[:1], **dict(zip(names[1:], args[1:], strict=False)), **kwargs)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        if self.block != (1, 1):
            mask_blocks(self, self._block_mask)

    def call(self, inputs: KerasTensor, training: bool | None = None, **kwargs: Any) -> Any:
        if "mask" not in inspect.getfullargspec(self.layer.call).args:
            kwargs.pop("mask", None)
        return super().call(inputs, training=training, **kwargs)

    def compute_mask(self, inputs: KerasTensor, mask: KerasTensor | None = None) -> Any:
        return self.layer.compute_mask(inputs, mask)

    def _block_mask(self, update_mask: Any, weights: KerasTensor) -> Any:
        """Threshold and mask of whole blocks by their mean magnitude, for any rank; TF-MOT takes matrices only."""
        block = self.block
        rows, columns = int(np.prod(weights.shape[:-1])), int(weights.shape[-1])
        matrix = tf.abs(tf.reshape(weights, (rows, columns)))
        padded = tf.pad(matrix, ((0, -rows % block[0]), (0, -columns % block[1])))
        sums = tf.reduce_sum(tf.reshape(padded, (-1, block[0], padded.shape[1] // block[1], block[1])), (1, 3))
        threshold, mask = update_mask(sums / block_sums(np.ones((rows, columns), np.float32), block))
        mask = tf.repeat(tf.repeat(mask, block[0], 0), block[1], 1)[:rows, :columns]
        return threshold, tf.reshape(mask, weights.shape)
