"""Finding the factors: the least error of a layer's output, or of its weights where no data are given.

Every form minimises tr(D^T S D), with D the error of the kernel and S the second moment of the input (the identity
without data). `svd` reaches the minimum: it keeps the principal components of the output (Zhang et al. 2015,
arXiv:1505.06798, linear case). The others take their first factors from a decomposition in the part of the
metric that has a closed form, and their last ones by least squares in all of it; a bias takes up the mean error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgekit.errors import ModelError
from edgekit.keras.types import KerasLayer
from edgekit.methods.low_rank import solvers
from edgekit.methods.low_rank.forms import Factor, Form, Geometry, Rank
from edgekit.methods.low_rank.moments import Moments, moments_of
from edgekit.tensors import Array

__all__ = ["Decomposition", "decompose", "decompose_kernel", "low_rank_kernel", "solver"]


@dataclass(frozen=True)
class Decomposition:
    """A layer's kernel as a chain of factors.

    Attributes:
        form: Of which layers the chain is made.
        rank: Inner widths.
        factors: The plain layers, first to last.
        kernels: Their kernels, float32.
        bias: Bias of the last factor, float32 [out], or None where the layer has none.
        error: Squared error of the output (of the kernel, without data), relative to its energy; 0 to about 1.
    """

    form: Form
    rank: Rank
    factors: tuple[Factor, ...]
    kernels: tuple[Array, ...]
    bias: Array | None
    error: float

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(f.macs() for f in self.factors)


def decompose(
    layer: KerasLayer, rank: int | Rank, method: str = "spatial", inputs: Array | Moments | None = None
) -> Decomposition:
    """Factors of a layer at a given rank.

    Args:
        layer: A built tf_keras Dense or Conv2D layer.
        rank: Inner width; for tucker also (in, out), for separable the depth multiplier.
        method: A form or a method of the pass; where that has several forms, the one with the least error.
            A dense layer or a 1x1 convolution has only svd, whatever the method.
        inputs: Samples of the layer's input [N, ..., channels] (or their moments): the error of the output becomes
            what is minimised. None for the error of the weights.

    Raises:
        ModelError: The layer has no such form, or the rank is below 1 or above full.
    """
    geometry = Geometry.of(layer)
    forms = geometry.forms(method)
    if not forms:
        raise ModelError(
            f"The layer {layer.name!r} must have a form of the method.",
            received=f"method {method!r}",
            remedy=f"It has: {', '.join(geometry.forms())}.",
        )
    moments = moments_of(layer, inputs) if isinstance(inputs, np.ndarray) else inputs
    weights = [np.asarray(w, np.float64) for w in layer.get_weights()]
    bias = weights[1] if layer.use_bias else None
    ranks: dict[Form, Rank] = {form: geometry.rank(form, rank) for form in forms}
    found = [decompose_kernel(weights[0], bias, geometry, form, r, moments) for form, r in ranks.items()]
    return min(found, key=lambda d: d.error)


def low_rank_kernel(
    layer: KerasLayer, rank: int | Rank, method: str = "spatial", inputs: Array | Moments | None = None
) -> Array:
    """The layer's kernel as it is after `decompose`: same shape, float32, of lower rank."""
    found = decompose(layer, rank, method, inputs)
    whole = solvers.composed(found.form, found.kernels)
    return np.asarray(whole.reshape(tuple(layer.kernel.shape)), np.float32)


def decompose_kernel(
    kernel: Array,
    bias: Array | None,
    geometry: Geometry,
    form: Form,
    rank: Rank,
    moments: Moments | None = None,
    *,
    solve: Callable[[Rank], list[Array]] | None = None,
) -> Decomposition:
    """As `decompose`, for a kernel outside of any layer.

    Args:
        kernel: [kh, kw, in, out] or [in, out].
        bias: [out], or None.
        geometry: Geometry of the layer.
        form: One of `geometry.forms()`.
        rank: Inner widths, within full.
        moments: Moments of the layer's input, or None.
        solve: What `solver` gave for this kernel, form and moments; made here if not given.
    """
    matrix = np.asarray(kernel, np.float64).reshape(geometry.fan_in, geometry.filters)
    parts = (solve or solver(kernel, geometry, form, moments))(rank)
    lost = matrix - solvers.composed(form, parts).reshape(matrix.shape)
    if bias is not None and moments is not None and moments.mean is not None:
        bias = bias + moments.mean @ lost
    whole = solvers.energy(matrix, moments)
    factors = geometry.factors(form, rank)
    return Decomposition(
        form,
        rank,
        factors,
        tuple(p.reshape(f.shape).astype(np.float32) for p, f in zip(solvers.balanced(parts), factors, strict=True)),
        None if bias is None else bias.astype(np.float32),
        solvers.energy(lost, moments) / whole if whole > 0 else 0.0,
    )


def solver(
    kernel: Array, geometry: Geometry, form: Form, moments: Moments | None = None
) -> Callable[[Rank], list[Array]]:
    """Gives factors for any rank, with what does not depend on the rank done once."""
    four = np.asarray(kernel, np.float64).reshape(*geometry.kernel, geometry.channels, geometry.filters)
    return solvers.SOLVERS[form](four, geometry, moments)
