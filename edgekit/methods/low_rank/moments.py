"""What a layer's inputs look like on calibration data: the metric in which an error of its weights is one of outputs.

For a linear layer y = x W + b the expected squared error of y is tr(D^T S D) with D the error of W and S the second
moment of x (of its patches for a convolution). So one matrix per layer holds all that the decompositions need to know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.methods.low_rank.forms import Geometry
from edgekit.tensors import Array

__all__ = ["LARGEST", "Moments", "collect_moments", "moments_of"]


LARGEST = 5000
"""Inputs of one output value above which a layer gets no moments: the matrix would take over 200 MB."""
BATCH = 16
PATCHES_PER_INPUT = 8
SHRINKAGE = 0.01


@dataclass(frozen=True)
class Moments:
    """First two moments of a layer's input patches.

    Attributes:
        second: [fan_in, fan_in] float64, in the order (height, width, channel): the covariance where the layer has a
            bias, which then takes over the mean's part; else the plain second moment.
        mean: [fan_in] float64, or None where the layer has no bias.
        ridge: What of the diagonal of `second` was added to what the data showed.
    """

    second: Array
    mean: Array | None
    ridge: float = 0.0

    def by_channel(self, geometry: Geometry) -> Array:
        """[channels, channels], summed over the kernel's positions."""
        found: Array = np.einsum("kckd->cd", self._taps(geometry))
        return found

    def by_column(self, geometry: Geometry) -> Array:
        """[height * channels, height * channels], summed over the kernel's columns."""
        (high, wide), c = geometry.kernel, geometry.channels
        six = self.second.reshape(high, wide, c, high, wide, c)
        found: Array = np.einsum("ijcajb->icab", six)
        return found.reshape(high * c, high * c)

    def of_channels(self, geometry: Geometry) -> Array:
        """[channels, taps, taps], of each input channel alone."""
        found: Array = np.einsum("kclc->ckl", self._taps(geometry))
        return found

    def _taps(self, geometry: Geometry) -> Array:
        k, c = geometry.taps, geometry.channels
        return self.second.reshape(k, c, k, c)


def moments_of(layer: KerasLayer, inputs: Array) -> Moments:
    """Of one layer, from samples of its input.

    Args:
        layer: tf_keras Dense or Conv2D.
        inputs: [N, ..., channels], NHWC for a convolution.
    """
    sums = _Sums.of(layer, len(inputs), math.prod(inputs.shape[1:-1]))
    for start in range(0, len(inputs), BATCH):
        sums.add(np.asarray(inputs[start : start + BATCH], np.float32))
    return sums.moments()


def collect_moments(model: KerasModel, names: list[str], data: Array) -> Mapping[str, Moments]:
    """Of several layers of a model at once, on calibration data.

    Args:
        model: tf_keras Functional or Sequential model with one input.
        names: Layers, each called once.
        data: [N, ...] as the model takes it.

    Returns:
        Moments by name; layers with more than `LARGEST` inputs per output are left out.
    """
    keras = _tf.tf_keras()
    chosen = [n for n in names if Geometry.of(model.get_layer(n)).fan_in <= LARGEST]
    if not chosen:
        return {}
    layers = [model.get_layer(n) for n in chosen]
    taps = keras.Model(model.inputs, [_input_in(model, layer) for layer in layers])
    sums = [_Sums.of(layer, len(data), math.prod(Geometry.of(layer).size_in)) for layer in layers]
    for start in range(0, len(data), BATCH):
        seen = taps(data[start : start + BATCH], training=False)
        for total, values in zip(sums, seen if len(layers) > 1 else [seen], strict=True):
            total.add(np.asarray(values, np.float32))
    return {name: total.moments() for name, total in zip(chosen, sums, strict=True)}


def _input_in(model: KerasModel, layer: KerasLayer) -> Any:
    """The tensor that a layer takes in this model; it may have been called in another one too."""
    for depth in model._nodes_by_depth.values():
        for node in depth:
            if node.layer is layer:
                return node.input_tensors
    raise ValueError(f"{layer.name} is not in {model.name}")


@dataclass
class _Sums:
    """Running sums over a fixed, seeded choice of positions."""

    geometry: Geometry
    bias: bool
    per_sample: int
    total: Array
    square: Array
    count: int = 0

    @classmethod
    def of(cls, layer: KerasLayer, samples: int, places: int) -> _Sums:
        geometry = Geometry.of(layer)
        size = geometry.fan_in
        wanted = max(PATCHES_PER_INPUT * size, 4096)
        per_sample = min(max(places, 1), -(-wanted // samples))
        return cls(geometry, bool(layer.use_bias), per_sample, np.zeros(size), np.zeros((size, size)))

    def add(self, values: Array) -> None:
        patches = self._patches(values)
        rows = len(values) * self.per_sample
        if len(patches) > rows:
            chosen = np.random.default_rng(self.count).choice(len(patches), rows, replace=False)
            patches = patches[chosen]
        self.count += len(patches)
        self.total += patches.sum(0, dtype=np.float64)
        self.square += patches.T @ patches

    def moments(self) -> Moments:
        """With a share of the identity mixed in; few patches say little of other inputs, so they get more of it."""
        second, mean = self.square / self.count, self.total / self.count
        if self.bias:
            second = second - np.outer(mean, mean)
        size = len(second)
        share = SHRINKAGE + 0.1 * min(1.0, size / self.count)
        ridge = float(share * np.trace(second) / size) + 1e-12
        second = (second + second.T) / 2 + np.eye(size) * ridge
        return Moments(second, mean if self.bias else None, ridge)

    def _patches(self, values: Array) -> Array:
        g = self.geometry
        if g.dense:
            return values.reshape(-1, g.channels)
        found: Array = (
            _tf.tensorflow()
            .image.extract_patches(
                values, (1, *g.kernel, 1), (1, *g.strides, 1), (1, *g.dilation, 1), g.padding.upper()
            )
            .numpy()
        )
        return found.reshape(-1, g.fan_in)
