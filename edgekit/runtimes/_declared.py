"""What sessions share: they declare their tensors, refuse arrays of any other kind, and close at the end of a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from edgekit.errors import ModelError
from edgekit.runtimes._types import Batcher, Clock
from edgekit.tensors import Array, TensorSpec

__all__ = ["DeclaredSession", "check_declared"]


class DeclaredSession(ABC):
    """The part of a Session that is the same wherever the model runs."""

    def __init__(self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> None:
        self._inputs, self._outputs = inputs, outputs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the model declares of its inputs."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What the model declares of its outputs."""
        return self._outputs

    @property
    def batcher(self) -> Batcher | None:
        """None: one inference at a time."""
        return None

    @property
    def clock(self) -> Clock | None:
        """None: it does not measure time."""
        return None

    @abstractmethod
    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference; see `Session.run`."""

    @abstractmethod
    def close(self) -> None:
        """End what runs the model; a second call does nothing."""


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
