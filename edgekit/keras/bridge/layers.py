"""Making the tf_keras layer that equals a Keras 3 layer, and giving it the weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.emit import NATIVE_ACTIVATIONS
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer
from edgekit.places import by_place

__all__ = ["Made", "activation_name", "float32_for", "has_equivalent", "make_layer", "transfer_weights"]

_NATIVE_ONLY_REMEDY = "Use one of: " + ", ".join(sorted(NATIVE_ACTIVATIONS)) + "."


@dataclass(frozen=True)
class Made:
    """A tf_keras layer and what must follow it.

    Attributes:
        layer: The tf_keras layer, not built yet.
        activation: The Keras 3 activation that tf_keras cannot compute inside the layer: the name of a function of
            `keras.activations`, or a Keras 3 layer; None where the layer is complete.
    """

    layer: KerasLayer
    activation: Any = None


def make_layer(layer: KerasLayer, name: str, *, unsafe: bool = False, bridge: Callable[[Any], Any]) -> Made:
    """The tf_keras equivalent of a Keras 3 layer, without weights.

    Args:
        layer: A Keras 3 layer; all float types become float32, because that is what devices are given.
        name: What to call the new one.
        unsafe: Carry Python functions over (of Lambda layers and custom activations).
        bridge: Turns a model that a wrapper such as TimeDistributed holds into a tf_keras model.

    Raises:
        ModelError: tf_keras has no such layer, or not with these arguments.
    """
    kind = type(layer).__name__
    if kind == "Lambda" and _built_in(layer):
        return Made(_lambda(layer, name, unsafe))
    _refuse_quantized(layer)
    make = _equivalent(layer)
    config = {**layer.get_config(), "name": name, "dtype": float32_for(layer.dtype_policy.variable_dtype)}
    config.pop("trainable", None)
    for old, new in kind_of(layer).renamed.items():
        config[new] = config.pop(old)
    if kind == "Normalization":
        config |= _statistics(layer)
    for key, attribute in kind_of(layer).holds.items():
        config[key] = _inner(getattr(layer, attribute), layer, unsafe, bridge)
    after = _translate_activations(layer, config, unsafe)
    _translate_objects(layer, config)
    try:
        return Made(make(**_accepted(layer, make, config)), after)
    except (TypeError, ValueError) as error:
        raise _unfit(layer, str(error)) from error


def transfer_weights(old: KerasLayer, new: KerasLayer) -> None:
    """Copy the weights of a Keras 3 layer to its built tf_keras equivalent, and whether they are trainable.

    Raises:
        ModelError: The numbers or shapes of the weights differ.
    """
    own = old.weights
    activation = getattr(old, "activation", None)
    if activation is not None and isinstance(
        activation, _tf.keras3().layers.Layer
    ):  # becomes a layer of its own, with its own weights
        theirs = {id(w) for w in activation.weights}
        own = [w for w in own if id(w) not in theirs]
    values = [] if type(old).__name__ == "Normalization" else [w.numpy() for w in own]
    expected, received = [tuple(w.shape) for w in new.weights], [v.shape for v in values]
    if expected != received:
        raise ModelError(
            f"The weights of layer {old.name!r} ({type(old).__name__}) must fit its tf_keras equivalent {expected}.",
            received=received,
            remedy="Replace the layer by another built-in one.",
        )
    new.set_weights(values)
    if not old.trainable:
        new.trainable = False


def float32_for(dtype: str) -> str:
    """The type itself, or float32 for every float type."""
    return "float32" if "float" in dtype else dtype


def _built_in(layer: KerasLayer) -> bool:
    return getattr(_tf.keras3().layers, type(layer).__name__, None) is type(layer)


def has_equivalent(layer: KerasLayer) -> bool:
    """Whether tf_keras may have the layer: it is built in, or its author has registered one of the same name."""
    return type(layer).__module__.partition(".")[0] == "keras" or _registered(type(layer)) is not None


def _registered(kind: type) -> Any:
    find = _tf.tf_keras().utils.get_registered_object
    return find(_tf.keras3().saving.get_registered_name(kind)) or find(kind.__name__)


def _equivalent(layer: KerasLayer) -> Any:
    kind = type(layer)
    if not _built_in(layer):
        if (own := _registered(kind)) is not None:
            return own
        raise ModelError(
            "A layer inside a wrapper needs a tf_keras equivalent, and a custom layer has none.",
            received=f"layer {layer.name!r} of type {kind.__name__}",
            remedy="Replace it by built-in layers, or register a tf_keras layer of the same name with "
            "tf_keras.utils.register_keras_serializable.",
        )
    if kind_of(layer).needs_text_tables:
        raise ModelError(
            "Text and look-up layers do not run on devices.",
            received=f"layer {layer.name!r} of type {kind.__name__}",
            remedy="Do this step in the data's preprocessing, and begin the model with the integers it gives.",
        )
    equivalent = getattr(_tf.tf_keras().layers, kind.__name__, None)
    if equivalent is None:
        raise _unfit(layer, f"tf_keras has no layer {kind.__name__}")
    return equivalent


def _refuse_quantized(layer: KerasLayer) -> None:
    if getattr(layer, "quantization_mode", None) is not None:
        raise _unfit(layer, f"its weights are already quantized ({layer.quantization_mode})")


def _lambda(layer: KerasLayer, name: str, unsafe: bool) -> Any:
    if not unsafe:
        raise ModelError(
            "A Lambda layer runs Python code of the model's author, so it needs consent.",
            received=f"layer {layer.name!r}",
            remedy=f"Replace it by built-in layers, or pass {by_place(command='--unsafe', python='unsafe=True')} "
            "if you trust the model.",
        )
    return _tf.tf_keras().layers.Lambda(layer.function, arguments=layer.arguments, mask=layer.mask, name=name)


def _inner(value: Any, outer: Any, unsafe: bool, bridge: Callable[[Any], Any]) -> Any:
    """The equivalent of what a wrapper holds: a layer, a model, or several cells."""
    if isinstance(value, list | tuple):
        return [_inner(item, outer, unsafe, bridge) for item in value]
    if isinstance(value, _tf.keras3().Model):
        return bridge(value)
    # Bidirectional puts these prefixes before the names of what it holds.
    name = value.name.removeprefix("forward_").removeprefix("backward_")
    made = make_layer(value, name, unsafe=unsafe, bridge=bridge)
    if made.activation is not None:
        raise ModelError(
            f"Inside {type(outer).__name__} an activation must be one that tf_keras has.",
            received=f"{made.activation!r} in layer {outer.name!r}",
            remedy=_NATIVE_ONLY_REMEDY,
        )
    return made.layer


def _statistics(layer: KerasLayer) -> dict[str, Any]:
    """A Normalization layer's mean and variance as constants, which is what tf_keras makes fixed numbers of."""
    if layer.mean is None:
        raise _unfit(layer, "it is not adapted to data yet")
    mean, variance = (_tf.keras3().ops.convert_to_numpy(v).ravel() for v in (layer.mean, layer.variance))
    if mean.size == 1:
        return {"mean": float(mean[0]), "variance": float(variance[0])}
    return {"mean": mean.tolist(), "variance": variance.tolist()}


def _translate_activations(layer: KerasLayer, config: dict[str, Any], unsafe: bool) -> Any:
    """Replace activations by what tf_keras understands; the one that it cannot compute is taken out and returned."""
    after = None
    for key in ("activation", "recurrent_activation"):
        if config.get(key) is None:
            continue
        function = getattr(layer, key, None) or getattr(layer.cell, key)
        native = activation_name(function)
        recurrent = "recurrent_kernel_initializer" in config or "recurrent_initializer" in config
        if native in NATIVE_ACTIVATIONS:
            config[key] = native
        elif unsafe and native is None and not isinstance(function, _tf.keras3().layers.Layer):
            config[key] = function
        elif recurrent or (native is None and not isinstance(function, _tf.keras3().layers.Layer)):
            raise ModelError(
                "An activation must be a built-in one, and inside a recurrent layer one that tf_keras has.",
                received=f"{native or getattr(function, '__name__', function)!r} in layer {layer.name!r}",
                remedy=_NATIVE_ONLY_REMEDY,
            )
        else:
            config[key], after = "linear", native or function
    return after


def activation_name(function: Any) -> str | None:
    """The name under which Keras 3 (or tf.nn) exports an activation function; None for anyone else's."""
    name = getattr(function, "__name__", "")
    known = (getattr(_tf.keras3().activations, name, None), getattr(_tf.tensorflow().nn, name, None))
    return name if name and any(function is k for k in known) else None


def _translate_objects(layer: KerasLayer, config: dict[str, Any]) -> None:
    """Replace the serialised initializers, regularizers and constraints by tf_keras objects."""
    for key, value in config.items():
        if not (isinstance(value, dict) and "class_name" in value):
            continue
        kind = next((k for k in ("initializer", "regularizer", "constraint") if key.endswith(k)), None)
        make = getattr(getattr(_tf.tf_keras(), f"{kind}s"), value["class_name"], None) if kind else None
        if make is not None:
            known = _parameters(make)
            config[key] = make(**{k: v for k, v in value["config"].items() if k in known and not isinstance(v, dict)})
        elif kind == "initializer":
            config[key] = "zeros"  # the weights come from the old layer, so it is never seen
        else:
            raise _unfit(layer, f"its {key} is a {value['class_name']}")


def _accepted(layer: KerasLayer, make: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the tf_keras layer takes; the others must be at their defaults, so that nothing is lost."""
    known, defaults = _parameters(make), _parameters(type(layer))
    if "return_sequences" in known:
        known["zero_output_for_mask"] = False  # taken as **kwargs
    kept = {}
    for key, value in config.items():
        if key in known:
            kept[key] = value
        elif key != "seed" and value not in (None, False, "channels_last", defaults.get(key)):
            raise _unfit(layer, f"tf_keras does not know its argument {key}={value!r}")
    return kept


def _parameters(kind: type) -> dict[str, Any]:
    """Name -> default of what a class's constructor and those above it take."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if "__init__" not in base.__dict__:
            continue
        parameters = inspect.signature(base.__dict__["__init__"]).parameters.values()
        for p in parameters:
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                found.setdefault(p.name, p.default)
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return found


def _unfit(layer: KerasLayer, reason: str) -> ModelError:
    return ModelError(
        "Every layer needs a tf_keras equivalent.",
        received=f"layer {layer.name!r} of type {type(layer).__name__}: {reason}",
        remedy="Replace it by a built-in layer that Keras 2 has, with arguments that it knows.",
    )
