"""Biases on the grid of the integer file, so that the file's accumulators are those of the Keras model.

A file stores a bias in steps of (input scale) x (weight scale), after batch normalisation is folded in. The rest that
rounding drops is far below one step of the output, but it tips values that lie near the middle between two, and every
tipped value tips more in the next layer. Moving the Keras biases onto the grid leaves nothing to drop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.keras.bridge.replay import Step, leaves, steps_of
from edgekit.keras.kinds import kind_of
from edgekit.keras.rewriting import TfKerasReader
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.methods.tfmot import Ranges, internals, output_quantizer, weight_quantizers
from edgekit.tensors import Array

__all__ = ["round_biases"]


def round_biases(model: KerasModel) -> None:
    """Move biases, or the offsets of the batch normalisations that take them in, to whole steps, in place.

    Args:
        model: A rounded model whose ranges and weights are final.
    """
    graph = TfKerasReader().graph(model)
    steps = steps_of(graph)
    scales: dict[int, float] = {}
    consumers: dict[int, list[Any]] = {}
    for step in steps:
        for tensor in leaves((step.args, step.kwargs)):
            consumers.setdefault(id(tensor), []).append(step)
    calls = [id(step.operation) for step in steps]
    for step in steps:
        layer, tensor = step.operation, step.args[0] if step.args else None
        if _is_weighted(layer) and id(tensor) in scales and calls.count(id(layer)) == 1:
            _round(layer, scales[id(tensor)] * _weight_scale(layer), _norm_after(step, consumers))
        scale = _output_scale(layer, scales.get(id(tensor)))
        if scale is not None:
            scales[id(step.outputs[0])] = scale


def _is_weighted(layer: KerasLayer) -> bool:
    return isinstance(layer, internals().Wrapper) and hasattr(layer.layer, "use_bias")


def _weight_scale(layer: KerasLayer) -> Array:
    """One step of the weights: a scalar, or a value for each output channel."""
    _, _, variables = weight_quantizers(layer)[0]
    return np.asarray(variables["max_var"].numpy(), dtype=np.float64) / 127


def _output_scale(layer: KerasLayer, incoming: float | None) -> float | None:
    rounded = output_quantizer(layer)
    if rounded is not None:
        quantizer, variables = rounded
        if isinstance(quantizer, internals().quantizers.FixedQuantizer):
            return float(quantizer.init_max - quantizer.init_min) / 255
        return _span(variables) if variables else None
    if isinstance(layer, internals().Wrapper):
        return None
    return incoming if kind_of(layer).scale == "same" else None


def _span(variables: Ranges) -> float:
    return float(variables["max_var"].numpy() - variables["min_var"].numpy()) / 255


def _norm_after(step: Step, consumers: dict[int, list[Any]]) -> Any:
    """The batch normalisation that takes a layer's output in, or None."""
    if output_quantizer(step.operation) or not kind_of(step.operation.layer).folds_batch_norm:
        return None
    after = consumers.get(id(step.outputs[0]), [])
    while len(after) == 1 and kind_of(after[0].operation).is_gone:
        after = consumers.get(id(after[0].outputs[0]), [])
    return after[0].operation if len(after) == 1 and hasattr(after[0].operation, "moving_mean") else None


def _round(layer: KerasLayer, grid: Array, norm: KerasLayer | None) -> None:
    bias = layer.layer.bias if layer.layer.use_bias else None
    if norm is None:
        if bias is not None:
            bias.assign(_to_grid(bias.numpy().astype(np.float64), grid))
        return
    if not norm.center or kind_of(layer.layer).channels == "dense":  # whose weights get other steps by the folding
        return
    gain = 1 / np.sqrt(norm.moving_variance.numpy().astype(np.float64) + norm.epsilon)
    gain = gain * norm.gamma.numpy() if norm.scale else gain
    folded = -norm.moving_mean.numpy().astype(np.float64) * gain
    folded = folded + bias.numpy() * gain if bias is not None else folded
    offset = norm.beta.numpy().astype(np.float64)
    norm.beta.assign(_to_grid(folded + offset, np.abs(grid * gain)) - folded)


def _to_grid(values: Array, grid: Array) -> Array:
    safe = np.where(grid > 0, grid, 1)
    return np.where(grid > 0, np.round(values / safe) * safe, values)
