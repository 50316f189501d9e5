"""From Keras 3 to tf_keras: the same model, flat, with the same weights, names and outputs."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.compare import TOLERANCE, assert_same_outputs
from edgekit.keras.bridge.keras3 import Keras3Reader
from edgekit.keras.bridge.layers import float32_for
from edgekit.keras.bridge.replay import Names, inline, leaves, pack, scope_name
from edgekit.keras.bridge.translation import Translation
from edgekit.keras.types import KerasModel

__all__ = ["bridge"]

_HALF_TOLERANCE = 2e-2  # a model that computes in half precision rounds at about 1e-3 per layer


def bridge(model: KerasModel, *, unsafe: bool = False, seed: int = 0) -> Any:
    """Rebuild a Keras 3 model in tf_keras, the Keras that TF-MOT takes.

    The result is flat: nested models are opened up. Layers keep their names ("outer_inner" where two clash), inputs
    their names and the structure (list, dict) too. Shared layers stay shared. Float types become float32, because a
    device gets float32 or integers. Before it is returned, both models are run on seeded random inputs.

    Args:
        model: A built Keras 3 model. Custom layers and subclassed models are opened up: what they do with built-in
            layers and `keras.ops` is carried over.
        unsafe: Carry over the Python functions of Lambda layers and custom activations. They are its author's code.
        seed: Seed of the random inputs of the comparison.

    Returns:
        A tf_keras Functional model, not compiled.

    Raises:
        ModelError: A layer or operation has no equivalent (it is named), or the outputs differ by more than 1e-4,
            relative to the outputs where they exceed 1.
    """
    keras = _tf.keras3()
    if not isinstance(model, keras.Model):
        raise ModelError(
            "The bridge takes a Keras 3 model.",
            received=f"{type(model).__module__.partition('.')[0]} {type(model).__name__}",
            remedy="A tf_keras model needs no bridge; edgekit.keras.flatten opens up the models nested in it.",
        )
    new = _rebuild(model, unsafe)
    half = any("16" in layer.compute_dtype for layer in model._flatten_layers() if isinstance(layer.compute_dtype, str))
    assert_same_outputs(model, new, seed=seed, tolerance=_HALF_TOLERANCE if half else TOLERANCE)
    return new


def _rebuild(model: KerasModel, unsafe: bool) -> Any:
    tf_keras, reader = _tf.tf_keras(), Keras3Reader()
    graph, names = reader.graph(model), Names()
    inputs = []
    for tensor in leaves(graph.inputs):
        name = names.fresh(tensor._keras_history.operation.name)
        inputs.append(
            tf_keras.Input(batch_shape=tuple(tensor.shape), dtype=float32_for(tensor.dtype), name=name),
        )
    names.reserve(model, reader)
    translation = Translation(names, unsafe, lambda inner: _rebuild(inner, unsafe))
    outputs = inline(model, inputs, reader, translation.call)
    old_inputs, old_outputs = leaves(graph.inputs), leaves(graph.outputs)
    return tf_keras.Model(
        inputs=pack(graph.inputs, {id(old): new for old, new in zip(old_inputs, inputs, strict=True)}),
        outputs=pack(graph.outputs, {id(old): new for old, new in zip(old_outputs, outputs, strict=True)}),
        name=scope_name(model.name),
    )
