"""How near each operator of a file is to its Keras model."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgekit import tflite
from edgekit.errors import ModelError, RuntimeFailed
from edgekit.keras.lowering.recurrent import keeps_state
from edgekit.keras.types import KerasModel
from edgekit.measure.parting import operator_db
from edgekit_converters.tflite.reference import LAYERS_OF, Held, layer_answers, reference_of

__all__ = ["operator_nearness"]

MOST_BYTES = 64 << 20
"""Of all layers' outputs to all samples that are compared: of a large model, fewer samples are."""


def operator_nearness(file: tflite.Model, model: KerasModel, held: Held) -> tuple[float | None, ...] | None:
    """SQNR in dB of each operator of the first graph against the layer that it computes, on up to eight samples.

    Args:
        file: What the model has become.
        model: A tf_keras model.
        held: The samples.

    Returns:
        One for each operator, None where no layer has its output; None where nothing can be compared at all: of
        models that keep a state from call to call, and of files that do not run with more outputs.
    """
    few = _few(model)
    if few < 2 or keeps_state(model):  # one sample alone shows no signal
        return None
    samples = held.compared
    taken = {n: a[:few] for n, a in samples.items()} if isinstance(samples, Mapping) else samples[:few]
    reference = reference_of(model, Held(taken, held.data))
    try:
        found = operator_db(file, reference.samples, layer_answers(model, reference), reference.answers)
    except (ModelError, RuntimeFailed):
        return None
    return found if any(near is not None for near in found) else None


def _few(model: KerasModel) -> int:
    """Samples for which the outputs of all layers stay within the bound."""
    outputs = [layer.output for layer in model.layers if len(layer.inbound_nodes)]
    shapes = [output.shape[1:] for output in outputs if not isinstance(output, list | dict)]
    numbers = sum(math.prod(size or 1 for size in shape) for shape in shapes)
    return min(LAYERS_OF, MOST_BYTES // max(4 * numbers, 1))
