"""From measured steps to the manifest: the shipped files with what belongs beside them, and every record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit.artifact import Artifact, write_atomically
from edgekit.data import Dataset
from edgekit.data.sidecar import Sidecar, sidecar_path, write_sidecar
from edgekit.errors import EdgekitError
from edgekit.measure.accuracy import paired_drop
from edgekit.measure.environment import environment
from edgekit.measure.golden import golden_path, write_golden
from edgekit.pipeline.figures import Figures
from edgekit.pipeline.manifest import Manifest, ModelRecord, StepRecord, read_manifest
from edgekit.pipeline.measured import KERAS_FILE, TFLITE_FILE, Measured
from edgekit.pipeline.store import versions
from edgekit.pipeline.verdict import select, violations
from edgekit.recipe import Recipe
from edgekit.target import load_target
from edgekit_converters.tflite import ConvertSpec

__all__ = ["Shipped", "build_manifest"]


@dataclass(frozen=True)
class Shipped:
    """A file that ships, and the Keras step that it was made from."""

    measured: Measured
    source: Measured


def build_manifest(
    output: Path,
    recipe: Recipe,
    dataset: Dataset,
    done: Sequence[Measured],
    shipped: Sequence[Shipped],
    figures: Mapping[str, Figures],
) -> Manifest:
    """Copy the shipped files with their sidecars to `output/models` and say what each is worth."""
    _remove_shipped_before(output)
    artifacts = [a for step in done for a in _step_artifacts(step, output)]
    models = []
    for item in shipped:
        path = output / "models" / _file_name(recipe, item.measured)
        with write_atomically(path) as temporary:
            temporary.write_bytes(item.measured.tflite.read_bytes())
        record = item.measured.record
        artifact = Artifact(
            str(path.relative_to(output)),
            "tflite",
            record["sha256"],
            record["model_bytes"],
            record["keras_sha256"],
            item.measured.name,
        )
        write_sidecar(path, Sidecar(dataset.preprocessing, dataset.label_names, recipe.objective.task), artifact)
        write_golden(path, dataset.features("test"))
        artifacts.append(artifact)
        models.append(_model_record(artifact.path, item, done[0], recipe, figures))
    selected = select(models)
    return Manifest(
        output=str(output),
        metric=recipe.objective.metric,
        samples=len(dataset.splits["test"]),
        steps=tuple(_step_record(s, figures) for s in [*done, *(i.measured for i in shipped)]),
        models=tuple(models),
        selected=selected.path,
        budget={"met": not selected.violations, "violations": list(selected.violations)},
        artifacts=tuple(a.as_dict() for a in artifacts),
        recipe=recipe.dump(),
        environment={**environment(), "packages": versions(), "data": dataset.fingerprint, "seed": recipe.seed},
    )


def _remove_shipped_before(output: Path) -> None:
    """An earlier recipe's files, as its manifest lists them, are not this one's."""
    with suppress(EdgekitError):
        for model in read_manifest(output).models:
            path = output / model.path
            for file in (path, sidecar_path(path), golden_path(path)):
                file.unlink(missing_ok=True)


def _step_artifacts(step: Measured, output: Path) -> list[Artifact]:
    record, folder = step.record, step.folder.relative_to(output)
    size = (step.folder / KERAS_FILE).stat().st_size
    return [
        Artifact(str(folder / KERAS_FILE), "keras", record["keras_sha256"], size, record["keras_parent"], step.name),
        Artifact(
            str(folder / TFLITE_FILE),
            "tflite",
            record["sha256"],
            record["model_bytes"],
            record["keras_sha256"],
            step.name,
        ),
    ]


def _file_name(recipe: Recipe, step: Measured) -> str:
    """`resnet8_int8.tflite`; dtypes that differ from the format's own are named too."""
    spec, stem = step.record["spec"], Path(recipe.model).stem.replace(":", "_")
    own = ConvertSpec(format=spec["format"]).resolved()
    other = [
        f"_{side}_{spec[f'{side}_dtype']}"
        for side in ("input", "output")
        if spec[f"{side}_dtype"] != getattr(own, f"{side}_dtype")
    ]
    return f"{stem}_{spec['format']}{''.join(other)}.tflite"


def _step_record(step: Measured, figures: Mapping[str, Figures]) -> StepRecord:
    record = step.record
    return StepRecord(
        name=step.name,
        format=record["spec"]["format"],
        **asdict(figures[record["sha256"]]),
        cached=step.cached,
        parent=record["keras_sha256"],
        **{k: record[k] for k in _MEASURED},
    )


_MEASURED = (
    "accuracy", "accuracy_low", "accuracy_high", "agreement", "params", "nonzero_params", "macs", "model_bytes",
    "gzip_bytes", "seconds", "sha256",
)  # fmt: skip


def _model_record(
    path: str, item: Shipped, baseline: Measured, recipe: Recipe, figures: Mapping[str, Figures]
) -> ModelRecord:
    record = item.measured.record
    drop: tuple[float, float | None, float | None]
    before, after = baseline.correct(), item.measured.correct()
    if before is not None and after is not None:
        interval = paired_drop(before, after)
        drop = interval.value, interval.low, interval.high
    else:  # mean squared error: the relative rise
        drop = record["accuracy"] / max(baseline.record["accuracy"], 1e-12) - 1, None, None
    cost = figures[record["sha256"]]
    return ModelRecord(
        path=path,
        format=record["spec"]["format"],
        bytes=record["model_bytes"],
        gzip_bytes=record["gzip_bytes"],
        sha256=record["sha256"],
        accuracy=record["accuracy"],
        accuracy_low=record["accuracy_low"],
        accuracy_high=record["accuracy_high"],
        accuracy_drop=drop[0],
        drop_low=drop[1],
        drop_high=drop[2],
        agreement=record["agreement"],
        nonzero_params=record["nonzero_params"],
        params=record["params"],
        latency_ms=cost.latency_ms,
        arena_bytes=cost.arena_bytes,
        instructions=cost.instructions,
        cycles=cost.cycles,
        made_from=item.source.name,
        violations=violations(
            recipe.budget, load_target(recipe.target), drop=drop[0], size=record["model_bytes"], figures=cost
        ),
    )
