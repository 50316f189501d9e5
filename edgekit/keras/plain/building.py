"""From a description to an untrained tf_keras model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from edgekit import _tf
from edgekit.keras.plain.description import Description, Layer, Shape

__all__ = ["build_plain", "built_from"]


def build_plain(description: Description) -> Any:
    """The tf_keras model of a description, with fresh weights; layers are made in their order."""
    keras = _tf.tf_keras()
    first, *rest = description.layers
    inputs = keras.layers.Input(first.output_shape, name=first.name)
    if description.sequential:
        return keras.Sequential([inputs, *map(_keras_layer, rest)], name=description.name)
    tensors = {first.name: inputs}
    for layer in rest:
        read = [tensors[name] for name in layer.inputs]
        tensors[layer.name] = _keras_layer(layer)(read if len(read) > 1 else read[0])
    return keras.Model(inputs, tensors[description.layers[-1].name], name=description.name)


def built_from(describe: Callable[..., Description]) -> Callable[..., Any]:
    """The `build` of a family that has a `describe`, with the same parameters."""

    @functools.wraps(describe)
    def build(input_shape: Shape, classes: int, *args: Any, **parameters: Any) -> Any:
        return build_plain(describe(input_shape, classes, *args, **parameters))

    return build


def _keras_layer(layer: Layer) -> Any:
    keras = _tf.tf_keras()
    options: dict[str, Any] = dict(layer.options)
    if "l2" in options:
        options["kernel_regularizer"] = keras.regularizers.l2(options.pop("l2"))
    if layer.kind == "ZeroPadding2D":
        options = {"padding": (options["rows"], options["columns"])}
    return getattr(keras.layers, layer.kind)(**options, name=layer.name)
