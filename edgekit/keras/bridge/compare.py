"""Comparing a model with its copy on seeded random inputs that suit both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.replay import leaves, pack, reason
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor

__all__ = ["TOLERANCE", "assert_same_outputs", "check_close", "largest_difference", "random_inputs"]

TOLERANCE = 1e-4
"""Largest difference between outputs that rounding explains, relative to the outputs where they exceed 1."""
_SAMPLES = 2
_SIDES = (16, 64, 224)  # what to try for a dimension left open, until the model takes it


def assert_same_outputs(old: KerasModel, new: KerasModel, *, seed: int = 0, tolerance: float = TOLERANCE) -> float:
    """Run both models on the same random inputs.

    Args:
        old: The Keras 3 (or tf_keras) model that is right.
        new: The flat tf_keras model to check; its inputs are those of `old`, in the same structure.
        seed: Seed of the inputs.
        tolerance: Largest difference allowed, relative to the largest output where that exceeds 1.

    Returns:
        The largest relative difference seen.

    Raises:
        ModelError: The outputs differ by more, or one of the models does not run.
    """
    inputs, expected = _first_that_runs(old, new, seed)
    try:
        received = _numpy(new(inputs, training=False))
    except Exception as error:  # what TensorFlow raises has no common type below it
        raise ModelError(
            "The tf_keras copy of the model must run on the same inputs.",
            received=reason(error),
            remedy="Replace the layer that is named by another built-in one.",
        ) from error
    return check_close(
        expected,
        received,
        "tf_keras copy of the model",
        "A layer behaves differently in Keras 2; replace custom or unusual layers by plain ones.",
        tolerance,
    )


def check_close(
    expected: list[NDArray[Any]],
    received: list[NDArray[Any]],
    what: str,
    remedy: str,
    tolerance: float = TOLERANCE,
) -> float:
    """The largest relative difference between the outputs of a model and of its copy on the same random inputs.

    Args:
        expected, received: One array for each output.
        what: What messages call the copy.
        remedy: What to do where it differs.
        tolerance: Largest difference allowed, relative to the largest output where that exceeds 1.

    Raises:
        ModelError: They differ by more.
    """
    difference = largest_difference(expected, received)
    if not difference <= tolerance:  # a NaN is no match either
        raise ModelError(
            f"The {what} must give the same outputs within {tolerance:g}.",
            received=f"a largest difference of {difference:.3g} on random inputs",
            remedy=remedy,
        )
    return difference


def largest_difference(expected: list[NDArray[Any]], received: list[NDArray[Any]]) -> float:
    """The largest difference between outputs, relative to the largest of an output where that exceeds 1."""
    worst = 0.0
    for one, two in zip(expected, received, strict=True):
        if one.shape != two.shape:
            return float("inf")
        one, two = one.astype(np.float64), two.astype(np.float64)
        if one.size:
            gap = np.abs(one - two).max() / max(1.0, np.abs(one).max())
            worst = float(gap) if np.isnan(gap) else max(worst, float(gap))
        if np.isnan(worst):
            break
    return worst


def random_inputs(model: KerasModel, *, seed: int = 0, side: int = _SIDES[0]) -> Any:
    """Inputs that a flat tf_keras model makes sense of, in the structure that it takes.

    Floats are standard normal (undone for a Rescaling or Normalization that follows), integers that an Embedding or
    CategoryEncoding looks up lie within its range, the last quarter of a masked sequence is padding.

    Args:
        model: A flat tf_keras Functional or Sequential model.
        seed: Seed of numpy's generator.
        side: What a dimension left open becomes; an open batch becomes 2.
    """
    rng = np.random.default_rng(seed)
    follows = _what_follows(model)
    values = {id(x): _draw(x, follows[id(x)], rng, side) for x in model.inputs}
    return pack(model._nested_inputs, values)


def _first_that_runs(old: KerasModel, new: KerasModel, seed: int) -> tuple[Any, list[NDArray[Any]]]:
    open_sizes = any(None in tuple(x.shape)[1:] for x in new.inputs)
    for side in _SIDES:
        inputs = random_inputs(new, seed=seed, side=side)
        try:
            return inputs, _numpy(old(inputs, training=False))
        except Exception as error:
            if not open_sizes or side == _SIDES[-1]:
                raise ModelError(
                    "The model must run on random inputs of the shapes that it declares.",
                    received=reason(error),
                    remedy="Give its inputs fixed shapes, and see that it runs on the CPU.",
                ) from error
    raise AssertionError("unreachable")


def _draw(tensor: KerasTensor, layers: list[Any], rng: np.random.Generator, side: int) -> Any:
    tf = _tf.tensorflow()
    dtype = tf.as_dtype(tensor.dtype)
    shape = [_SAMPLES if i == 0 and d is None else side if d is None else d for i, d in enumerate(tensor.shape)]
    if dtype == tf.string:
        raise ModelError(
            "Models for devices take numbers.",
            received=f"input {tensor.name!r} of type string",
            remedy="Turn text into integers in the data's preprocessing.",
        )
    sizes = [size for layer in layers if (size := _table_size(layer))]
    if sizes:
        ids = rng.integers(0, min(sizes), shape)
        if any(getattr(layer, "mask_zero", False) for layer in layers) and len(shape) > 1:
            ids[:, -(shape[-1] // 4) or shape[-1] :] = 0
        return tf.constant(ids, dtype)
    if dtype == tf.bool:
        return tf.constant(rng.integers(0, 2, shape), dtype)
    if dtype.is_integer:
        return tf.constant(rng.integers(0, min(dtype.max, 255), shape), dtype)
    values = rng.standard_normal(shape)
    for layer in layers:
        if type(layer).__name__ == "Rescaling" and np.all(np.asarray(layer.scale) != 0):
            values = (values - np.asarray(layer.offset)) / np.asarray(layer.scale)
            break
        if type(layer).__name__ == "Normalization" and not layer.invert:
            values = values * np.sqrt(layer.variance.numpy()) + layer.mean.numpy()
            break
    return tf.constant(values, dtype)


def _table_size(layer: KerasLayer) -> int | None:
    """How many integers a layer that looks them up knows."""
    key = kind_of(layer).indices_key
    return int(getattr(layer, key)) if key else None


def _what_follows(model: KerasModel) -> dict[int, list[Any]]:
    """For each input, the layers that meet its values while they are still as given, up to the first with weights."""
    origins = {id(x): {id(x)} for x in model.inputs}
    follows: dict[int, list[Any]] = {id(x): [] for x in model.inputs}
    for node in _nodes(model):
        sources = set[int]().union(*(origins.get(id(x), set()) for x in node.keras_inputs))
        for source in sources:
            follows[source].append(node.layer)
        if not node.layer.weights:
            origins.update({id(x): sources for x in leaves(node.outputs)})
    return follows


def _nodes(model: KerasModel) -> Iterator[Any]:
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def _numpy(outputs: Any) -> list[NDArray[Any]]:
    return [_array(x) for x in leaves(outputs)]


def _array(x: Any) -> NDArray[Any]:
    """A tensor's values; one of torch's that is part of a gradient gives them to Keras alone."""
    values: NDArray[Any] = np.asarray(_tf.keras3().ops.convert_to_numpy(x) if hasattr(x, "detach") else x)
    return values
