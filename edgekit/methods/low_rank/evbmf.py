"""EVBMF: how many singular values of a noisy matrix are signal.

Nakajima, Sugiyama, Babacan and Tomioka 2013, Global Analytic Solution of Fully-observed Variational Bayesian Matrix
Factorization, JMLR 14:1-37: the solution of empirical VB, with the noise variance estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgekit.methods.low_rank.forms import Form, Geometry, Rank
from edgekit.tensors import Array

__all__ = ["evbmf_rank", "signal_rank"]


def evbmf_rank(kernel: Array, geometry: Geometry, form: Form) -> Rank:
    """The rank of a form by EVBMF on the unfolded kernel, at least 1 and at most full.

    Args:
        kernel: [kh, kw, in, out] or [in, out].
        geometry: Geometry of the layer.
        form: tucker has one rank per channel mode (Kim et al. 2016, arXiv:1511.06530); cp the greater of
            the two; separable the median over its input channels.
    """
    w = np.asarray(kernel, np.float64).reshape(*geometry.kernel, geometry.channels, geometry.filters)
    high, wide, c, n = w.shape
    if form == "svd":
        found: list[int] = [signal_rank(w.reshape(-1, n))]
    elif form == "spatial":
        found = [signal_rank(w.transpose(0, 2, 1, 3).reshape(high * c, wide * n))]
    elif form == "separable":
        found = [round(float(np.median([signal_rank(w[:, :, i].reshape(-1, n)) for i in range(c)])))]
    else:
        found = [signal_rank(np.moveaxis(w, 2, 0).reshape(c, -1)), signal_rank(w.reshape(-1, n))]
        found = found if form == "tucker" else [max(found)]
    return tuple(min(max(r, 1), full) for r, full in zip(found, geometry.full_rank(form), strict=True))


def signal_rank(matrix: Array) -> int:
    """The number of singular values that the global solution of empirical VB keeps, noise variance estimated.

    Args:
        matrix: Two-dimensional, any orientation.
    """
    low, high = sorted(matrix.shape)  # L <= M of the paper
    gamma2 = np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False) ** 2
    if not gamma2[0] > 0:
        return 0
    gamma2 = np.maximum(gamma2, gamma2[0] * 1e-14)  # the free energy has logarithms of them
    alpha = low / high
    edge = _kept_above(alpha)
    variance = _noise_variance(gamma2, high, alpha, edge)
    return int(np.sum(gamma2 > high * variance * edge))


def _kept_above(alpha: float) -> float:
    """Where a squared singular value, over M x variance, begins to be kept: (1 + tau)(1 + alpha / tau).

    tau is the root of phi(tau) + phi(tau / alpha) with phi(z) = log(z + 1) / z - 1/2.
    """

    def xi(tau: float) -> float:
        return math.log1p(tau) / tau + alpha * math.log1p(tau / alpha) / tau - 1.0

    tau = _root(xi, 1e-9, 100.0)
    return (1 + tau) * (1 + alpha / tau)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return low


def _noise_variance(gamma2: Array, high: int, alpha: float, edge: float) -> float:
    """The minimum of the free energy over the noise variance; it may have several valleys, hence a grid."""
    low = len(gamma2)
    most = min(max(math.ceil(low / (1 + alpha)) - 1, 0), low - 1)  # more than that many cannot be signal
    upper = float(gamma2.sum()) / (low * high)
    lower = max(gamma2[most] / (high * edge), float(np.mean(gamma2[most:])) / high)
    lower, upper = math.log(min(lower, upper)), math.log(upper)
    for _ in range(4):
        grid = np.linspace(lower, upper, 101)
        best = int(np.argmin([_free_energy(gamma2 / (high * math.exp(v)), alpha, edge) for v in grid]))
        lower, upper = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, 100)])
    return math.exp((lower + upper) / 2)


def _free_energy(x: Array, alpha: float, edge: float) -> float:
    """Up to a constant: sum of x - log x, lowered by each signal's share (psi of the paper)."""
    signal = x[x > edge]
    centre = signal - (1 + alpha)
    tau = (centre + np.sqrt(centre**2 - 4 * alpha)) / 2
    gain = np.log1p(tau) + alpha * np.log1p(tau / alpha) - tau
    return float(np.sum(x - np.log(x)) + np.sum(gain))
