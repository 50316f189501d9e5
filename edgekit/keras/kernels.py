"""The kernels and widths of a model by name, the same before and after TF-MOT's wrappers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgekit.keras.types import KerasModel

__all__ = ["connections_left", "named_kernels", "widths"]


def named_kernels(model: KerasModel) -> Iterator[tuple[str, Any]]:
    """Every kernel and embedding table of at least two axes, as "layer/weight".

    A weight further inside, as of attention or of a recurrent cell, keeps the way to it: "attention/query/kernel".

    Args:
        model: A flat tf_keras model; quantisation wrappers are looked through.

    Returns:
        Names and variables.
    """
    for layer in model.layers:
        wraps = type(layer).__name__.startswith("Quantize") and hasattr(layer, "layer")
        name = layer.layer.name if wraps else layer.name
        for weight in layer.weights:
            parts = weight.name.partition(":")[0].split("/")
            if parts[-1].endswith(("kernel", "embeddings")) and len(weight.shape) >= 2:
                inside = parts[parts.index(name) + 1 :] if name in parts else parts[-1:]
                yield "/".join([name, *inside]), weight


def connections_left(old: KerasModel, new: KerasModel) -> Mapping[str, float]:
    """By layer, the fraction of the old model's weights that a narrower one has."""
    before = {name: weight.shape.num_elements() for name, weight in named_kernels(old)}
    return {name.partition("/")[0]: weight.shape.num_elements() / before[name] for name, weight in named_kernels(new)}


def widths(model: KerasModel) -> Mapping[str, int]:
    """Channels of the output of each layer with weights; TF-MOT's wrappers, which hold them, are looked through."""
    found = {}
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)
        shape = getattr(layer, "output_shape", None)
        if layer.weights and isinstance(shape, tuple) and shape[-1] is not None:
            found[inner.name] = int(shape[-1])
    return found
