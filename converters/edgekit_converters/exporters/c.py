"""c: plain C99 that computes what TFLite Micro's reference kernels compute, without an interpreter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

import numpy as np
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from edgekit.errors import ConversionError, Finding, ModelError
from edgekit.golden import Golden
from edgekit.target import Target
from edgekit.tensors import random_input
from edgekit_converters.c.files import files, preprocessing_of
from edgekit_converters.c.firmware import Firmware, firmware_of
from edgekit_converters.c.lowering import findings
from edgekit_converters.c.preprocessing import PreprocessSources
from edgekit_converters.c.samples import drawn, is_drawn, is_quantised
from edgekit_converters.exporters import Source, exceeding
from edgekit_converters.identifiers import check_c_name
from edgekit_converters.packages import Package, arrange, check_text, check_version
from edgekit_converters.told import DescribedExporter, Told

if TYPE_CHECKING:
    from edgekit.runtimes import Kernels
    from edgekit.tensors import Array

__all__ = ["EXPORTER", "C"]

PackageKind = Literal["arduino", "cmake", "cmsis-pack", "esp-idf", "platformio", "zephyr"]


class C(DescribedExporter):
    """Sources that need no interpreter."""

    summary: ClassVar[str] = "Plain C99 for a microcontroller: kernels, weights, preprocessing, a self-test."
    wants_golden: ClassVar[bool] = True
    oracles: ClassVar[tuple[tuple[str, Kernels], ...]] = (
        ("tflm", "default"), ("tflite_runtime", "reference"), ("litert", "reference"),
    )  # fmt: skip

    bounded: ClassVar[bool] = False

    name: Annotated[str, AfterValidator(check_c_name)] = Field(
        default="model", description="what files and symbols are called"
    )
    selftest: int = Field(default=1, ge=1, le=64, description="golden samples that the self-test holds the model to")
    package: PackageKind | None = Field(
        default=None,
        description=f"files and metadata for a build system: {', '.join(get_args(PackageKind))}",
    )
    version: Annotated[str, AfterValidator(check_version)] = Field(default="1.0.0", description="of the package")
    description: Annotated[str, AfterValidator(check_text)] | None = Field(
        default=None, description="of the package, one line; left out: a sentence with the name"
    )
    author: Annotated[str, AfterValidator(check_text)] = Field(
        default="EdgeKit", description="who publishes the package"
    )
    without_preprocessing: bool = Field(default=False, description="leave the model's preprocessing out")

    @field_validator("version", "description", "author")
    @classmethod
    def _of_a_package(cls, value: str | None, info: ValidationInfo) -> str | None:
        wanted = value != cls.model_fields[str(info.field_name)].default
        if wanted and info.data.get("package", "") is None:
            raise ValueError("packages have it, and no package is asked for")
        return value

    def golden_inputs(self, source: Source, beside: Golden | None) -> Sequence[Array] | None:
        """Those beside the model, or random ones; large ones are drawn as the firmware draws them."""
        graph = source.model.graphs[0]
        specs = [graph.tensors[i].spec for i in graph.inputs]
        if not is_drawn(specs) and beside is not None and len(beside) >= self.selftest:
            return [values[: self.selftest] for values in beside.inputs]
        if is_quantised(specs):
            return drawn(specs, self.selftest)
        random = np.random.default_rng(0)
        return [np.stack([random_input(spec, random) for _ in range(self.selftest)]) for spec in specs]

    def check(self, source: Source, target: Target) -> list[Finding]:
        """Every operator has a kernel, and the preprocessing is such as C has."""
        found = findings(source.model)
        if found:
            return found
        try:
            told = self.told(source)
            self._preprocessing(told, self._firmware(source, told))
        except (ConversionError, ModelError) as error:
            return [error.finding]
        return []

    def too_large(self, source: Source, target: Target) -> list[Finding]:
        """The target has flash for the constants, and RAM for the arena and the state; code is not counted."""
        firmware = self._firmware(source, self.told(source))
        what = "The arena and the state fit" if firmware.state_bytes else "The arena fits"
        ram = firmware.arena.size + firmware.state_bytes
        return exceeding(
            [
                (f"The constants fit into the flash of {target.name}.", firmware.weights_bytes, target.flash_bytes),
                (f"{what} into the RAM of {target.name}.", ram, target.ram_bytes),
            ]
        )

    def write(self, source: Source, folder: Path) -> None:
        """Write NAME.h, NAME.c, NAME_selftest.c, and NAME_preprocess.c where the model's preprocessing is known."""
        for name, text in self.sources(source).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")

    def sources(self, source: Source) -> Mapping[str, str]:
        """The text of each file by its path, whatever package it is for."""
        told = self.told(source)
        firmware = self._firmware(source, told)
        golden = source.golden.vectors if source.golden else None
        texts = files(firmware, golden, self._preprocessing(told, firmware))
        if self.package is None:
            return texts
        return arrange(Package(self.package, self.name, self.version, self.description or "", self.author), texts)

    def _firmware(self, source: Source, told: Told) -> Firmware:
        return firmware_of(source.model, self.name, told.labels)

    def _preprocessing(self, told: Told, firmware: Firmware) -> PreprocessSources | None:
        if told.preprocessing is None or self.without_preprocessing:
            return None
        return preprocessing_of(firmware, told.preprocessing, classifies=told.task == "classification")


EXPORTER = C
