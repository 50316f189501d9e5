"""The manifest: what a run did, step by step, each figure with the file that it was measured on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edgekit.artifact import write_atomically
from edgekit.errors import EdgekitError

__all__ = ["Manifest", "ModelRecord", "StepRecord", "read_manifest", "write_manifest"]

SCHEMA = "edgekit.compress/1"
FILE = "manifest.json"


@dataclass(frozen=True)
class StepRecord:
    """One step and the `.tflite` that it was measured on.

    Attributes:
        name: "baseline", a pass or "convert FORMAT".
        format: Of the measured file.
        accuracy, accuracy_low, accuracy_high: The metric on the whole test split, with its 95 % interval.
        agreement: Fraction of test samples on which the file and the Keras model choose the same class.
        params, nonzero_params: Weights in the file.
        macs: Of one inference; None where the file does not tell.
        model_bytes, gzip_bytes: Size of the file.
        latency_ms, latency_low, latency_high: Median on this host, one thread, with its 95 % interval; a host proxy.
        arena_bytes, instructions, cycles: On tflm, arm64 and ethos_u, where the recipe measures on them.
        seconds: What the step took when it was made.
        cached: Whether this run found it done.
        sha256, parent: Of the file, and of the Keras model that it was made from.
    """

    name: str
    format: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    agreement: float | None
    params: int
    nonzero_params: int
    macs: int | None
    model_bytes: int
    gzip_bytes: int
    latency_ms: float | None
    latency_low: float | None
    latency_high: float | None
    arena_bytes: int | None
    instructions: int | None
    cycles: int | None
    seconds: float
    cached: bool
    sha256: str
    parent: str | None


@dataclass(frozen=True)
class ModelRecord:
    """One `.tflite` that ships.

    Attributes:
        path: Relative to the output folder.
        accuracy_drop, drop_low, drop_high: Loss against the baseline on the same samples, with its 95 % interval.
        violations: What of the budget it misses.
    """

    path: str
    format: str
    bytes: int
    gzip_bytes: int
    sha256: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    accuracy_drop: float
    drop_low: float | None
    drop_high: float | None
    agreement: float | None
    nonzero_params: int
    params: int
    latency_ms: float | None
    arena_bytes: int | None
    instructions: int | None
    cycles: int | None
    made_from: str
    violations: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """A whole run.

    Attributes:
        output: The output folder.
        metric: "top1" or "mse".
        samples: Test samples.
        steps, models: In the order in which they were made.
        selected: Path of the chosen model.
        budget: {met, violations} of the chosen model.
        artifacts: Every file with its lineage.
        recipe: As it ran.
        environment: Versions, machine, data fingerprint.
    """

    output: str
    metric: str
    samples: int
    steps: tuple[StepRecord, ...]
    models: tuple[ModelRecord, ...]
    selected: str
    budget: dict[str, Any]
    artifacts: tuple[dict[str, Any], ...]
    recipe: dict[str, Any]
    environment: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        return {"schema": SCHEMA, **asdict(self)}

    @property
    def chosen(self) -> ModelRecord:
        """The model that `selected` names."""
        return next(m for m in self.models if m.path == self.selected)


def write_manifest(manifest: Manifest, output: Path) -> Path:
    """Write `manifest.json` into the output folder."""
    path = output / FILE
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(manifest.as_dict(), indent=2) + "\n", encoding="utf-8")
    return path


def read_manifest(run: Path) -> Manifest:
    """Read the manifest of a finished run.

    Raises:
        EdgekitError: There is none, or it is damaged.
    """
    path = run / FILE
    if not path.is_file():
        raise EdgekitError(
            "A run is the output folder of edgekit compress.",
            received=f"{run} without {FILE}",
            remedy="Finish the run: the same edgekit compress goes on where it stopped.",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(Manifest)}
        values = {k: v for k, v in content.items() if k in known}
        values["steps"] = tuple(StepRecord(**s) for s in content["steps"])
        values["models"] = tuple(ModelRecord(**{**m, "violations": tuple(m["violations"])}) for m in content["models"])
        values["artifacts"] = tuple(content["artifacts"])
        return Manifest(**values)
    except (ValueError, KeyError, TypeError) as error:
        raise EdgekitError(
            f"A manifest is JSON of the form {SCHEMA}.", received=f"{path} ({type(error).__name__}: {error})"
        ) from None
