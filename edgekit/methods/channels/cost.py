"""What a choice of channels would cost, counted before anything is built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.keras.kinds import kind_of
from edgekit.keras.macs import layer_macs
from edgekit.keras.types import KerasLayer
from edgekit.methods.channels.graph import Channels, Cut

__all__ = ["Cost", "Unit", "cost_of"]

Keep = NDArray[np.bool_]
Unit = Literal["macs", "params", "bytes"]


@dataclass(frozen=True)
class Cost:
    """Counts one figure of a model for any choice of its channels.

    Attributes:
        channels: What `analyse` gave.
        unit: macs of one inference; params, all weights; bytes, the weights in a `.tflite` (batch normalisation folded
            into the layer before it; biases in 4 bytes).
        integer: Whether kernels take 1 byte, as in an int8 file, or 4.
        fixed: What layers cost that no choice changes.
    """

    channels: Channels
    unit: Unit
    integer: bool
    fixed: int

    def __call__(self, keep: Keep) -> int:
        return self.fixed + sum(self._layer(cut, keep) for cut in self.channels.cuts.values())

    def _layer(self, cut: Cut, keep: Keep) -> int:
        if self.unit == "macs":
            return _macs(cut, keep)
        total = 0
        for weight, axes in zip(cut.layer.weights, cut.weights, strict=True):
            shape = [int(keep[axes[i]].sum()) if i in axes else int(n) for i, n in enumerate(weight.shape)]
            total += math.prod(shape) * (1 if self.unit == "params" else self._bytes(cut.layer, len(shape)))
        return total

    def _bytes(self, layer: KerasLayer, rank: int) -> int:
        if kind_of(layer).is_batch_norm:
            return 0
        return 1 if rank > 1 and self.integer else 4


def cost_of(channels: Channels, unit: Unit, *, integer: bool = True) -> Cost | None:
    """A counter of one figure, or None where shapes are open and MACs cannot be counted."""
    others = [step.operation for step in channels.steps if step.operation.name not in channels.cuts]
    if unit != "macs":
        fixed = sum(math.prod(w.shape) * (4 if unit == "bytes" else 1) for layer in others for w in layer.weights)
        return Cost(channels, unit, integer, int(fixed))
    counts = [layer_macs(layer) for layer in (*others, *(cut.layer for cut in channels.cuts.values()))]
    if any(c is None for c in counts):
        return None
    return Cost(channels, unit, integer, sum(c or 0 for c in counts[: len(others)]))


def _macs(cut: Cut, keep: Keep) -> int:
    """MACs of one layer; where nothing is known to change, its own."""
    flow = kind_of(cut.layer).channels
    outputs = None if cut.outputs is None else int(keep[cut.outputs].sum())
    if flow == "attention" and cut.heads is not None:
        widths = [int(keep[cut.widths[f"{n}_shape"]].sum()) for n in ("query", "value", "key")]
        return layer_macs(cut.layer, inputs=widths, outputs=outputs, heads=int(keep[cut.heads].sum())) or 0
    if flow == "depthwise":
        given = next((ids for axes in cut.weights for ids in axes.values()), None)  # the kernel's input axis
        kept = None if given is None else int(keep[given].sum())
        spread = None if kept is None else kept * cut.layer.depth_multiplier
        return layer_macs(cut.layer, inputs=None if kept is None else [kept], outputs=spread) or 0
    inputs = [int(keep[ids].sum()) for ids in cut.inputs.values()] or None
    return layer_macs(cut.layer, inputs=inputs, outputs=outputs) or 0
