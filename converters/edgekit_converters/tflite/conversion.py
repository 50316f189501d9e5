"""What came of a conversion: the file, in numbers, and how near it is to its Keras model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit import tflite
from edgekit.measure.parity import Parity, warning

__all__ = ["Conversion", "conversion_of"]


@dataclass(frozen=True)
class Conversion:
    """A converted file.

    Attributes:
        file: What it holds.
        parity: How near it is to its Keras model.
    """

    file: tflite.Inspection
    parity: Parity

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its user should know, a sentence each."""
        said = warning(self.parity, self.file.quantization)
        return (*self.file.warnings, *([said] if said else []))

    def as_dict(self) -> dict[str, object]:
        """JSON form "edgekit.convert/2"."""
        content = {**self.file.as_dict(), "warnings": list(self.warnings), "parity": asdict(self.parity)}
        return {**content, "schema": "edgekit.convert/2"}


def conversion_of(path: Path, parity: Parity) -> Conversion:
    """Inspect a file that was converted."""
    return Conversion(tflite.inspect(path), parity)
