"""The manifest: what a run did, step by step, each figure with the file that it was measured on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from edgekit.artifact import Artifact
from edgekit.errors import EdgekitError, UsageError, did_you_mean
from edgekit.keras import Loading, load_model
from edgekit.measure.parity import FIELDS as PARITY
from edgekit.ownership import writing
from edgekit.pipeline.records import RecordError, as_path, as_sha256, check_fields, parsed, read_json
from edgekit.pipeline.step import Step
from edgekit.readable import Readable, Rows
from edgekit.tflite import State

__all__ = [
    "FILE",
    "REPORTS",
    "Manifest",
    "ModelRecord",
    "Trivial",
    "Violation",
    "read_manifest",
    "write_manifest",
]

SCHEMA = "edgekit.compress/3"
FILE = "manifest.json"
REPORTS = ("report.md", "report.json", "report.html")
"""What `edgekit.report` writes beside the manifest."""
LARGEST = 16 << 20
MOST = 10_000
"""Steps, models or artifacts."""
ANSWERS = {"top1": "most frequent class", "mse": "mean of the training targets"}
"""By metric, what an answer is that looks at no sample."""


@dataclass(frozen=True)
class Violation:
    """A limit that a file misses.

    Attributes:
        figure: What is limited, such as "arena_bytes".
        value: The file's; None where it could not be measured, which is a miss too.
        limit: The most that is allowed.
        source: What sets the limit or gives the value, where that is not the budget and the file themselves; for an
            unknown value, the runtime that should have given it.
    """

    figure: str
    value: float | None
    limit: float
    source: str

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.figure} is unknown: {self.source} could not measure it"
        if self.figure == "accuracy_drop":
            return f"{self.figure} {self.value:.4f} is above {self.limit}"
        return f"{self.figure} {self.value:,} is above {self.limit:,}{f' ({self.source})' if self.source else ''}"


@dataclass(frozen=True)
class ModelRecord:
    """One `.tflite` that ships.

    Attributes:
        path: Relative to the output folder.
        accuracy_drop, drop_low, drop_high: Loss against the baseline on the same samples, with its 95 % interval.
        state: What the file keeps from call to call: "none", "reset before each call" or "kept".
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
    parity: dict[str, Any]
    nonzero_params: int
    params: int
    latency_ms: float | None
    figures: dict[str, int]
    made_from: str
    state: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Trivial:
    """What an answer is worth that looks at no sample: who is no better has learned nothing.

    Attributes:
        answer: "most frequent class" of the test split, or "mean of the training targets".
        score: The metric of that answer on the test split; None where it is unknown.
        beaten: Whether the baseline is better (for top1, with its whole 95 % interval); None where that is unknown.
    """

    answer: str
    score: float | None
    beaten: bool | None


@dataclass(frozen=True)
class Manifest(Readable):
    """A whole run: what `edgekit.compress` gives back, with the models in reach.

    Attributes:
        output: The output folder.
        store: The folder whose `steps` hold what each step made: the output, unless the run was given another.
        metric: "top1" or "mse".
        samples: Test samples.
        steps, models: In the order in which they were made.
        trivial: What an answer is worth that looks at no sample, and whether the baseline is better.
        selected: Path of the chosen model.
        budget: {met, violations} of the chosen model.
        artifacts: Every file with its lineage; those of steps lie in `store`, the others in `output`.
        recipe: As it ran.
        environment: Versions, machine, data fingerprint.
        own: Classes of the user's program that the models hold, by name; they are not written down.
    """

    output: str
    store: str
    metric: str
    samples: int
    steps: tuple[Step, ...]
    models: tuple[ModelRecord, ...]
    trivial: Trivial
    selected: str
    budget: dict[str, Any]
    artifacts: tuple[dict[str, Any], ...]
    recipe: dict[str, Any]
    environment: dict[str, Any]
    own: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        told = asdict(replace(self, own={}))
        del told["own"]
        return {"schema": SCHEMA, **told}

    @property
    def chosen(self) -> ModelRecord:
        """The model that `selected` names."""
        return next(m for m in self.models if m.path == self.selected)

    @property
    def path(self) -> Path:
        """The chosen `.tflite`."""
        return Path(self.output) / self.selected

    @property
    def tflite_bytes(self) -> bytes:
        """What the chosen `.tflite` holds."""
        return self.path.read_bytes()

    @property
    def _keras_files(self) -> dict[str, str]:
        """Paths of the Keras models, by the names of the steps that made them."""
        return {a["made_by"]: a["path"] for a in self.artifacts if a["kind"] == "keras"}

    def model(self, step: str | None = None, *, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The tf_keras model that a step made.

        Args:
            step: Its name, such as "baseline" or "qat"; default the last one.
            custom_objects: Classes and functions of yours that the model holds, by name.

        Raises:
            UsageError: No such step.
            ModelError: Its file is damaged or gone.
        """
        files = self._keras_files
        name = list(files)[-1] if step is None else step
        if name not in files:
            raise UsageError(
                "No step of that name made a model.", received=repr(name), remedy=did_you_mean(name, files)
            )
        return load_model(
            Path(self.store) / files[name], Loading(custom_objects={**self.own, **(custom_objects or {})})
        )

    def keras3(self, step: str | None = None, *, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The Keras 3 model that equals the tf_keras model of a step, proven on random inputs.

        Args:
            step: Its name; default the last one before quantisation-aware training, whose layers Keras 3 lacks.
            custom_objects: As for `model`.

        Raises:
            UsageError: No such step.
            ModelError: Keras 3 lacks a layer of the model.
        """
        from edgekit.keras.bridge.back import to_keras3

        plain = [s.name for s in self.steps if s.format == "float32" and s.name in self._keras_files]
        return to_keras3(self.model(step or (plain[-1] if plain else None), custom_objects=custom_objects))

    def title(self) -> str:
        """What was made."""
        told = self.recipe["model"]
        return f"{told if isinstance(told, str) else next(iter(told))}, compressed: {self.path}"

    def rows(self) -> Rows:
        """The chosen file against the baseline."""
        first, chosen = self.steps[0], self.chosen
        smaller = f", {first.model_bytes / chosen.bytes:.1f} times smaller than the baseline" if chosen.bytes else ""
        rows: Rows = [
            ("size", f"{chosen.bytes:,} bytes{smaller}"),
            (
                self.metric,
                f"{chosen.accuracy:.4f} [{chosen.accuracy_low:.4f}, {chosen.accuracy_high:.4f}] on {self.samples:,} "
                f"test samples; baseline {first.accuracy:.4f}",
            ),
            ("latency on this host", None if chosen.latency_ms is None else f"{chosen.latency_ms:.3f} ms"),
            *((name, f"{count:,}") for name, count in chosen.figures.items()),
            ("budget", "met" if self.budget["met"] else "; ".join(self.budget["violations"])),
            ("steps", ", ".join(step.name for step in self.steps)),
            ("report", str(Path(self.output) / "report.html")),
        ]
        return rows


def is_beaten(metric: str, score: float | None, accuracy: float, low: float) -> bool | None:
    """Whether a model is better than an answer that looks at no sample.

    Args:
        metric: top1 or mse.
        score: Score of that answer; None where it is unknown.
        accuracy, low: The model's, and the lower end of its 95 % interval.
    """
    if score is None:
        return None
    return low > score if metric == "top1" else accuracy < score


def write_manifest(manifest: Manifest, output: Path, *, overwrite: bool = False) -> Path:
    """Write `manifest.json` into the output folder.

    Raises:
        EdgekitError: One is there that EdgeKit did not write, or that was changed since, and `overwrite` is not set.
    """
    path = output / FILE
    with writing(path, overwrite=overwrite) as temporary:
        temporary.write_text(json.dumps(manifest.as_dict(), indent=2) + "\n", encoding="utf-8")
    return path


def read_manifest(run: Path) -> Manifest:
    """Read the manifest of a finished run.

    Raises:
        EdgekitError: There is none, or it is damaged or another program's.
    """
    path = run / FILE
    if not path.exists():
        raise EdgekitError(
            "A run is the output folder of edgekit compress.",
            received=f"{run} without {FILE}",
            remedy="Finish the run: the same edgekit compress goes on where it stopped.",
        )
    try:
        return _manifest(read_json(path, LARGEST))
    except RecordError as error:
        raise EdgekitError(
            f"A manifest is JSON of the form {SCHEMA}, as edgekit compress writes it.",
            received=f"{path}: {error}",
            remedy="Run the same edgekit compress again: finished steps are kept, so that it takes seconds.",
        ) from None


def _manifest(value: object) -> Manifest:
    content = check_fields(value, {"schema": str}, "")
    if content["schema"] != SCHEMA:
        raise RecordError(f"schema is {content['schema'][:100]!r}, which another version of EdgeKit or program has")
    hints = {name: kind for name, kind in get_type_hints(Manifest).items() if name != "own"}
    plain = {f.name: hints[f.name] for f in fields(Manifest) if f.name in hints and f.name not in _RECORDS}
    check_fields(content, plain, "")
    if unknown := sorted(content.keys() - hints.keys() - {"schema"}):
        raise RecordError(f"unknown key {unknown[0][:100]!r}")
    models = tuple(_model(item, where) for where, item in _items(content, "models"))
    manifest = Manifest(
        **{name: content[name] for name in plain},
        steps=tuple(Step.from_json(item, where) for where, item in _items(content, "steps")),
        models=models,
        trivial=parsed(Trivial, content.get("trivial"), "trivial"),
        artifacts=tuple(parsed(Artifact, item, where).as_dict() for where, item in _items(content, "artifacts")),
    )
    _check_values(manifest)
    return manifest


def _items(content: dict[str, Any], name: str) -> list[tuple[str, object]]:
    items = content.get(name)
    if not isinstance(items, list) or not 0 < len(items) <= MOST:
        raise RecordError(f"{name} must be a list of 1 to {MOST:,} records")
    return [(f"{name}[{number}]", item) for number, item in enumerate(items)]


def _model(item: object, where: str) -> ModelRecord:
    content = check_fields(item, {"violations": list}, where)
    missed = [parsed(Violation, v, f"{where}.violations[{n}]") for n, v in enumerate(content["violations"])]
    return replace(parsed(ModelRecord, {**content, "violations": []}, where), violations=tuple(missed))


def _check_values(manifest: Manifest) -> None:
    """What the types do not say: paths that stay inside, digests, counts, and what the report reads."""
    if manifest.metric not in ("top1", "mse"):
        raise RecordError(f"metric must be top1 or mse, not {manifest.metric[:80]!r}")
    _check_answers(manifest)
    for number, model in enumerate(manifest.models):
        as_path(model.path, f"models[{number}].path")
        if model.state not in get_args(State):
            raise RecordError(f"models[{number}].state must be one of {', '.join(get_args(State))}")
    for number, artifact in enumerate(manifest.artifacts):
        as_path(artifact["path"], f"artifacts[{number}].path")
        as_sha256(artifact["parent"], f"artifacts[{number}].parent")
    for name in ("models", "artifacts"):
        for number, record in enumerate(getattr(manifest, name)):
            values = record if isinstance(record, dict) else asdict(record)
            as_sha256(values["sha256"], f"{name}[{number}].sha256")
            if "parity" in values:
                check_fields(values["parity"], PARITY, f"{name}[{number}].parity")
            counted = check_fields(values.get("figures", {}), {}, f"{name}[{number}].figures")
            check_fields(counted, dict.fromkeys(counted, int), f"{name}[{number}].figures")
            for key, value in (*values.items(), *counted.items()):
                if (key in _COUNTS or key in counted) and value is not None and value < 0:
                    raise RecordError(f"{name}[{number}].{key} must not be negative")
    if any(model.bytes == 0 for model in manifest.models):
        raise RecordError("models: a file of no bytes")
    _check_trivial(manifest)
    _check_choice(manifest)
    check_fields(manifest.environment, _ENVIRONMENT, "environment")
    packages = manifest.environment["packages"]
    check_fields(packages, dict.fromkeys(packages, str | None), "environment.packages")


def _check_choice(manifest: Manifest) -> None:
    """The selected model is one of the models, and the budget's verdict is its own."""
    if manifest.selected not in [model.path for model in manifest.models]:
        raise RecordError("selected must be the path of one of the models")
    check_fields(manifest.budget, {"met": bool, "violations": tuple[str, ...]}, "budget")
    violations = [str(violation) for violation in manifest.chosen.violations]
    if list(manifest.budget["violations"]) != violations or manifest.budget["met"] is bool(violations):
        raise RecordError("budget must say of the selected model what models says of it")


def _check_answers(manifest: Manifest) -> None:
    """All steps are judged on the same samples by the same metric, so that their answers can stand side by side."""
    first = manifest.steps[0]
    for number, step in enumerate(manifest.steps):
        if step.metric != manifest.metric:
            raise RecordError(f"steps[{number}].metric must be {manifest.metric}, as metric says")
        for key in ("classes", "samples"):
            if step.answers.get(key) != first.answers.get(key):
                raise RecordError(f"steps[{number}].answers.{key} must be that of steps[0]")


def _check_trivial(manifest: Manifest) -> None:
    trivial, baseline = manifest.trivial, manifest.steps[0]
    if trivial.answer != ANSWERS[manifest.metric]:
        raise RecordError(f"trivial.answer must be {ANSWERS[manifest.metric]!r} for {manifest.metric}")
    if trivial.score is not None and not 0 <= trivial.score <= (1 if manifest.metric == "top1" else math.inf):
        raise RecordError("trivial.score must be a fraction for top1, and not negative")
    beaten = is_beaten(manifest.metric, trivial.score, baseline.accuracy, baseline.accuracy_low)
    if trivial.beaten is not beaten:
        raise RecordError("trivial.beaten must say what its score and the baseline's accuracy say")


_RECORDS = ("steps", "models", "artifacts", "trivial")
_ENVIRONMENT = {
    **dict.fromkeys(("cpu", "platform", "data"), str), **dict.fromkeys(("cores", "seed", "threads"), int),
    "packages": dict[str, Any],
}  # fmt: skip
_COUNTS = (
    "params", "nonzero_params", "macs", "model_bytes", "gzip_bytes", "bytes", "latency_ms", "seconds", "samples",
)  # fmt: skip
