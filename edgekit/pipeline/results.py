"""From measured steps to the manifest: latency side by side, the shipped files, the budget's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit.artifact import Artifact, write_atomically
from edgekit.data import Dataset
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.measure.accuracy import paired_drop
from edgekit.measure.environment import environment
from edgekit.measure.golden import write_golden
from edgekit.measure.latency import benchmark
from edgekit.pipeline.manifest import Manifest, ModelRecord, StepRecord
from edgekit.pipeline.measured import KERAS_FILE, TFLITE_FILE, Measured
from edgekit.pipeline.store import StepStore, step_key, versions
from edgekit.recipe import Recipe
from edgekit.target import Budget, load_target
from edgekit_converters.tflite import ConvertSpec

__all__ = ["Shipped", "build_manifest", "measure_latency"]

Latencies = Mapping[str, Mapping[str, float]]
"""By sha256 of the file: p50, low and high in ms on the first runtime."""


@dataclass(frozen=True)
class Shipped:
    """A file that ships, and the Keras step that it was made from."""

    measured: Measured
    source: Measured


def measure_latency(
    store: StepStore, steps: Sequence[Measured], runtimes: Sequence[str], log: Callable[[str], None]
) -> Latencies:
    """Time every step's file, all interleaved in one run, so that they can be compared.

    A file that a runtime cannot run has no entry, and the log says why.
    """
    files = {s.record["sha256"]: s.tflite for s in steps}
    key = step_key(sorted(files), list(runtimes), versions())
    found = store.find("measure", key)
    if found is None:
        log(f"measure: {len(files)} files on {', '.join(runtimes)}, interleaved")
        report = benchmark(list(files.values()), runtimes=runtimes)
        by_path = {str(path): sha for sha, path in files.items()}
        for result in report.results:
            if result.error:
                log(f"measure: {result.model} on {result.runtime}: {result.error}")
        results = [asdict(r) | {"sha256": by_path[r.model]} for r in report.results]
        with store.writing("measure", key) as (_, record):
            record["results"] = results
        found = record
    return {r["sha256"]: r["latency_ms"] for r in found["results"] if r["runtime"] == runtimes[0] and r["latency_ms"]}


def build_manifest(
    output: Path,
    recipe: Recipe,
    dataset: Dataset,
    done: Sequence[Measured],
    shipped: Sequence[Shipped],
    latencies: Latencies,
) -> Manifest:
    """Copy the shipped files with their sidecars to `output/models` and say what each is worth."""
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
        models.append(_model_record(artifact.path, item, done[0], recipe, latencies))
    selected = _select(models)
    return Manifest(
        output=str(output),
        metric=recipe.objective.metric,
        samples=len(dataset.splits["test"]),
        steps=tuple(_step_record(s, latencies) for s in [*done, *(i.measured for i in shipped)]),
        models=tuple(models),
        selected=selected.path,
        budget={"met": not selected.violations, "violations": list(selected.violations)},
        artifacts=tuple(a.as_dict() for a in artifacts),
        recipe=recipe.dump(),
        environment={**environment(), "packages": versions(), "data": dataset.fingerprint, "seed": recipe.seed},
    )


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


def _step_record(step: Measured, latencies: Latencies) -> StepRecord:
    record = step.record
    latency = latencies.get(record["sha256"], {})
    return StepRecord(
        name=step.name,
        format=record["spec"]["format"],
        latency_ms=latency.get("p50"),
        latency_low=latency.get("low"),
        latency_high=latency.get("high"),
        cached=step.cached,
        parent=record["keras_sha256"],
        **{k: record[k] for k in _MEASURED},
    )


_MEASURED = (
    "accuracy", "accuracy_low", "accuracy_high", "agreement", "params", "nonzero_params", "macs", "model_bytes",
    "gzip_bytes", "seconds", "sha256",
)  # fmt: skip


def _model_record(path: str, item: Shipped, baseline: Measured, recipe: Recipe, latencies: Latencies) -> ModelRecord:
    record = item.measured.record
    drop: tuple[float, float | None, float | None]
    before, after = baseline.correct(), item.measured.correct()
    if before is not None and after is not None:
        interval = paired_drop(before, after)
        drop = interval.value, interval.low, interval.high
    else:  # mean squared error: the relative rise
        drop = record["accuracy"] / max(baseline.record["accuracy"], 1e-12) - 1, None, None
    latency = latencies.get(record["sha256"], {}).get("p50")
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
        latency_ms=latency,
        made_from=item.source.name,
        violations=tuple(_violations(recipe, drop[0], record["model_bytes"], latency)),
    )


def _violations(recipe: Recipe, drop: float, size: int, latency: float | None) -> list[str]:
    budget: Budget = recipe.budget
    found = []
    if budget.accuracy_drop is not None and drop > budget.accuracy_drop + 1e-9:
        found.append(f"accuracy_drop {drop:.4f} is above {budget.accuracy_drop}")
    if budget.model_bytes is not None and size > budget.model_bytes:
        found.append(f"model_bytes {size:,} is above {budget.model_bytes:,}")
    flash = load_target(recipe.target).flash_bytes
    if flash is not None and size > flash:
        found.append(f"model_bytes {size:,} is above the flash of {recipe.target}, {flash:,}")
    if budget.latency_ms is not None and latency is None:
        found.append("latency_ms is unknown: no runtime could time the model")
    elif budget.latency_ms is not None and latency is not None and latency > budget.latency_ms:
        found.append(f"latency_ms {latency:.3f} is above {budget.latency_ms} (host proxy)")
    return found


def _select(models: Sequence[ModelRecord]) -> ModelRecord:
    """The smallest file within the budget; where none is, the one that misses least, then the most accurate."""
    return min(models, key=lambda m: (len(m.violations), m.bytes if not m.violations else m.accuracy_drop, m.bytes))
