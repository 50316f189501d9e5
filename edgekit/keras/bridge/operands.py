"""What an operation is given: tensors, constants, axes, types."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.bridge.emit import Emit
from edgekit.keras.bridge.replay import leaves

__all__ = ["axes_of", "cast", "constant", "constants", "is_tensor"]


def cast(x: Any, dtype: str, emit: Emit, part: str = "cast") -> Any:
    tf = _tf.tensorflow()
    return x if not is_tensor(x) or x.dtype == tf.as_dtype(dtype) else emit.function(tf.cast, x, dtype, part=part)


def is_tensor(x: Any) -> bool:
    """Whether an argument is a tensor of the graph."""
    return hasattr(x, "_keras_history")


def constants(x: Any) -> Any:
    return [constants(item) for item in x] if isinstance(x, list | tuple) else constant(x)


def constant(x: Any) -> Any:
    """A Python number or a numpy array for any constant; tensors as they are."""
    if is_tensor(x) or x is None or isinstance(x, bool | int | float | str):
        return x
    value = _tf.keras3().ops.convert_to_numpy(x)
    return value.item() if value.ndim == 0 else value


def axes_of(axis: Any, rank: int, *, keep_order: bool = False) -> list[int]:
    if axis is None:
        return list(range(rank))
    axes = [int(a) % rank for a in leaves(axis)]
    return axes if keep_order else sorted(axes)
