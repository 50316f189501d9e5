"""Which weights a sparsity takes away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from edgekit.tensors import Array

__all__ = ["Block", "Importance", "block_sums", "pooled", "share_out"]

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
    means: Array = block_sums(matrix, block) / block_sums(np.ones_like(matrix), block)
    return means


def block_sums(matrix: Array, block: Block) -> Array:
    """Of a matrix, the sum of each block."""
    for axis in (0, 1):
        matrix = np.add.reduceat(matrix, np.arange(0, matrix.shape[axis], block[axis]), axis)
    return matrix


def _lamp(ascending: Array) -> Array:
    squares = ascending**2
    outliving = np.cumsum(squares[::-1])[::-1]
    score: Array = squares / np.maximum(outliving, np.finfo(np.float64).tiny)
    return score
