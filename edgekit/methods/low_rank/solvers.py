"""One solver per form: kernel and moments in, a function from rank to factors out. float64 throughout.

Factors have four axes, [kh, kw, in, out], or [kh, kw, in, multiplier] where depthwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from edgekit.methods.low_rank.forms import Form, Geometry, Rank
from edgekit.methods.low_rank.moments import Moments
from edgekit.tensors import Array

__all__ = ["SOLVERS", "balanced", "composed", "energy", "mode_spectra"]

Solve = Callable[[Rank], list[Array]]

TUCKER_ROUNDS = 5
CP_ROUNDS = 20


def composed(form: Form, factors: Sequence[Array]) -> Array:
    """The kernel [kh, kw, in, out] that a chain of factors amounts to."""
    if len(factors[0].shape) == 2:
        whole: Array = factors[0] @ factors[1]
        return whole[None, None]
    recipes = {
        "svd": "abcr,xyrn->abcn",
        "spatial": "iycr,xjrn->ijcn",
        "tucker": "xycp,ijpq,zwqn->ijcn",
        "cp": "xycr,ijro,zwrn->ijcn",
        "cp_split": "xycr,iaro,bjrp,zwrn->ijcn",
    }
    if form == "separable":
        depthwise, pointwise = factors
        m = depthwise.shape[3]
        spread = pointwise.reshape(depthwise.shape[2], m, -1)
        return np.asarray(np.einsum("ijcm,cmn->ijcn", depthwise, spread, optimize=True))
    return np.asarray(np.einsum(recipes[form], *factors, optimize=True))


def energy(matrix: Array, moments: Moments | None) -> float:
    """Expected squared norm of what a kernel [fan_in, out] gives on the data; its own squared norm without."""
    squares = float(np.sum(matrix**2))
    if moments is None:
        return squares
    return max(float(np.sum(matrix * (moments.second @ matrix))) - moments.ridge * squares, 0.0)


def balanced(factors: Sequence[Array]) -> list[Array]:
    """The same chain with each inner channel's norm shared out evenly over its two neighbours.

    A decomposition leaves all of a component's size on one side; 8-bit ranges and gradients want it on both.
    """
    done = [f.copy() for f in factors]
    for i in range(len(done) - 1):
        one, two, width = done[i], done[i + 1], done[i + 1].shape[2]
        left = np.sqrt((one.reshape(-1, width) ** 2).sum(0))  # a depthwise kernel's channels are its last two axes
        right = np.sqrt((np.moveaxis(two, 2, 0).reshape(width, -1) ** 2).sum(1))
        scale = np.sqrt(np.divide(right, left, out=np.ones(width), where=(left > 0) & (right > 0)))
        done[i] = (one.reshape(-1, width) * scale).reshape(one.shape)
        done[i + 1] = two / scale.reshape(1, 1, width, 1)
    return done


def mode_spectra(kernel: Array, geometry: Geometry, moments: Moments | None) -> tuple[Array, Array]:
    """Energies of the input and output channel modes, greatest first; what tucker's two ranks are balanced by."""
    _, unfolded = _whitened(kernel, geometry, moments)
    modes = np.moveaxis(unfolded, 2, 0).reshape(geometry.channels, -1)
    matrix = kernel.reshape(-1, geometry.filters)
    products = modes @ modes.T, _product(matrix, None if moments is None else moments.second)
    by_input, by_output = (np.maximum(np.linalg.eigvalsh(p)[::-1], 0) for p in products)
    return by_input, by_output


def _svd(kernel: Array, geometry: Geometry, moments: Moments | None) -> Solve:
    matrix = kernel.reshape(geometry.channels, geometry.filters)
    basis = _components(matrix, None if moments is None else moments.second)

    def solve(rank: Rank) -> list[Array]:
        kept = basis[:, : rank[0]]
        return [_four(matrix @ kept), _four(kept.T)]

    return solve


def _spatial(kernel: Array, geometry: Geometry, moments: Moments | None) -> Solve:
    (high, wide), c, n = geometry.kernel, geometry.channels, geometry.filters
    unfolded = kernel.transpose(0, 2, 1, 3).reshape(high * c, wide * n)
    basis = _components(unfolded, None if moments is None else moments.by_column(geometry))

    def solve(rank: Rank) -> list[Array]:
        kept = basis[:, : rank[0]]
        first, r = (unfolded @ kept).reshape(high, 1, c, rank[0]), rank[0]
        if moments is None:
            return [first, kept.T.reshape(r, wide, n).swapaxes(0, 1)[None]]
        seen = np.einsum("icr,jk->ijckr", first[:, 0], np.eye(wide)).reshape(geometry.fan_in, wide * r)
        return [first, _refit(seen, kernel, moments).reshape(1, wide, r, n)]

    return solve


def _tucker(kernel: Array, geometry: Geometry, moments: Moments | None) -> Solve:
    from tensorly.decomposition import partial_tucker

    root, whitened = _whitened(kernel, geometry, moments)
    k, c = geometry.taps, geometry.channels

    def solve(rank: Rank) -> list[Array]:
        inner, outer = rank
        wide = min(max(outer, -(-inner // k)), k * inner)  # beyond that, alternating projections have no such rank
        (_, (into, _)), _ = partial_tucker(
            whitened, rank=[inner, wide], modes=[2, 3], n_iter_max=TUCKER_ROUNDS, random_state=0
        )
        first = np.asarray(into) if root is None else np.linalg.solve(root, into)
        first = first / np.linalg.norm(first, axis=0)
        seen = np.einsum("cp,kl->kclp", first, np.eye(k)).reshape(k * c, k * inner)
        gram, best = _normal(seen, kernel, moments)  # what the core and the last factor together should be
        kept = np.linalg.eigh(best.T @ gram @ best)[1][:, ::-1][:, :outer]
        return [_four(first), (best @ kept).reshape(*geometry.kernel, inner, outer), _four(kept.T)]

    return solve


def _cp(kernel: Array, geometry: Geometry, moments: Moments | None) -> Solve:
    """With the kernel's positions as one mode: what a depthwise k x k kernel can hold."""
    high, wide, c, n = kernel.shape

    def solve(rank: Rank) -> list[Array]:
        into, core = _cp_modes(kernel.reshape(high * wide, c, n), geometry, rank[0], moments)
        seen = np.einsum("kr,cr->kcr", core, into).reshape(-1, rank[0])
        last = _refit(seen, kernel, moments)
        return [_four(into), core.reshape(high, wide, rank[0], 1), _four(last)]

    return solve


def _cp_split(kernel: Array, geometry: Geometry, moments: Moments | None) -> Solve:
    high, wide, _, _ = kernel.shape

    def solve(rank: Rank) -> list[Array]:
        into, rows, columns = _cp_modes(kernel, geometry, rank[0], moments)
        seen = np.einsum("ir,jr,cr->ijcr", rows, columns, into).reshape(-1, rank[0])
        last = _refit(seen, kernel, moments)
        return [_four(into), rows.reshape(high, 1, -1, 1), columns.reshape(1, wide, -1, 1), _four(last)]

    return solve


def _separable(kernel: Array, geometry: Geometry, moments: Moments | None) -> Solve:
    high, wide, c, n = kernel.shape
    taps = kernel.reshape(high * wide, c, n).swapaxes(0, 1)
    metrics = np.eye(high * wide) if moments is None else moments.of_channels(geometry)
    roots = np.linalg.cholesky(metrics).swapaxes(-1, -2)
    bases = np.linalg.solve(
        np.broadcast_to(roots, (c, *roots.shape[-2:])), np.linalg.svd(roots @ taps, full_matrices=False)[0]
    )

    def solve(rank: Rank) -> list[Array]:
        m = rank[0]
        filters = bases[:, :, :m].swapaxes(0, 1)  # [taps, in, m]
        filters = filters / np.linalg.norm(filters, axis=0)
        seen = np.einsum("kcm,cd->kcdm", filters, np.eye(c)).reshape(-1, c * m)
        return [filters.reshape(high, wide, c, m), _four(_refit(seen, kernel, moments))]

    return solve


SOLVERS: dict[Form, Callable[[Array, Geometry, Moments | None], Solve]] = {
    "svd": _svd,
    "spatial": _spatial,
    "tucker": _tucker,
    "cp": _cp,
    "cp_split": _cp_split,
    "separable": _separable,
}


def _cp_modes(tensor: Array, geometry: Geometry, rank: int, moments: Moments | None) -> list[Array]:
    """Unit-norm factors of the input channels [in, r] and of each kernel mode [taps, r]; the output's is left to fit.

    From full rank on, one component per pair of modes is exact, which alternating least squares would not find.
    """
    *taps, c, n = tensor.shape
    if rank == geometry.full_rank("cp" if len(taps) == 1 else "cp_split")[0]:
        return _exact_modes(tensor, rank)
    from tensorly.decomposition import parafac

    root, whitened = _whitened(tensor, geometry, moments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that modes narrower than the rank are filled up at random
        found = parafac(whitened, rank, CP_ROUNDS, random_state=0, tol=1e-5, normalize_factors=True)
    *kernel_modes, into, _ = (np.asarray(f) for f in found.factors)
    into = into if root is None else np.linalg.solve(root, into)
    return [f / np.maximum(np.linalg.norm(f, axis=0), 1e-12) for f in (into, *kernel_modes)]


def _exact_modes(tensor: Array, rank: int) -> list[Array]:
    *taps, c, n = tensor.shape
    k = int(np.prod(taps))
    flat = tensor.reshape(k, c, n)
    if rank == k * c:
        one, two = (a.ravel() for a in np.indices((k, c)))
        over_taps, into = np.eye(k)[:, one], np.eye(c)[:, two]
    elif rank == k * n:
        one, two = (a.ravel() for a in np.indices((k, n)))
        over_taps, into = np.eye(k)[:, one], flat[one, :, two].T
    else:
        one, two = (a.ravel() for a in np.indices((c, n)))
        over_taps, into = flat[:, one, two], np.eye(c)[:, one]
    if len(taps) == 1:
        return [into, over_taps]
    rows, columns = np.unravel_index(over_taps.argmax(0), taps)  # never the last case: see Geometry.full_rank
    return [into, np.eye(taps[0])[:, rows], np.eye(taps[1])[:, columns]]


def _whitened(kernel: Array, geometry: Geometry, moments: Moments | None) -> tuple[Array | None, Array]:
    """The root of the input channels' metric, and the kernel (input channels on the last axis but one) in it."""
    if moments is None:
        return None, kernel
    values, vectors = np.linalg.eigh(moments.by_channel(geometry))
    root: Array = (vectors * np.sqrt(np.maximum(values, 1e-12 * values[-1]))) @ vectors.T
    return root, np.einsum("dc,...cn->...dn", root, kernel)


def _product(matrix: Array, metric: Array | None) -> Array:
    product: Array = matrix.T @ (matrix if metric is None else metric @ matrix)
    return (product + product.T) / 2


def _components(matrix: Array, metric: Array | None) -> Array:
    """Principal components of the outputs: an orthonormal basis, columns by falling energy."""
    if len(matrix) < matrix.shape[1]:
        root = matrix if metric is None else np.linalg.cholesky(metric).T @ matrix
        rows: Array = np.linalg.svd(root, full_matrices=False)[2]
        return rows.T
    basis: Array = np.linalg.eigh(_product(matrix, metric))[1][:, ::-1]
    return basis


def _normal(seen: Array, kernel: Array, moments: Moments | None) -> tuple[Array, Array]:
    """Gram matrix of the features that the first factors give, and the least-squares map from them to the outputs."""
    matrix = kernel.reshape(len(seen), -1)
    weighted = seen if moments is None else moments.second @ seen
    gram: Array = seen.T @ weighted
    ridge = 1e-10 * np.trace(gram) / len(gram) + 1e-30
    return gram, np.linalg.solve(gram + ridge * np.eye(len(gram)), weighted.T @ matrix)


def _refit(seen: Array, kernel: Array, moments: Moments | None) -> Array:
    return _normal(seen, kernel, moments)[1]


def _four(matrix: Array) -> Array:
    return matrix[None, None]
