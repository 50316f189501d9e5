"""What came of a conversion: the file, in numbers, and how near it is to its Keras model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from edgekit import tflite
from edgekit.artifact import write_atomically
from edgekit.measure.parity import Parity, warning
from edgekit.readable import Readable, Rows

__all__ = ["Conversion", "written"]


@dataclass(frozen=True)
class Conversion(Readable):
    """A converted file.

    Attributes:
        path: Where it lies.
        model: What it holds.
        parity: How near it is to its Keras model.
    """

    path: Path
    model: tflite.Model = field(repr=False)
    parity: Parity

    @property
    def tflite_bytes(self) -> bytes:
        """The file itself."""
        return self.model.content

    @cached_property
    def file(self) -> tflite.Inspection:
        """It in numbers."""
        return tflite.Inspection.of(self.model, self.path)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its user should know, a sentence each."""
        said = warning(self.parity, self.file.quantization)
        return (*self.file.warnings, *([said] if said else []))

    def title(self) -> str:
        """The file's path."""
        return self.file.title()

    def rows(self) -> Rows:
        """How near it is to its Keras model, then what it holds."""
        return [("against Keras", str(self.parity)), *self.file.rows()]

    def as_dict(self) -> dict[str, object]:
        """JSON form "edgekit.convert/2"."""
        content = {**self.file.as_dict(), "warnings": list(self.warnings), "parity": asdict(self.parity)}
        return {**content, "schema": "edgekit.convert/2"}


def written(model: tflite.Model, path: Path, parity: Parity) -> Conversion:
    """Write a file that kept its contract."""
    with write_atomically(path) as temporary:
        temporary.write_bytes(model.content)
    return Conversion(path, model, parity)
