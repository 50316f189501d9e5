"""Students: the teacher's network with new weights, or narrower, a reference network or a model of the user's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras import FOREIGN, Loading, build_network, is_network, load_model
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["named_student", "narrower", "reinitialised"]


def reinitialised(model: KerasModel) -> Any:
    """The same network with new weights."""
    return _tf.tf_keras().models.clone_model(model)


def named_student(source: str, model: KerasModel, loading: Loading = FOREIGN) -> Any:
    """A reference network for a teacher's input and output, or a model file or `module:function` that fits them.

    Raises:
        ModelError: No such model, or another input or output than the teacher's.
    """
    shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    if is_network(source):
        student = build_network(source, shapes[0], int(shapes[1][-1]))
    else:
        student = load_model(source, loading)
    found = tuple(student.input_shape[1:]), tuple(student.output_shape[1:])
    if found != shapes:
        raise ModelError(
            f"A student takes the input of its teacher, {list(shapes[0])}, and gives as many outputs, "
            f"{list(shapes[1])}.",
            received=f"{source} with input {list(found[0])} and output {list(found[1])}",
            remedy="Name another student, or give it that input and output.",
        )
    return student


def narrower(model: KerasModel, width: float, multiple: int = 1) -> Any:
    """The same network with fewer channels and new weights.

    Every convolution, dense, recurrent and embedding layer but those that make the output gets its channels times the
    width, rounded to the multiple where it has at least twice as many.

    Args:
        model: A flat tf_keras model.
        width: Above 0, below 1.
        multiple: Multiple of channels that the target prefers.

    Raises:
        ModelError: The network cannot be narrowed; the message names the layer, or quotes Keras.
    """
    keep = _output_makers(model)

    def rebuild(layer: KerasLayer) -> Any:
        config, kind = layer.get_config(), kind_of(layer)
        if kind.holds:
            _refuse(width, f"the layer {layer.name!r} of type {type(layer).__name__}")
        for key in kind.inner_widths:
            config[key] = _scaled(config[key], width, 1, 1)
        if kind.width_key and layer.name not in keep:
            *before, channels = np.atleast_1d(config[kind.width_key]).tolist()
            narrow = _scaled(channels, width, multiple, config.get("groups", 1))
            config[kind.width_key] = (*before, narrow) if before else narrow
        if kind.shape_keys:  # those of the wide network, which from_config would build for
            return type(layer)(**{key: value for key, value in config.items() if key not in kind.shape_keys})
        return type(layer).from_config(config)

    try:
        clone = _tf.tf_keras().models.clone_model(model, clone_function=rebuild)
    except EdgekitError:
        raise
    except Exception as error:  # Keras raises every kind of error where shapes do not fit
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        _refuse(width, lines[0][:200])
    if tuple(clone.output_shape) != tuple(model.output_shape):
        _refuse(width, f"an output of {list(clone.output_shape[1:])} in place of {list(model.output_shape[1:])}")
    return clone


def _output_makers(model: KerasModel) -> set[str]:
    """Names of the layers whose channels are the model's outputs: walking back from them, the first of every branch."""
    keep: set[str] = set()
    seen: set[int] = set()
    layers = [tensor._keras_history.layer for tensor in model.outputs]
    while layers:
        layer = layers.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if kind_of(layer).width_key:
            keep.add(layer.name)
            continue
        for node in layer.inbound_nodes:
            before = node.inbound_layers
            layers += before if isinstance(before, list) else [before]
    return keep


def _scaled(count: int, width: float, multiple: int, groups: int) -> int:
    step = math.lcm(multiple if count >= 2 * multiple else 1, groups)
    return max(step, round(count * width / step) * step)


def _refuse(width: float, received: str) -> None:
    raise ModelError(
        f"A student of width {width:g} needs a network whose layers follow the channels before them.",
        received=received,
        remedy="Give a student of your own: a model file, module:function or a reference network.",
    )
