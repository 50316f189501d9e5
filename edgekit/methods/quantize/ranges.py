"""Ranges of a quantised model: set from calibration data, held still towards a training's end, handed to TF-MOT."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.keras.rewriting import copied
from edgekit.keras.types import KerasModel
from edgekit.methods.quantize.biases import round_biases
from edgekit.methods.quantize.kinds import fixed_range
from edgekit.methods.tfmot import (
    Ranges,
    hold_ranges,
    internals,
    output_quantizer,
    set_output_quantizer,
    weight_quantizers,
)
from edgekit.tensors import Array

__all__ = ["calibrate", "freezing", "settled"]

BATCH = 64
WIDER = 1 + 1e-5
"""Enough to take samples off the middle between two steps, too little to cost any precision."""


def calibrate(model: KerasModel, samples: Array) -> None:
    """Set weight ranges from the weights and value ranges from samples, in place; weights and statistics stay.

    Fresh ranges are -6..6 and move by a thousandth per batch, so a model that is trained little would clip. Each range
    becomes the mean of the batches' extremes, which training with a moving average settles on too; an input's becomes
    the extremes of all. Values pass unrounded meanwhile: a range does not clip what the next one sees.

    Args:
        model: From `quantize`.
        samples: [N, ...] preprocessed samples for the model's only input.
    """
    from edgekit.methods.quantize import quantizers

    tf = _tf.tensorflow()
    for layer in model.layers:
        for weight, quantizer, variables in weight_quantizers(layer):
            quantizer(weight, True, weights=variables)
    places = list(_places(model))
    for _, quantizer, _ in places:
        quantizer.mode, quantizer.seen = "observe", []
    for start in range(0, len(samples), BATCH):
        model(tf.constant(samples[start : start + BATCH]), training=False)
    for _, quantizer, variables in places:
        quantizer.mode = "train"
        seen = np.array(quantizer.seen)
        if not len(seen):
            continue
        is_input = isinstance(quantizer, quantizers.InputRange)
        low, high = (seen[:, 0].min(), seen[:, 1].max()) if is_input else seen.mean(0)
        low, high = min(low, 0.0), max(high, 0.0)
        if is_input and _on_the_fence(samples, low, high):
            low, high = low * WIDER, high * WIDER
        variables["min_var"].assign(low)
        variables["max_var"].assign(high)


def _on_the_fence(samples: Array, low: float, high: float) -> bool:
    """Whether samples lie midway between two steps (8 of 0..16 does), where a last bit decides how they are rounded."""

    scale = (high - low) / 255
    if scale <= 0:
        return False
    levels = np.asarray(samples[:BATCH], dtype=np.float64) / scale
    return bool(np.any(np.abs(levels - np.floor(levels) - 0.5) < 1e-4))


def freezing(model: KerasModel, fraction: float, epochs: int) -> Any:
    """A callback that freezes batch-norm statistics and value ranges for the last epochs of a training.

    From then on batch normalisation works as at inference while its scale and offset go on learning (Krishnamoorthi
    2018, arXiv:1806.08342, section 7.2). The train step is traced anew once; nothing runs per step.

    Args:
        model: From `quantize`.
        fraction: Fraction of the epochs that see moving statistics, in (0, 1]; the first epoch always does.
        epochs: How many there are.
    """
    from edgekit.methods.quantize.callbacks import Freeze

    first = max(1, math.ceil(fraction * epochs))
    norms = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    return Freeze(first, [quantizer for _, quantizer, _ in _places(model)], norms)


def settled(model: KerasModel) -> Any:
    """The same model with TF-MOT's own quantizers of values and with biases on the file's grid; for good."""
    from edgekit.methods.quantize import quantizers

    mot = internals()
    for layer, quantizer, variables in list(_places(model)):
        is_input = isinstance(quantizer, quantizers.InputRange)
        plain = (mot.quantizers.AllValuesQuantizer if is_input else mot.quantizers.MovingAverageQuantizer)(
            **quantizers.BITS
        )
        set_output_quantizer(layer, plain)
        if isinstance(quantizer, quantizers.LearnedRange):
            variables["min_var"].assign(min(float(variables["min_var"]), 0.0))
            variables["max_var"].assign(max(float(variables["max_var"]), 0.0))
            hold_ranges(layer, variables)
    round_biases(model)
    return _with_rounded_ends(model)


def _with_rounded_ends(model: KerasModel) -> Any:
    """The last softmax or sigmoid rounded as the file stores it: in training that would cost the loss its gradient."""
    mot, outputs = internals(), []
    for tensor in model.outputs:
        layer = tensor._keras_history.layer
        fixed = fixed_range(layer)
        if fixed is not None and len(layer.inbound_nodes) == 1:
            config = mot.Fixed(mot.PerTensor([], [], True), 8, *fixed, False)
            tensor = mot.Wrapper(copied(layer, f"{layer.name}_rounded"), config, name=layer.name)(layer.input)
        outputs.append(tensor)
    if all(new is old for new, old in zip(outputs, model.outputs, strict=True)):
        return model
    ends = outputs if isinstance(model._nested_outputs, list | tuple) else outputs[0]
    return _tf.tf_keras().Model(model._nested_inputs, ends, name=model.name)


def _places(model: KerasModel) -> Iterator[tuple[Any, Any, Ranges]]:
    """(layer, quantizer, its variables) of every value that is rounded to a range from data."""
    for layer in model.layers:
        rounded = output_quantizer(layer)
        if rounded is not None and rounded[1]:
            yield layer, *rounded
