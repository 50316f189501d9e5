"""Layers to build a model from: `LowRankDense` and `LowRankConv2D`.

They train as any tf_keras layer does. `load_model` turns them into plain layers, which every pass and the converter
take. They are loaded when first asked for, because tf_keras takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    LowRankConv2D: Any
    LowRankDense: Any

__all__ = ["LowRankConv2D", "LowRankDense"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from edgekit.methods.low_rank import layers

    return getattr(layers, name)
