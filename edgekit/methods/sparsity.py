"""Which weights a sparsity takes away, and TF-MOT's wrapper that takes them while a model is trained."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from edgekit import _tf
from edgekit.tensors import Array

__all__ = ["Block", "Importance", "pooled", "pruning_wrapper", "share_out"]

Block = tuple[int, int]
Importance = Literal["magnitude", "lamp"]


def share_out(
    kernels: Sequence[Array], sparsity: float, *, importance: Importance, block: Block = (1, 1), cap: float = 0.99
) -> list[float]:
    """Sparsity per kernel by one threshold for all, so that all kernels together have the sparsity asked for.

    Args:
        kernels: Any shapes; blocks are of the matrix [.., last axis].
        sparsity: Fraction of zeros over all kernels.
        importance: magnitude compares weights as they are; lamp (Lee et al. 2021, arXiv:2010.07611, section 3) divides
            the square of each by the sum of those of its layer that outlive it.
        block: What stays or goes together, [inputs, outputs].
        cap: Largest sparsity of one kernel.
    """
    scores = []
    for kernel in kernels:
        blocks = np.sort(pooled(np.abs(kernel.astype(np.float64)), block), axis=None)
        score = _lamp(blocks) if importance == "lamp" else blocks
        score[int(cap * len(blocks)) :] = np.inf
        scores.append(score)
    counts, sizes = [len(s) for s in scores], [k.size for k in kernels]
    owner = np.repeat(np.arange(len(kernels)), counts)
    weight = np.repeat([size / count for size, count in zip(sizes, counts, strict=True)], counts)
    order = np.argsort(np.concatenate(scores), kind="stable")
    pruned = order[np.cumsum(weight[order]) <= sparsity * sum(sizes) + 0.5]
    gone = np.bincount(owner[pruned], minlength=len(kernels))
    return [float(n / count) for n, count in zip(gone, counts, strict=True)]


def pooled(magnitudes: Array, block: tuple[int, int]) -> Array:
    """Mean of each block of the matrix [.., last axis]; the last ones may be cut, and are the mean of what is there."""
    if block == (1, 1):
        return magnitudes
    matrix = magnitudes.reshape(-1, magnitudes.shape[-1])
    means: Array = _sums(matrix, block) / _sums(np.ones_like(matrix), block)
    return means


@functools.cache
def pruning_wrapper() -> Any:
    """TF-MOT's wrapper as a class, mended for layers with several inputs, masks of padding, blocks of convolutions."""
    keras, tfmot = _tf.tf_keras(), _tf.tfmot()
    base: Any = type(tfmot.sparsity.keras.prune_low_magnitude(keras.layers.Dense(1)))

    class PruneLowMagnitude(base):  # type: ignore[misc]
        block = (1, 1)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """By name: TF-MOT would take attention's second input for its flag `training`."""
            names = inspect.getfullargspec(self.layer.call).args[1:]
            return super().__call__(*args[:1], **dict(zip(names[1:], args[1:], strict=False)), **kwargs)

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            if self.block != (1, 1):
                pruning = self.pruning_obj
                pruning._maybe_update_block_mask = lambda w: _block_mask(pruning._update_mask, w, self.block)

        def call(self, inputs: Any, training: Any = None, **kwargs: Any) -> Any:
            if "mask" not in inspect.getfullargspec(self.layer.call).args:
                kwargs.pop("mask", None)
            return super().call(inputs, training=training, **kwargs)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return self.layer.compute_mask(inputs, mask)

    return PruneLowMagnitude


def _block_mask(update_mask: Any, weights: Any, block: tuple[int, int]) -> Any:
    """Threshold and mask of whole blocks by their mean magnitude, for any rank; TF-MOT takes matrices only."""
    tf = _tf.tensorflow()
    rows, columns = int(np.prod(weights.shape[:-1])), int(weights.shape[-1])
    matrix = tf.abs(tf.reshape(weights, (rows, columns)))
    padded = tf.pad(matrix, ((0, -rows % block[0]), (0, -columns % block[1])))
    sums = tf.reduce_sum(tf.reshape(padded, (-1, block[0], padded.shape[1] // block[1], block[1])), (1, 3))
    threshold, mask = update_mask(sums / _sums(np.ones((rows, columns), np.float32), block))
    mask = tf.repeat(tf.repeat(mask, block[0], 0), block[1], 1)[:rows, :columns]
    return threshold, tf.reshape(mask, weights.shape)


def _sums(matrix: Array, block: tuple[int, int]) -> Array:
    for axis in (0, 1):
        matrix = np.add.reduceat(matrix, np.arange(0, matrix.shape[axis], block[axis]), axis)
    return matrix


def _lamp(ascending: Array) -> Array:
    squares = ascending**2
    outliving = np.cumsum(squares[::-1])[::-1]
    score: Array = squares / np.maximum(outliving, np.finfo(np.float64).tiny)
    return score
