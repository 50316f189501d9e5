"""What EdgeKit asks of a Keras model of the user's, whichever Keras it is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from edgekit.tensors import Array

__all__ = ["KerasModel"]


class KerasModel(Protocol):
    """A built Keras 3 or tf_keras model."""

    @property
    def name(self) -> str: ...

    def get_weights(self) -> Sequence[Array]: ...

    def count_params(self) -> int: ...
