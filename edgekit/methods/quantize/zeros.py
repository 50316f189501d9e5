"""Pruned zeros stay zeros while a rounded model trains: a constraint on the variable, inside the train step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from edgekit import _tf
from edgekit.keras.kernels import named_kernels
from edgekit.keras.types import KerasModel, KerasVariable
from edgekit.tensors import Array

__all__ = ["keeping_zeros"]


@contextmanager
def keeping_zeros(model: KerasModel, masks: Mapping[str, Array]) -> Iterator[None]:
    """While the block runs, the optimiser puts zeros back after every update.

    Args:
        model: A tf_keras model.
        masks: "layer/weight" -> where zeros are, in the weight's shape or with axes of 1 less.
    """
    kept = []
    for name, variable in named_kernels(model):
        mask = masks.get(name)
        if mask is not None:
            kept.append((variable, variable.constraint))
            variable._constraint = _constraint((~mask).reshape(variable.shape), variable.constraint)
    try:
        yield
    finally:
        for variable, before in kept:
            variable._constraint = before


def _constraint(alive: Array, before: Any) -> Any:
    tf = _tf.tensorflow()
    factor = tf.constant(alive, dtype=tf.float32)

    def keep(weight: KerasVariable) -> Any:
        return (weight if before is None else before(weight)) * factor

    return keep
