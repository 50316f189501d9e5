"""From measured steps to the manifest: the shipped files with what belongs beside them, and every record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit import _tf, interrupt
from edgekit.artifact import Artifact
from edgekit.data import Dataset
from edgekit.data.sidecar import UNKNOWN, Sidecar, sidecar_path, write_sidecar
from edgekit.golden import golden_path
from edgekit.measure.accuracy import paired_drop
from edgekit.measure.environment import environment
from edgekit.measure.golden import write_golden
from edgekit.ownership import publishing, remove_unchanged, written
from edgekit.pipeline.figures import Figures
from edgekit.pipeline.manifest import FILE as MANIFEST
from edgekit.pipeline.manifest import REPORTS, Manifest, ModelRecord
from edgekit.pipeline.measured import KERAS_FILE, TFLITE_FILE, Measured
from edgekit.pipeline.step import Step
from edgekit.pipeline.verdict import select, trivial, violations
from edgekit.recipe import Recipe
from edgekit.target import load_target
from edgekit.versions import versions
from edgekit_converters.tflite import ConvertSpec

__all__ = ["Shipped", "build_manifest", "output_names"]

MODELS = "models"


@dataclass(frozen=True)
class Shipped:
    """A file that ships, and the Keras step that it was made from."""

    measured: Measured
    source: Measured


def build_manifest(
    output: Path,
    store: Path,
    recipe: Recipe,
    dataset: Dataset,
    done: Sequence[Measured],
    shipped: Sequence[Shipped],
    figures: Mapping[str, Figures],
    *,
    overwrite: bool = False,
) -> Manifest:
    """Copy the shipped files with their sidecars to `output/models` and say what each is worth; `store` has the steps.

    Raises:
        EdgekitError: A file that EdgeKit did not write, or that was changed since, has a name that is needed, and
            `overwrite` is not set.
    """
    artifacts = [a for step in done for a in _step_artifacts(step, store)]
    models = []
    with publishing(output, overwrite=overwrite) as staging:
        for item in shipped:
            interrupt.check()
            step = item.measured.step
            path = f"{MODELS}/{_file_name(recipe, step.spec)}"
            artifact = Artifact(path, "tflite", step.sha256, step.model_bytes, step.parent, step.name)
            _write_shipped(staging / path, item, recipe, dataset, artifact)
            artifacts.append(artifact)
            models.append(_model_record(path, item, done[0], recipe, figures))
    needed = {name for model in models for name in _companions(model.path)}
    remove_unchanged(output, [name for name in written(output) if name.startswith(f"{MODELS}/") and name not in needed])
    selected, first = select(models), done[0].step
    return Manifest(
        output=str(output),
        store=str(store),
        metric=recipe.objective.metric,
        samples=len(dataset.splits["test"]),
        steps=tuple(_with_costs(d.step, figures[d.step.sha256]) for d in [*done, *(i.measured for i in shipped)]),
        models=tuple(models),
        trivial=trivial(dataset, recipe.objective, accuracy=first.accuracy, low=first.accuracy_low),
        selected=selected.path,
        budget={"met": not selected.violations, "violations": list(map(str, selected.violations))},
        artifacts=tuple(a.as_dict() for a in artifacts),
        recipe=recipe.dump(),
        environment={
            **environment(),
            "packages": versions(),
            "data": dataset.fingerprint,
            "seed": recipe.seed,
            "threads": _tf.threads(),
        },
    )


def output_names(recipe: Recipe) -> list[str]:
    """What a run writes beside its steps, relative to the output folder; known before the run."""
    models = [f"{MODELS}/{_file_name(recipe, spec.resolved())}" for spec in recipe.convert]
    return [*(name for path in models for name in _companions(path)), MANIFEST, *REPORTS]


def _companions(path: str) -> list[str]:
    """A shipped file and what lies beside it."""
    return [path, str(sidecar_path(Path(path))), str(golden_path(Path(path)))]


def _write_shipped(path: Path, item: Shipped, recipe: Recipe, dataset: Dataset, artifact: Artifact) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(item.measured.tflite.read_bytes())
    sidecar = Sidecar(
        dataset.preprocessing,
        dataset.label_names,
        recipe.objective.task or UNKNOWN,
        item.measured.step.state,
        item.measured.step.parity,
    )
    write_sidecar(path, sidecar, artifact)
    write_golden(path, dataset.features("test"))


def _step_artifacts(done: Measured, store: Path) -> list[Artifact]:
    step, folder = done.step, done.folder.relative_to(store)
    size = (done.folder / KERAS_FILE).stat().st_size
    return [
        Artifact(str(folder / KERAS_FILE), "keras", step.parent, size, step.keras_parent, step.name),
        Artifact(str(folder / TFLITE_FILE), "tflite", step.sha256, step.model_bytes, step.parent, step.name),
    ]


def _file_name(recipe: Recipe, spec: ConvertSpec) -> str:
    """`resnet8_int8.tflite`; dtypes that differ from the format's own are named too."""
    own = ConvertSpec(format=spec.format).resolved()
    other = [
        f"_{side}_{getattr(spec, f'{side}_dtype')}"
        for side in ("input", "output")
        if getattr(spec, f"{side}_dtype") != getattr(own, f"{side}_dtype")
    ]
    return f"{recipe.stem}_{spec.format}{''.join(other)}.tflite"


def _with_costs(step: Step, costs: Figures) -> Step:
    return replace(
        step,
        latency_ms=costs.latency_ms,
        latency_low=costs.latency_low,
        latency_high=costs.latency_high,
        figures=dict(costs.counts),
    )


def _model_record(
    path: str, item: Shipped, baseline: Measured, recipe: Recipe, figures: Mapping[str, Figures]
) -> ModelRecord:
    step = item.measured.step
    drop: tuple[float, float | None, float | None]
    before, after = baseline.correct(), item.measured.correct()
    if before is not None and after is not None:
        interval = paired_drop(before, after)
        drop = interval.value, interval.low, interval.high
    else:  # mean squared error: the relative rise
        drop = step.accuracy / max(baseline.step.accuracy, 1e-12) - 1, None, None
    cost, target = figures[step.sha256], load_target(recipe.target)
    return ModelRecord(
        path=path,
        bytes=step.model_bytes,
        accuracy_drop=drop[0],
        drop_low=drop[1],
        drop_high=drop[2],
        latency_ms=cost.latency_ms,
        figures=dict(cost.counts),
        made_from=item.source.step.name,
        violations=violations(
            recipe.budget,
            target,
            drop=drop[0],
            size=step.model_bytes,
            figures=cost,
            macs=step.macs,
            measured=recipe.measure,
        ),
        **{name: getattr(step, name) for name in _OF_THE_STEP},
    )


_OF_THE_STEP = (
    "format", "gzip_bytes", "sha256", "accuracy", "accuracy_low", "accuracy_high", "agreement", "parity",
    "nonzero_params", "params", "state",
)  # fmt: skip
"""What a model that ships has from the step that made it."""
