"""tflm: C++ sources for TensorFlow Lite Micro: the model as an array, its operators, its arena, a self-test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from edgekit.errors import ConversionError, Finding, ModelError
from edgekit.target import Target
from edgekit_converters.exporters import Source, exceeding
from edgekit_converters.identifiers import check_c_name
from edgekit_converters.tflm.operators import unsupported
from edgekit_converters.tflm.selftest import TYPES, SelfTest, main_source, selftest_header, selftest_source
from edgekit_converters.tflm.sources import data_header, data_source, operators_header
from edgekit_converters.told import LabelledExporter

if TYPE_CHECKING:
    from edgekit.runtimes import Kernels

__all__ = ["EXPORTER", "Tflm"]


class Tflm(LabelledExporter):
    """Sources for an interpreter of TensorFlow Lite Micro."""

    summary: ClassVar[str] = "Sources for TFLite Micro: the model, exactly its operators, its arena, a self-test."
    figures: ClassVar[tuple[str, ...]] = ("arena_bytes",)
    wants_golden: ClassVar[bool] = True
    oracles: ClassVar[tuple[tuple[str, Kernels], ...]] = (
        ("tflm", "default"), ("tflite_runtime", "reference"), ("litert", "reference"), ("litert", "default"),
    )  # fmt: skip
    without_golden: ClassVar[bool] = True

    name: Annotated[str, AfterValidator(check_c_name)] = Field(
        default="model", description="what files and symbols are called"
    )
    arena_margin: int = Field(
        default=1024, ge=0, le=1 << 30, description="bytes that the arena gets beyond what was measured on this host"
    )
    selftest: int = Field(default=1, ge=1, le=8, description="golden samples that the self-test runs")

    def check(self, source: Source, target: Target) -> list[Finding]:
        """TFLite Micro has every operator, and the types of inputs and outputs."""
        found = [
            Finding(
                "TFLite Micro must have every operator of the model.", name, "Replace the layer that becomes it.", name
            )
            for name in unsupported(source.model)
        ]
        graph = source.model.graphs[0]
        found += [
            Finding("TFLite Micro must have the type of every input and output.", tensor.dtype, where=tensor.name)
            for tensor in (graph.tensors[index] for index in (*graph.inputs, *graph.outputs))
            if tensor.dtype not in TYPES
        ]
        try:
            self.told(source)
        except (ConversionError, ModelError) as error:
            found.append(error.finding)
        return found

    def too_large(self, source: Source, target: Target) -> list[Finding]:
        """The target has flash for the model, and RAM for the arena where that was measured."""
        size, arena = len(source.model.content), source.figures.get("arena_bytes")
        return exceeding(
            [
                (f"The model fits into the flash of {target.name}.", size, target.flash_bytes),
                (f"The arena fits into the RAM of {target.name}.", arena, target.ram_bytes),
            ]
        )

    def write(self, source: Source, folder: Path) -> None:
        """Write NAME_data.h, _data.cc and _ops.h; with golden vectors _selftest.h, _selftest.cc and _main.cc too."""
        labels = self.told(source).labels
        files = {
            "data.h": data_header(self.name, source, labels, self.arena_margin),
            "data.cc": data_source(self.name, source, labels),
            "ops.h": operators_header(self.name, source),
        }
        if source.golden is not None:
            test = SelfTest.of(source.golden, self.selftest)
            files["selftest.h"] = selftest_header(self.name, source, test)
            files["selftest.cc"] = selftest_source(self.name, source, test)
            files["main.cc"] = main_source(self.name, source)
        for end, text in files.items():
            (folder / f"{self.name}_{end}").write_text(text, encoding="utf-8", newline="\n")


EXPORTER = Tflm
