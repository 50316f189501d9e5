"""Inputs of one inference against what the model declares."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.errors import ModelError
from edgekit.runtimes import Array, TensorSpec

__all__ = ["check_declared"]


def check_declared(inputs: Sequence[Array], specs: Sequence[TensorSpec]) -> None:
    """Refuse arrays that are not of exactly the declared dtypes and shapes, in the declared order.

    Raises:
        ModelError: They are not; both are named.
    """
    declared = [f"{spec.dtype} {list(spec.shape)}" for spec in specs]
    received = [f"{values.dtype.name} {list(values.shape)}" for values in inputs]
    if declared != received:
        raise ModelError(
            f"The model takes {', '.join(declared)}.",
            received=", ".join(received) or "no inputs",
            remedy="To run many samples, in float32 or the model's dtype, use edgekit.measure.predict.",
        )
