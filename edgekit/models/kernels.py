"""The kernels of a model by name, the same before and after TF-MOT's wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["named_kernels"]


def named_kernels(model: Any) -> Iterator[tuple[str, Any]]:
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
