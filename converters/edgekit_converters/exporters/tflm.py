"""tflm: C and C++ sources for TensorFlow Lite Micro: the model as an array, its operators, its arena, its tensors."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from edgekit.errors import Finding
from edgekit.target import Target
from edgekit_converters.exporters import Exporter, Source
from edgekit_converters.tflm.operators import unsupported
from edgekit_converters.tflm.sources import model_header, model_source, operators_header

__all__ = ["EXPORTER", "Tflm"]


class Tflm(Exporter):
    """Sources for an interpreter of TensorFlow Lite Micro."""

    summary: ClassVar[str] = "Sources for TFLite Micro: the model, exactly the operators that it needs, its arena."
    figures: ClassVar[tuple[str, ...]] = ("arena_bytes",)

    arena_margin: int = Field(
        1024, ge=0, le=1 << 30, description="bytes that the arena gets beyond what was measured on this host"
    )

    def check(self, source: Source, target: Target) -> list[Finding]:
        """TFLite Micro has every operator, and the target the flash and the RAM."""
        found = [
            Finding(
                "TFLite Micro must have every operator of the model.", name, "Replace the layer that becomes it.", name
            )
            for name in unsupported(source.model)
        ]
        size, arena = len(source.model.content), source.figures.get("arena_bytes")
        for rule, value, limit in (
            (f"The model fits into the flash of {target.name}.", size, target.flash_bytes),
            (f"The arena fits into the RAM of {target.name}.", arena, target.ram_bytes),
        ):
            if value is not None and limit is not None and value > limit:
                found.append(Finding(rule, f"{value:,} bytes of {limit:,}", "Compress the model further."))
        return found

    def write(self, source: Source, folder: Path) -> None:
        """Write NAME_model.h, NAME_model.c and NAME_ops.h."""
        for file, text in (
            (f"{self.name}_model.h", model_header(self.name, source, self.arena_margin)),
            (f"{self.name}_model.c", model_source(self.name, source)),
            (f"{self.name}_ops.h", operators_header(self.name, source)),
        ):
            (folder / file).write_text(text, encoding="utf-8", newline="\n")


EXPORTER = Tflm
