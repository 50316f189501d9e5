"""Sources that an exporter made of a `.tflite`, checked before and published whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from edgekit import sandbox, tflite
from edgekit.artifact import Artifact, sha256_of
from edgekit.data.sidecar import read_sidecar
from edgekit.errors import ConversionError, DoesNotFit, Finding, RuntimeFailed
from edgekit.figures import FIGURES
from edgekit.golden import SAMPLES, Bounds, Golden, golden_path, read_golden
from edgekit.measure.golden import answers_to, bounds_of, make_golden
from edgekit.observer import logger
from edgekit.ownership import publishing
from edgekit.readable import Readable, Rows
from edgekit.runtimes import load_runtime
from edgekit.target import Target
from edgekit.tensors import Array, random_input
from edgekit_converters.exporters import Checked, Exporter, Source

__all__ = ["Exported", "export_file", "with_golden"]

SCHEMA = "edgekit.export/1"
_MOST_KINDS = 5
"""Kinds of findings that an error tells."""
_log = logger(__name__)


@dataclass(frozen=True)
class Exported(Readable):
    """What was written.

    Attributes:
        exporter: Its name.
        model: Path of the `.tflite`.
        sha256: sha256 of the `.tflite`.
        target: What it is for.
        folder: Where the files lie.
        files: What was written, paths relative to the folder.
        figures: What was measured of the model for it.
        warnings: What its user must know, as sentences with the remedy.
    """

    exporter: str
    model: str
    sha256: str
    target: str
    folder: str
    files: tuple[Artifact, ...]
    figures: Mapping[str, int]
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """JSON-ready, with its schema name."""
        return {"schema": SCHEMA, **asdict(self)}

    def title(self) -> str:
        """The model, the exporter and the folder."""
        return f"{self.model}, exported as {self.exporter} to {self.folder}"

    def rows(self) -> Rows:
        """Each file with its size, and each figure."""
        return [
            *((artifact.path, f"{artifact.bytes:,} bytes") for artifact in self.files),
            *((name, f"{value:,}") for name, value in self.figures.items()),
        ]


def export_file(
    exporter: Exporter,
    model: Path,
    folder: Path,
    target: Target,
    *,
    root: Path | None = None,
    known: Mapping[str, int] = MappingProxyType({}),
    overwrite: bool = False,
) -> Exported:
    """Make sources of a `.tflite`.

    Args:
        exporter: The exporter with its options.
        model: The file; what lies beside it is used.
        folder: Folder for the sources.
        target: What they are for.
        root: The folder whose record says what EdgeKit wrote; default `folder`.
        known: Figures of the model that were measured before; what the exporter wants beyond them is measured here.
        overwrite: Replace files that EdgeKit did not write, or that were changed since.

    Raises:
        ConversionError: The exporter cannot make them of this model, or not for this target.
        DoesNotFit: The target has too little flash or RAM.
        ModelError: The file is missing or no well-formed `.tflite`.
        EdgekitError: A file in the folder is not EdgeKit's, and `overwrite` is not set.
    """
    read = tflite.read(model)
    source = Source(read, read_sidecar(model), _figures(read, exporter.figures, known))
    findings = exporter.check(source, target)
    if findings:
        raise ConversionError(
            f"{exporter.kind} must be able to take the model, and {target.name} to hold it.",
            received=_told(findings),
        )
    if excess := exporter.too_large(source, target):
        raise DoesNotFit(
            f"{target.name} must have room for what {exporter.kind} makes of the model.",
            received="; ".join(map(str, excess)),
        )
    source = with_golden(exporter, source, model)
    root = root or folder
    place = folder.relative_to(root)
    with publishing(root, overwrite=overwrite, maker=f"{exporter.kind} {exporter.unit} {place.as_posix()}") as staging:
        inside = staging / place
        inside.mkdir(parents=True, exist_ok=True)
        exporter.write(source, inside)
        files = tuple(
            _artifact(path, inside, read.sha256, exporter.kind) for path in sorted(inside.rglob("*")) if path.is_file()
        )
    warnings = tuple(map(str, exporter.warnings(source)))
    for warning in warnings:
        _log.warning(f"{model}: {warning}.")
    return Exported(exporter.kind, str(model), read.sha256, target.name, str(folder), files, source.figures, warnings)


def with_golden(exporter: Exporter, source: Source, path: Path) -> Source:
    """The source with golden vectors, where the exporter wants them: those beside the file, or ones of random inputs.

    Raises:
        ModelError: Those beside the file are damaged.
        RuntimeFailed: No runtime survives the model, and the exporter cannot do without vectors.
    """
    if not exporter.wants_golden:
        return source
    beside = read_golden(path) if os.path.lexists(golden_path(path)) else None
    try:
        with sandbox.kept_warm():  # a few runtimes, each for a second
            return replace(source, golden=_checked(exporter, source, beside))
    except RuntimeFailed as error:
        if not exporter.without_golden:
            raise
        _log.warning("%s is exported without a self-test: no runtime on this machine takes it. %s", path, error)
        return source


def _checked(exporter: Exporter, source: Source, beside: Golden | None) -> Checked:
    model = source.model
    if exporter.oracles:
        inputs = exporter.golden_inputs(source, beside)
        vectors = answers_to(model, _random_inputs(model) if inputs is None else inputs, exporter.oracles)
    else:
        vectors = beside or make_golden(model)
    if not exporter.bounded:
        return Checked(vectors, Bounds(0, 0.0), Bounds(0, 0.0))
    own, xnnpack = (bounds_of(vectors, model, kernels) for kernels in ("builtin", "default"))
    # Where there is no AVX2, TFLite's own kernels round nearly as XNNPACK's do here: once, not twice.
    builtin = Bounds(max(own.steps, xnnpack.steps), max(own.relative, xnnpack.relative))
    return Checked(vectors, builtin, xnnpack)


def _random_inputs(model: tflite.Model) -> list[Array]:
    random, graph = np.random.default_rng(0), model.graphs[0]
    return [np.stack([random_input(graph.tensors[i].spec, random) for _ in range(SAMPLES)]) for i in graph.inputs]


def _told(findings: Sequence[Finding]) -> str:
    """The first few findings; of those that differ in their place alone, the first one, and how many there are."""
    kinds: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.rule, str(finding.received), finding.remedy), []).append(finding)
    texts = [
        f"{first}, and {len(more)} more of that kind" if more else str(first)
        for first, *more in list(kinds.values())[:_MOST_KINDS]
    ]
    rest = sum(map(len, list(kinds.values())[_MOST_KINDS:]))
    return "; ".join([*texts, f"and {rest} others"] if rest else texts)


def _artifact(path: Path, folder: Path, parent: str, exporter: str) -> Artifact:
    name = path.relative_to(folder).as_posix()
    return Artifact(name, "source", sha256_of(path), path.stat().st_size, parent, f"export {exporter}")


def _figures(model: tflite.Model, wanted: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    """What is wanted, as far as its runtime is installed and takes the model."""
    return {
        name: value
        for name in wanted
        if (value := known[name] if name in known else _measured(model, name)) is not None
    }


def _measured(model: tflite.Model, name: str) -> int | None:
    runtime = load_runtime(FIGURES[name].runtime)
    if runtime.probe() is not None or runtime.meter is None:
        return None
    try:
        return runtime.meter.measure(model)[name]
    except RuntimeFailed:
        return None
