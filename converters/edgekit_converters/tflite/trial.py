"""Trying a file in this very process, before it is finished: which of two forms comes nearer to Keras.

A child that converts may start no other process, so LiteRT runs here, with the kernels that apps get. What a finished
file is worth is measured in a process of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgekit import _tf, tflite
from edgekit.measure.parity import Reference, compare
from edgekit.runtimes import DeclaredSession, Engine
from edgekit.runtimes.litert import EXECUTOR
from edgekit.tensors import Array

__all__ = ["FAILS", "Here", "opened_here", "trial_db"]

FAILS = -300.0
"""dB of a file that does not run."""


class Here(DeclaredSession):
    """A `.tflite` opened in this process."""

    def __init__(self, path: Path) -> None:
        interpreter, kernels = EXECUTOR.load()
        with _tf.captured_output():
            self._engine = Engine(interpreter, kernels["default"], str(path), 1)
        super().__init__(self._engine.inputs, self._engine.outputs)

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference; with `fresh`, variable tensors begin at zero."""
        return self._engine.run(inputs, fresh=fresh)

    def close(self) -> None:
        """Nothing to end: there is no process."""


@contextmanager
def opened_here(content: bytes) -> Iterator[Here]:
    """The bytes of a `.tflite`, opened."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.tflite"
        path.write_bytes(content)
        yield Here(path)


def trial_db(content: bytes, reference: Reference) -> float | None:
    """SQNR of a `.tflite` against what Keras answered; `FAILS` where it does not run, None without a signal."""
    try:
        return compare(tflite.read(content), reference, opener=Here).sqnr_db
    except (RuntimeError, ValueError):  # as the interpreter refuses
        return FAILS
