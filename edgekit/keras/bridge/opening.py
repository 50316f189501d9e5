"""Opening up what its author has written in Keras 3 as code: custom layers and subclassed models.

Called on symbolic tensors, such code leaves a graph of built-in layers and operations of `keras.ops`, which the bridge
replays like any other: a convolution inside a custom layer is pruned and quantised as one outside is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.operands import is_tensor
from edgekit.keras.bridge.replay import leaves, pack, reason
from edgekit.keras.types import KerasModel

__all__ = ["KeepsState", "Opened", "directly_used", "opened_layer", "opened_model"]


class KeepsState(ModelError):
    """A custom layer changes variables while it runs."""


@dataclass(frozen=True)
class Opened:
    """One call of a custom layer.

    Attributes:
        model: A Keras 3 Functional model of what the call does.
        inputs: The tensors that the layer was called with, in the order of the model's inputs.
    """

    model: Any
    inputs: list[Any]


def opened_layer(layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Opened:
    """What a call of a custom Keras 3 layer does, as a model.

    Args:
        layer: A built layer.
        args, kwargs: What it is called with; the tensors may be those of tf_keras.

    Raises:
        ModelError: It does more than `keras.ops` and built-in layers can say.
    """
    keras, kind = _tf.keras3(), type(layer).__name__
    tensors = list({id(t): t for t in leaves((args, dict(kwargs))) if is_tensor(t)}.values())
    fresh = {
        id(t): keras.Input(batch_shape=tuple(t.shape), dtype=_tf.tensorflow().as_dtype(t.dtype).name) for t in tensors
    }
    args, given = pack((args, dict(kwargs)), fresh)
    try:
        with keras.StatelessScope() as scope:  # so that the user's layer keeps its state
            outputs = layer.call(*args, **given)
        if scope.state_mapping:
            raise KeepsState(
                "A custom layer keeps no state from call to call.",
                received=f"layer {layer.name!r} of type {kind}, whose call assigns to a variable",
                remedy="Make what it keeps an output of the model and, at the next call, an input.",
            )
        return Opened(keras.Model(list(fresh.values()), outputs, name=layer.name), tensors)
    except KeepsState:
        raise
    except Exception as error:  # the author's code raises what it pleases
        raise ModelError(
            "A custom layer is carried over where it computes with keras.ops or TensorFlow alone.",
            received=f"layer {layer.name!r} of type {kind}: {reason(error)}",
            remedy=f"Write keras.ops in place of other functions in {kind}.call, or give tf_keras a layer of its name: "
            f"@tf_keras.utils.register_keras_serializable() above class {kind}(tf_keras.layers.Layer).",
        ) from error


def opened_model(model: KerasModel) -> Any:
    """The Keras 3 Functional model of what a subclassed one does; None where it does not know its input's shape.

    Raises:
        ModelError: It does more than `keras.ops` and layers can say.
    """
    keras, known = _tf.keras3(), getattr(model, "_build_shapes_dict", None) or {}
    shapes = [shape for shape in known.values() if isinstance(shape, tuple) and all(map(_is_size, shape))]
    if len(shapes) != 1 or len(known) != 1:
        return None
    tensor = keras.Input(batch_shape=(None, *shapes[0][1:]))
    try:
        with keras.StatelessScope():
            outputs = model.call(tensor)
        return keras.Model(tensor, outputs, name=model.name)
    except Exception as error:  # the author's code raises what it pleases
        raise ModelError(
            "A subclassed model is carried over where it computes with layers and keras.ops.",
            received=f"{type(model).__name__} {model.name!r}: {reason(error)}",
            remedy="Write keras.ops in place of other functions, or build it with keras.Model(inputs, outputs).",
        ) from error


def directly_used(layer: Any) -> list[str]:
    """Names of the trainable weights that a layer's own code computes with, beside those of layers inside it."""
    return [weight.name for weight in getattr(layer, "_trainable_variables", ())]


def _is_size(size: object) -> bool:
    return size is None or isinstance(size, int)
