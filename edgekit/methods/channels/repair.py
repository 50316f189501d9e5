"""Making up for removed channels without training: biases, batch-norm statistics, and kernels by least squares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf
from edgekit.keras.bridge.replay import leaves
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor
from edgekit.methods.channels.graph import Channels, Cut, analyse
from edgekit.methods.channels.walk import batches, walk
from edgekit.tensors import Array

__all__ = ["correct", "reconstruct"]

Keep = NDArray[np.bool_]
_BATCH = 64
"""Samples at a time where statistics of a batch are taken."""
_POSITIONS = 16
"""Places of each image at which a layer's input is sampled; He et al. take 10."""
_RIDGE = 1e-2
"""Weight of the old kernel, relative to the mean variance of an input."""
_MOST_ROWS = 2400
"""Inputs of one output value (kernel height x width x channels) up to which the normal equations are cheap."""


def correct(
    old: KerasModel, new: KerasModel, channels: Channels, keep: Keep, x: Array, *, done: frozenset[str] = frozenset()
) -> None:
    """Give back the mean of what was removed, in place.

    What a removed channel added in the mean to a dense layer or convolution goes into that layer's bias, as if the
    image had no border. Moving means move, and moving variances are scaled, by how pruning changed them on calibration
    data, so that a model that nothing was taken from keeps its own, which more data made.

    Args:
        old: The tf_keras model that was analysed.
        new: What `shrink` made of it.
        channels, keep: What was known, and what stayed.
        x: Calibration samples [N, ...].
        done: Layers whose bias is right already, as `reconstruct` says.
    """
    readers = {name: cut for name, cut in _readers(channels, keep).items() if name not in done}
    means = _input_means(old, channels, readers, x) if readers else {}
    for name, mean in means.items():
        _add_to_bias(new.get_layer(name), _contribution(readers[name], mean, keep))
    _move_statistics(old, new, channels, keep, x)


def reconstruct(
    old: KerasModel, new: KerasModel, channels: Channels, keep: Keep, x: Array, *, seed: int
) -> frozenset[str]:
    """Fit the kernels that read fewer channels to the outputs that they gave before, by least squares, in place.

    He et al. 2017 (arXiv:1707.06168, section 3.1) without its choice of channels, which the importance has made. Dense
    layers and convolutions of up to 2,400 inputs for each output; ridge regression around the sliced kernel.

    Args:
        old: The tf_keras model that was analysed.
        new: What `shrink` made of it.
        channels, keep: What was known, and what stayed.
        x: Calibration samples [N, ...].
        seed: Seed of the places at which inputs are sampled.

    Returns:
        The names of the layers that were fitted, biases included.
    """
    readers = {n: c for n, c in _readers(channels, keep).items() if _is_plain(c) and _rows(c) <= _MOST_ROWS}
    sums = {name: _Sums.of(_rows(cut)) for name, cut in readers.items()}
    rng = np.random.default_rng(seed)

    def look(name: str, place: int, value: KerasTensor) -> Any:
        if name in readers:
            sums[name].add(_sampled(readers[name].layer, value, rng))
        return value

    if readers:
        for _, batch in batches(x):
            walk(channels, old, batch, look)
    for name, cut in readers.items():
        layer = new.get_layer(name)
        _fit(layer, cut, keep, sums[name], centred=cut.layer.use_bias or _only_normalized(channels, name))
    return frozenset(readers)


def _readers(channels: Channels, keep: Keep) -> dict[str, Cut]:
    """Layers with one input of which some channels are gone, and whose output is linear in it."""
    return {
        name: cut
        for name, cut in channels.cuts.items()
        if set(cut.inputs) == {0}
        and not keep[cut.inputs[0]].all()
        and (_is_plain(cut) or kind_of(cut.layer).channels == "separable")
    }


def _is_plain(cut: Cut) -> bool:
    return kind_of(cut.layer).channels in ("dense", "convolution") and getattr(cut.layer, "padding", "same") in (
        "same",
        "valid",
    )


def _rows(cut: Cut) -> int:
    return math.prod(cut.layer.kernel.shape[:-1])


def _input_means(model: KerasModel, channels: Channels, readers: Mapping[str, Cut], x: Array) -> dict[str, Array]:
    """Mean of each channel of the layers' inputs, over samples and positions."""
    means = {name: np.zeros(len(cut.inputs[0])) for name, cut in readers.items()}

    def look(name: str, place: int, value: KerasTensor) -> Any:
        if name in readers:
            values = value.numpy()
            means[name] += values.mean(axis=tuple(range(values.ndim - 1)), dtype=np.float64) * len(values) / len(x)
        return value

    for _, batch in batches(x):
        walk(channels, model, batch, look)
    return means


def _contribution(cut: Cut, mean: Array, keep: Keep) -> Array:
    """What the removed channels add in the mean to each output that stays."""
    gone = np.where(keep[cut.inputs[0]], 0.0, mean)
    weights = cut.layer.get_weights()
    if kind_of(cut.layer).channels == "separable":
        spatial = tuple(range(weights[0].ndim - 2))
        spread = (weights[0].sum(axis=spatial) * gone[:, None]).reshape(-1)
        added = spread @ weights[1].reshape(len(spread), -1)
    else:
        kernel = weights[0]
        added = gone @ kernel.sum(axis=tuple(range(kernel.ndim - 2)))
    return np.asarray(added[keep[cut.outputs]] if cut.outputs is not None else added)


def _add_to_bias(layer: KerasLayer, added: Array) -> None:
    if layer.use_bias:  # without one, batch normalisation follows as a rule, and its mean moves
        layer.bias.assign_add(added.astype(layer.bias.dtype.as_numpy_dtype))


def _move_statistics(old: KerasModel, new: KerasModel, channels: Channels, keep: Keep, x: Array) -> None:
    before = _moments(old, channels, x)
    after = _moments(new, analyse(new), x) if before else {}
    for name, (mean, variance) in after.items():
        layer, stay = new.get_layer(name), keep[channels.cuts[name].weights[0][0]]
        old_mean, old_variance = (values[stay] for values in before[name])
        layer.moving_mean.assign_add(mean - old_mean)
        # With epsilon, as the layer divides: the ratio of two variances that are next to nothing says nothing.
        ratio = (variance + layer.epsilon) / (old_variance + layer.epsilon)
        moved = (layer.moving_variance.numpy() + layer.epsilon) * ratio - layer.epsilon
        layer.moving_variance.assign(np.maximum(moved, 0.0))


def _moments(model: KerasModel, channels: Channels, x: Array) -> dict[str, tuple[Array, Array]]:
    """Mean and variance of what goes into each batch normalisation, where each normalises by its own batches."""
    tf = _tf.tensorflow()
    found: dict[str, list[tuple[int, Array, Array]]] = {}

    def run(layer: KerasLayer, value: KerasTensor) -> Any:
        cut = channels.cuts.get(layer.name)
        if not kind_of(layer).is_batch_norm or cut is None or not cut.weights[0]:
            return None
        mean, variance = tf.nn.moments(value, list(range(len(value.shape) - 1)))
        found.setdefault(layer.name, []).append((len(value), mean.numpy(), variance.numpy()))
        return tf.nn.batch_normalization(value, mean, variance, layer.beta, layer.gamma, layer.epsilon)

    if not any(kind_of(cut.layer).is_batch_norm for cut in channels.cuts.values()):
        return {}
    for _, batch in batches(x, _BATCH):
        walk(channels, model, batch, lambda name, place, value: value, run=run)
    moments = {}
    for name, parts in found.items():
        counts = [n for n, _, _ in parts]
        means, variances = np.stack([m for _, m, _ in parts]), np.stack([v for _, _, v in parts])
        mean = np.average(means, axis=0, weights=counts)
        moments[name] = mean, np.average(variances + (means - mean) ** 2, axis=0, weights=counts)
    return moments


@dataclass
class _Sums:
    """Sums over samples of a layer's input rows and of their products."""

    count: int
    first: Array
    second: Array

    @classmethod
    def of(cls, rows: int) -> _Sums:
        return cls(0, np.zeros(rows), np.zeros((rows, rows)))

    def add(self, rows: Array) -> None:
        self.count += len(rows)
        self.first += rows.sum(axis=0, dtype=np.float64)
        self.second += rows.T @ rows


def _sampled(layer: KerasLayer, value: KerasTensor, rng: np.random.Generator) -> Array:
    """Rows [samples, inputs of one output], at random places of the output."""
    values: Array = value.numpy()
    if kind_of(layer).channels == "dense":
        rows = values.reshape(-1, values.shape[-1])
        most = _POSITIONS * len(values)
        return rows if len(rows) <= most else rows[rng.choice(len(rows), most, replace=False)]
    pads, starts = [(0, 0)], []
    for size, width, stride, dilation in zip(
        values.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        span = (width - 1) * dilation + 1
        places = -(-size // stride) if layer.padding == "same" else (size - span) // stride + 1
        pad = max((places - 1) * stride + span - size, 0) if layer.padding == "same" else 0
        pads.append((pad // 2, pad - pad // 2))
        starts.append(rng.integers(0, places, _POSITIONS) * stride)
    padded = np.pad(values, [*pads, (0, 0)])
    found = []
    for place in set(zip(*(s.tolist() for s in starts), strict=True)):
        window = tuple(
            slice(first, first + (width - 1) * dilation + 1, dilation)
            for first, width, dilation in zip(place, layer.kernel_size, layer.dilation_rate, strict=True)
        )
        found.append(padded[(slice(None), *window)].reshape(len(values), -1))
    return np.concatenate(found)


def _fit(layer: KerasLayer, cut: Cut, keep: Keep, sums: _Sums, *, centred: bool) -> None:
    kernel = cut.layer.kernel.numpy()
    taps = len(sums.first) // len(cut.inputs[0])
    stay = np.tile(keep[cut.inputs[0]], taps)
    flat = kernel.reshape(len(stay), -1)
    flat = flat[:, keep[cut.outputs]] if cut.outputs is not None else flat
    mean = sums.first / sums.count
    products = sums.second / sums.count - (np.outer(mean, mean) if centred else 0.0)
    inner = products[np.ix_(stay, stay)]
    ridge = _RIDGE * float(np.mean(np.diag(inner))) + 1e-8
    moved = np.linalg.solve(inner + ridge * np.eye(len(inner)), products[np.ix_(stay, ~stay)] @ flat[~stay])
    layer.kernel.assign((flat[stay] + moved).reshape(layer.kernel.shape))
    if layer.use_bias:
        _add_to_bias(layer, mean[~stay] @ flat[~stay] - mean[stay] @ moved)


def _only_normalized(channels: Channels, name: str) -> bool:
    """Whether all that reads a layer's output is batch normalisation, to which a constant does not matter."""
    made = next(step.outputs[0] for step in channels.steps if step.operation.name == name)
    readers = [s.operation for s in channels.steps if any(t is made for t in leaves((s.args, s.kwargs)))]
    return bool(readers) and all(kind_of(layer).is_batch_norm for layer in readers)
