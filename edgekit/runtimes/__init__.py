"""Runtimes: what runs a `.tflite`. One file each; a file added here is a runtime that every command knows.

A `.tflite` from outside may corrupt the heap, abort or never return, so a model is only ever run in a child process:
`Runtime.open` starts one and gives a `Session` that talks to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Runtime", "Session", "TensorSpec"]

Array = NDArray[np.generic]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: The tensor's name in the file.
        shape: Dimensions as the file declares them; images are NHWC.
        dtype: numpy name, such as "int8" or "float32".
        scale, zero_point: Affine quantisation, real = scale * (q - zero_point); None where the tensor is not quantised.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


class Session(Protocol):
    """A model opened on a runtime, in a child process."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes, in the order of `inputs`.

        Raises:
            RuntimeFailed: The child crashed, hung or refused the model.
        """
        ...

    def close(self) -> None:
        """End the child process."""
        ...


class Runtime(Protocol):
    """Something that runs a `.tflite`."""

    name: str

    def probe(self) -> str | None:
        """Why this runtime cannot be used here (with the remedy), or None: found out by running a tiny model."""
        ...

    def open(self, path: Path, *, threads: int = 1) -> Session:
        """Load a model in a child process.

        Raises:
            RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
        """
        ...
