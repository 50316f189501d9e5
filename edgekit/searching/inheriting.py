"""A child's first weights: those of its parent where both have them, so that a short training tells more of it.

Layers of the same name and kind are alike. Where one is wider than the other, the channels that both have are taken;
what a wider child adds to them counts for nothing at first, so that it starts as the function that its parent is.
Values reached this way order candidates, and prove nothing: nobody repeats them by a recipe.

Source of the idea: Elsken et al., "Efficient multi-objective neural architecture search via Lamarckian evolution",
ICLR 2019 (arXiv:1804.09081, section 4), whose operators are exact or approximate; here they are only approximate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.keras import OWN, load_model
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.pipeline.measured import KERAS_FILE, is_whole
from edgekit.pipeline.store import open_store
from edgekit.tensors import Array

__all__ = ["BASELINE", "inherit", "trained_model"]

BASELINE = "baseline"
"""The step whose weights are inherited: the network as it was trained, before its passes."""
_SLICED = ("convolution", "dense", "depthwise", "normalization", "separable")
"""How layers pass channels on whose weights can be taken in part."""
_READ = ("kernel", "pointwise_kernel")
"""Weights that sum over channels of the input, which stand on the axis before the last."""
_WINDOWED = (*_READ, "depthwise_kernel")
"""Weights whose axes before the last two are places of a window."""


def trained_model(store: Path, key: str) -> KerasModel | None:
    """The network of a finished baseline, by the key of its step.

    Returns:
        None where the store has it no more, or where it holds layers that only code of the user's knows.
    """
    with open_store(store) as steps:
        if steps.find(BASELINE, key, is_whole) is None:
            return None
        file = steps.folder(BASELINE, key) / KERAS_FILE
    try:
        model: KerasModel = load_model(file, OWN)
    except EdgekitError:
        return None
    return model


def inherit(child: KerasModel, parent: KerasModel) -> float:
    """Give a model the weights of another one, where layers have the same name and kind.

    Args:
        child: A tf_keras model with weights of its own, which stay where the parent has none.
        parent: A trained one; it stays as it is.

    Returns:
        The share of the child's values that come from the parent.
    """
    old = {layer.name: layer for layer in parent.layers}
    taken = total = 0
    for layer in child.layers:
        own = layer.get_weights()
        total += sum(weight.size for weight in own)
        like = old.get(layer.name)
        if not own or like is None or type(like).__name__ != type(layer).__name__:
            continue
        weights, count = _joined(layer, own, like.get_weights())
        if count:
            layer.set_weights(weights)
            taken += count
    return taken / total if total else 0.0


def _joined(layer: KerasLayer, own: list[Array], old: list[Array]) -> tuple[list[Array], int]:
    """A layer's weights after it has inherited, and how many values that are."""
    shapes = [weight.shape for weight in own], [weight.shape for weight in old]
    if shapes[0] == shapes[1]:
        return old, sum(weight.size for weight in old)
    ranks = [weight.ndim for weight in own], [weight.ndim for weight in old]
    if kind_of(layer).channels not in _SLICED or ranks[0] != ranks[1] or _reads_places(layer, own, old):
        return own, 0
    names = [weight.name.rpartition("/")[2].partition(":")[0] for weight in layer.weights]
    pairs = [_overlapped(name, mine, theirs) for name, mine, theirs in zip(names, own, old, strict=True)]
    return [weight for weight, _ in pairs], sum(count for _, count in pairs)


def _overlapped(name: str, own: Array, old: Array) -> tuple[Array, int]:
    """One weight with the values that both have; windows lie on each other by their middles."""
    least = [min(sizes) for sizes in zip(own.shape, old.shape, strict=True)]
    made = own.copy()
    if name in _READ:
        made[..., : least[-1]] = 0  # what the parent's channels do not read counts for nothing, until training
    elif name in _WINDOWED:
        made[..., : least[-2], : least[-1]] = 0
    window = own.ndim - 2 if name in _WINDOWED else 0
    made[_common(own.shape, least, window)] = old[_common(old.shape, least, window)]
    return made, int(np.prod(least))


def _common(shape: tuple[int, ...], least: list[int], window: int) -> tuple[slice, ...]:
    """Where the common part lies: in the middle of a window's axes, at the beginning of the others."""
    spare = [size - few for size, few in zip(shape, least, strict=True)]
    starts = [left // 2 if axis < window else 0 for axis, left in enumerate(spare)]
    return tuple(slice(start, start + few) for start, few in zip(starts, least, strict=True))


def _reads_places(layer: KerasLayer, own: list[Array], old: list[Array]) -> bool:
    """Whether a dense layer reads places and channels as one axis, on which no two sizes lie on each other."""
    if kind_of(layer).channels != "dense" or own[0].shape[-2] == old[0].shape[-2]:
        return False
    before = layer.input._keras_history.layer
    while not before.weights and kind_of(before).channels not in ("flatten", "reshape", "permute"):
        if isinstance(before.input, list) or type(before).__name__ == "InputLayer":
            return False
        before = before.input._keras_history.layer
    return not before.weights
