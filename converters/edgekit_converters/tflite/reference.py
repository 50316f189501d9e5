"""What a Keras model answers, to hold its file to: outputs, logits before a final softmax, and single layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data.dataset import Dataset, SplitName
from edgekit.errors import ConversionError
from edgekit.keras.lowering.inputs import with_single_batch
from edgekit.keras.lowering.recurrent import is_recurrent, keeps_state
from edgekit.keras.outputs import output_activation, softmax_inputs
from edgekit.keras.own import needs_autograph
from edgekit.keras.types import KerasModel
from edgekit.measure.parity import SAMPLES, Answer, Reference
from edgekit.tensors import Array
from edgekit_converters.tflite.calibration import Representative, bound_samples
from edgekit_converters.tflite.names import output_names, parameter_names

__all__ = ["Held", "held_of", "layer_answers", "reference_of"]

LAYERS_OF = 8
"""Samples for which the outputs of single layers are compared."""
AT_ONCE = 1 << 20
"""Numbers that go into a model at once: what its layers make of them is many times as large."""
LARGEST_LAYER = 64 << 20
"""Bytes of a layer's outputs; larger ones are left out."""


@dataclass(frozen=True)
class Held:
    """Samples that a file is held to.

    Attributes:
        samples: Preprocessed [N, ...] of the only input, or of each by name; the first 64 are taken.
        data: What they are: "validation" or "calibration".
    """

    samples: Representative
    data: str

    @property
    def compared(self) -> Representative:
        """The samples that are compared, of the many that there may be."""
        if isinstance(self.samples, Mapping):
            return {name: array[:SAMPLES] for name, array in self.samples.items()}
        return self.samples[:SAMPLES]


def held_of(dataset: Dataset) -> Held:
    """The samples of a data set that a file is held to: validation, else calibration."""
    name: SplitName = "validation" if len(dataset.splits["validation"]) else "calibration"
    return Held(dataset.samples(name), name)


def reference_of(model: KerasModel, held: Held | None, *, seed: int = 0) -> Reference:
    """The answers of a tf_keras model; random samples of a fitting range are made where none are given."""
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    if held is None:
        samples, data = random_samples(model, names, seed), "random"
    else:
        shapes = {n: tuple(t.shape[1:]) for n, t in zip(names, model.inputs, strict=True)}
        samples = bound_samples(held.compared, shapes, {})
        data = held.data
    arrays: list[Array] = [samples[n].astype(t.dtype.as_numpy_dtype) for n, t in zip(names, model.inputs, strict=True)]
    names_out = output_names(model)
    final = [output_activation(model, k) for k in range(len(names_out))]
    with ExitStack() as stack:
        called = _callable(model)
        seen = {k: stack.enter_context(softmax_inputs(called, k)) for k, a in enumerate(final) if a == "softmax"}
        rows, logits = _rows(called, arrays, seen)
    _check_finite(rows, names_out)
    columns = [np.concatenate([np.asarray(row[k], np.float32) for row in rows]) for k in range(len(names_out))]
    answers = tuple(
        _answer(name, values, activation, logits.get(k))
        for k, (name, values, activation) in enumerate(zip(names_out, columns, final, strict=True))
    )
    parameters = parameter_names(names)
    return Reference({parameters[n]: _as_fed(a) for n, a in zip(names, arrays, strict=True)}, answers, data)


def layer_answers(model: KerasModel, reference: Reference) -> list[tuple[str, Array]]:
    """Name and outputs float32 [n, ...] of each layer with one output, to the first samples, in the layers' order.

    None of a model that keeps a state from call to call: its layers take no samples side by side.
    """
    if keeps_state(model):
        return []
    keras = _tf.tf_keras()
    layers = [layer for layer in model.layers if len(layer.inbound_nodes) and not isinstance(layer.output, list | dict)]
    arrays = [a[:LAYERS_OF] for a in reference.samples.values()]
    inputs: list[Array] = [a.astype(t.dtype.as_numpy_dtype) for a, t in zip(arrays, model.inputs, strict=True)]
    probe = keras.Model(model.inputs, [layer.output for layer in layers])
    outputs = probe(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    found = [(layer.name, np.asarray(value, np.float32)) for layer, value in zip(layers, outputs, strict=True)]
    return [(name, values) for name, values in found if values.nbytes <= LARGEST_LAYER]


def random_samples(model: KerasModel, names: Sequence[str], seed: int) -> dict[str, Array]:
    """Samples that a model's inputs can take: indices that its embeddings have, pixels, or numbers of scale 1."""
    rng = np.random.default_rng(seed)
    samples: dict[str, Array] = {}
    for name, tensor in zip(names, model.inputs, strict=True):
        shape = (SAMPLES, *(n or 1 for n in tensor.shape[1:]))
        readers = [node.outbound_layer for node in tensor._keras_history.layer.outbound_nodes]
        if tensor.dtype.is_integer or tensor.dtype.is_bool:
            words = [int(r.input_dim) for r in readers if hasattr(r, "input_dim")]
            most = min(words) if words else 2 if tensor.dtype.is_bool else 256 if tensor.dtype.size == 1 else 8
            samples[name] = rng.integers(0, most, shape).astype(np.int32)
        elif any(type(r).__name__ == "Embedding" for r in readers):
            samples[name] = rng.integers(0, min(int(r.input_dim) for r in readers), shape).astype(np.float32)
        elif any(type(r).__name__ in ("Rescaling", "Normalization") for r in readers):
            samples[name] = rng.uniform(0, 255, shape).astype(np.float32)
        elif len(shape) >= 4:
            samples[name] = rng.random(shape, np.float32)
        else:
            samples[name] = rng.standard_normal(shape).astype(np.float32)
    return samples


def _callable(model: KerasModel) -> Any:
    """The model, or a copy with batch 1 and states of zero where it keeps states."""
    return with_single_batch(model) if keeps_state(model) else model


def _rows(
    model: KerasModel, arrays: Sequence[Array], seen: Mapping[int, list[Any]]
) -> tuple[list[list[Any]], dict[int, list[Any]]]:
    """The model's outputs for all samples, some at once; where it keeps states, for one after the other.

    Args:
        model: The model.
        arrays: Samples [N, ...] of each input.
        seen: By the number of an output, where its softmax notes what goes in.

    Returns:
        The outputs of each call, and what went into each softmax in each call.
    """
    tf = _tf.tensorflow()

    def call(parts: list[Any]) -> tuple[list[Any], dict[int, Any]]:
        for inputs in seen.values():
            inputs.clear()
        outputs = tf.nest.flatten(model(parts if len(parts) > 1 else parts[0], training=False))
        return outputs, {k: inputs[0] for k, inputs in seen.items() if len(inputs) == 1}  # more: of several outputs

    looping = is_recurrent(model)  # loops over time are slow step by step in Python
    asked = tf.function(call, autograph=needs_autograph(model)) if looping else call
    elements = sum(int(np.prod(array.shape[1:])) for array in arrays)
    size = 1 if keeps_state(model) else max(1, min(len(arrays[0]), AT_ONCE // elements))
    answers = [
        asked([tf.constant(array[start : start + size]) for array in arrays])
        for start in range(0, len(arrays[0]), size)
    ]
    return [outputs for outputs, _ in answers], {k: [inputs[k] for _, inputs in answers] for k in answers[0][1]}


def _answer(name: str, values: Array, activation: str | None, seen: Sequence[Any] | None) -> Answer:
    logits = None
    if seen:
        raw = np.concatenate([np.asarray(part, np.float32) for part in seen])
        logits = raw - raw.mean(axis=-1, keepdims=True) if raw.shape == values.shape else None
    classifies = activation == "softmax" or (activation == "sigmoid" and values.shape[-1] == 1)
    return Answer(name, values, logits, classifies and values.ndim > 1)


def _check_finite(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> None:
    for k, name in enumerate(names):
        if not all(np.isfinite(np.asarray(row[k], np.float32)).all() for row in rows):
            raise ConversionError(
                "A model answers its samples with finite numbers.",
                received=f"NaN or infinity of Keras itself at the output {name!r}",
                remedy="Give typical samples as data, or repair the model: its weights may not be finite.",
            )


def _as_fed(array: Array) -> Array:
    """Indices as int32 or int64, everything else as float32, as files take them."""
    return array if array.dtype.name in ("int32", "int64") else array.astype(np.float32)
