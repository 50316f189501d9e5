"""Whether a layer's sizes are those of its weights: compared with the arrays of the file before anything is built."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product

from edgekit.keras.files.values import JSON

__all__ = ["fitting"]


def fitting(
    pattern: Sequence[str], config: Mapping[str, JSON], kind: str, shapes: Sequence[tuple[int, ...]]
) -> str | None:
    """Look for an array that has the shape of a weight.

    Args:
        pattern: As `LayerKind.weights` has it.
        config: Configuration of the layer.
        kind: Its class, which tells by its last sign how many axes a window given by one number has.
        shapes: Shapes of the arrays in the file.

    Returns:
        None where there is one, or where the configuration leaves a size open; else what was looked for.
    """
    options = [_axes(axis, config, kind) for axis in pattern]
    if any(option is None for option in options):
        return None
    wanted = [tuple(axis for part in parts for axis in part) for parts in product(*(o for o in options if o))]
    if any(_fits(shape, axes) for shape in shapes for axes in wanted):
        return None
    sizes = (re.sub(r"\W.*", "", axis) for axis in pattern if axis != "*")
    return ", ".join(f"{key} {config[key]}" for key in sizes)


def _axes(axis: str, config: Mapping[str, JSON], kind: str) -> list[tuple[int | None, ...]] | None:
    """What one part of a pattern stands for: the ways to write it as axes; None where the size is open."""
    if axis == "*":
        return [(None,)]
    key, _, times = axis.partition("*")
    value = config.get(key)
    if isinstance(value, list) and all(isinstance(v, int) for v in value):
        return [tuple(v for v in value if isinstance(v, int))]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    size = int(value) * int(times or 1)
    if key == "kernel_size":
        digits = re.findall(r"(\d)D", kind)
        return [(size,) * int(digits[0])] if digits else [(size,), (size,) * 2, (size,) * 3]
    return [(size,)]


def _fits(shape: tuple[int, ...], axes: tuple[int | None, ...]) -> bool:
    return len(shape) == len(axes) and all(a is None or a == n for n, a in zip(shape, axes, strict=True))
