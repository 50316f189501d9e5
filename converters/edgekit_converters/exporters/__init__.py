"""Exporters turn a `.tflite` into sources for a build: firmware, an Android module. One file each.

An exporter is a frozen pydantic model whose fields are its options: keys under `export` in a recipe, flags of
`edgekit export`. A file added here defines one public subclass of `Exporter`, named `EXPORTER`; so does a module that
another package names by an entry point of the group `edgekit.exporters`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgekit import registry, tflite
from edgekit.data.sidecar import Sidecar
from edgekit.errors import Finding, RecipeError, UsageError
from edgekit.golden import Bounds, Golden
from edgekit.identifiers import Identifier
from edgekit.target import Target
from edgekit_converters import exporters

if TYPE_CHECKING:
    from edgekit.runtimes import Kernels
    from edgekit.tensors import Array

__all__ = [
    "Checked",
    "Exporter",
    "Source",
    "exceeding",
    "exporter_names",
    "has_exporter",
    "load_exporter",
    "parse_exporter",
]


@dataclass(frozen=True)
class Checked:
    """Golden vectors, and how far the kernels of apps may be from them.

    Attributes:
        vectors: Inputs and answers.
        builtin, xnnpack: The bounds of TFLite's own kernels and of XNNPACK's.
    """

    vectors: Golden
    builtin: Bounds
    xnnpack: Bounds


@dataclass(frozen=True)
class Source:
    """What is exported.

    Attributes:
        model: The `.tflite`.
        sidecar: What lies beside it: preprocessing, labels, task; None where nothing does.
        figures: What runtimes counted of it, by the names of `edgekit.figures.FIGURES`; those that are known.
        golden: Inputs and answers for a self-test on the device; None where the exporter wants none.
    """

    model: tflite.Model
    sidecar: Sidecar | None = None
    figures: Mapping[str, int] = field(default_factory=dict)
    golden: Checked | None = None


def exceeding(sizes: Iterable[tuple[str, int | None, int | None]]) -> list[Finding]:
    """A finding for each rule whose size, in bytes, is above its limit; where either is not known, there is none."""
    return [
        Finding(rule, f"{size:,} bytes of {limit:,}", "Compress the model further.")
        for rule, size, limit in sizes
        if size is not None and limit is not None and size > limit
    ]


class Exporter(BaseModel, ABC):
    """One kind of sources, with its options."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    summary: ClassVar[str]
    """One line for `edgekit export --help`."""
    figures: ClassVar[tuple[str, ...]] = ()
    """What it wants measured of the model, by the names of `edgekit.figures.FIGURES`."""
    wants_golden: ClassVar[bool] = False
    """Whether it packs golden vectors."""
    oracles: ClassVar[tuple[tuple[str, Kernels], ...]] = ()
    """Runtimes that answer the golden inputs, the most trusted first; empty for those that EdgeKit's own golden vectors
    come from."""
    bounded: ClassVar[bool] = True
    """Whether other kernels may differ from the golden vectors, and by how much is asked; else they are met exactly."""
    without_golden: ClassVar[bool] = False
    """Whether it can do without them: for models that no runtime of this machine takes."""

    name: Identifier = Field(default="model", description="what files and symbols are called")

    @property
    def kind(self) -> str:
        """What recipes and the command line call it: the name of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def unit(self) -> str:
        """What a folder has one of: another export of the same unit takes its place, those of others stay beside it."""
        return self.name

    def golden_inputs(self, source: Source, beside: Golden | None) -> Sequence[Array] | None:
        """The inputs that its oracles shall answer, one array [samples, ...] each; None leaves the choice.

        Args:
            source: What is exported.
            beside: The golden vectors that lie beside the model, if any do.
        """
        return None if beside is None else beside.inputs

    @abstractmethod
    def check(self, source: Source, target: Target) -> list[Finding]:
        """What stands against exporting this model for this target; empty if nothing."""

    def too_large(self, source: Source, target: Target) -> list[Finding]:
        """What the target has no room for, asked of models that `check` has nothing against; empty if nothing."""
        return []

    def warnings(self, source: Source) -> list[Finding]:
        """What its user must know of this model though it can be exported; nothing unless an exporter says so."""
        return []

    @abstractmethod
    def write(self, source: Source, folder: Path) -> None:
        """Write the sources into an empty folder: the same bytes for the same model and options, on any machine."""


def exporter_names() -> list[str]:
    """The exporters, with those that other packages add."""
    return registry.names(exporters)


def has_exporter(name: str) -> bool:
    """Whether there is an exporter of that name."""
    return registry.has(exporters, name)


def load_exporter(name: str) -> type[Exporter]:
    """The exporter of that name.

    Raises:
        UsageError: No such exporter; the nearest one is suggested.
    """
    kind: type[Exporter] = registry.load(exporters, name).EXPORTER
    return kind


def parse_exporter(item: object) -> Exporter:
    """From recipe form: `tflm` or `{tflm: {name: digits}}`.

    Raises:
        RecipeError: An unknown exporter or option.
    """
    if isinstance(item, Exporter):
        return item
    name, options = registry.entry(item, example="tflm: {name: digits}")
    try:
        return load_exporter(name).model_validate(options)
    except UsageError as error:
        raise RecipeError("Unknown exporter.", received=repr(name), remedy=error.remedy) from None
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=f"export.{name}", model=load_exporter(name)) from None
