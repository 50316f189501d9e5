"""What the steps of one run share: recipe, data, store, who observes it, and the models and teachers at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from edgekit import registry
from edgekit.data import Dataset
from edgekit.errors import EdgekitError
from edgekit.keras import Loading, load_model
from edgekit.keras.types import KerasModel
from edgekit.measure.parity import Parity, warning
from edgekit.measure.predict import predict
from edgekit.observer import Observer, StepFinished, logger
from edgekit.pipeline.checks import check_before_training
from edgekit.pipeline.figures import count_instructions
from edgekit.pipeline.measured import KERAS_FILE, Measured, convert_and_measure, is_whole
from edgekit.pipeline.start import Given, fingerprint_of, rows_of
from edgekit.pipeline.step import Step
from edgekit.pipeline.store import StepStore
from edgekit.recipe import Recipe
from edgekit.target import load_target
from edgekit.training import Teacher, Trainer, open_teacher
from edgekit.training.teacher import file_fingerprint
from edgekit_converters.tflite import ConvertSpec

__all__ = ["TENSORBOARD", "ChangedSource", "Run"]

_log = logger(__name__)
TENSORBOARD = "tensorboard"
_TOLD = ("accuracy", "accuracy_low", "accuracy_high", "model_bytes", "gzip_bytes", "macs", "nonzero_params", "seconds")
"""Figures of a step that observers are told."""


class ChangedSource(EdgekitError):
    """A file that a recipe names has changed while the run was at work."""


@dataclass
class Run:
    """What the steps of one run share."""

    recipe: Recipe
    dataset: Dataset
    given: Given
    store: StepStore
    loading: Loading
    quiet: bool
    tensorboard: Path | None
    observer: Observer
    models: dict[str, Any] = field(default_factory=dict)
    """Keras models at hand, by the key of the step that made them; loaded from disk only when a step needs one."""
    teachers: dict[str, Teacher] = field(default_factory=dict)
    contents: dict[tuple[str, bool], str | None] = field(default_factory=dict)
    """What `content` said of a source when it was first asked."""
    checked: bool = False

    def content(self, source: str, *, starts: bool = False) -> str | None:
        """What a source holds, as a key has it; asked once more where a step is made of it.

        Args:
            source: A path, `module:function` or a name.
            starts: It is the model that the run starts from.

        Raises:
            ChangedSource: It is another one than when it was first asked for.
        """
        now = fingerprint_of(self.recipe, self.given) if starts else file_fingerprint(source)
        if self.contents.setdefault((source, starts), now) != now:
            raise ChangedSource(
                "What a recipe names stays as it is until the run has ended: a step is kept under its content.",
                received=f"{source}, which has changed since the run began",
                remedy="Run again: steps that are finished are kept.",
            )
        return now

    def check(self, model: KerasModel, *, done: int) -> None:
        """Before the first step that is not cached: what can be known of the others from the baseline's model.

        Args:
            model: The baseline's tf_keras model, trained or not.
            done: How many passes are done.
        """
        if not self.checked:
            passes = self.recipe.passes[done:]
            check_before_training(self.recipe, passes, self.dataset, model, self.open_teacher, self.loading)
        self.checked = True

    def model(self, step: Measured) -> Any:
        """The tf_keras model that a step made."""
        if step.key not in self.models:
            self.models[step.key] = load_model(step.folder / KERAS_FILE, self.loading)
        return self.models[step.key]

    def trainer(self, name: str, key: str, teacher: Teacher | None = None) -> Trainer:
        """Who trains in a step."""
        return Trainer(
            self.dataset,
            self.recipe.objective,
            self.recipe.seed,
            self.store.workdir(name, key),
            quiet=self.quiet,
            tensorboard=self.tensorboard,
            teacher=teacher,
            cache=self.store.cache("teachers"),
            step=name,
            observer=self.observer,
        )

    def open_teacher(self, source: str) -> Teacher:
        """The teacher that the recipe names."""
        if source not in self.teachers:
            rows = partial(rows_of, self.recipe, self.dataset, self.given)
            self.teachers[source] = open_teacher(source, run_tflite=predict, rows=rows, loading=self.loading)
        return self.teachers[source]

    def converted(
        self, name: str, model: KerasModel, source: Path, folder: Path, spec: ConvertSpec, keras_parent: str | None
    ) -> Step:
        """Make a model's `.tflite` in a step's folder, and measure it; `source` is the model's file."""
        recipe = self.recipe
        step = convert_and_measure(
            name,
            model,
            source,
            folder,
            spec,
            self.dataset,
            recipe.objective,
            recipe.measure[0],
            keras_parent=keras_parent,
            in_child=not self.has_own_code,
            accept_parity=recipe.accept_parity,
        )
        said = warning(Parity(**step.parity), spec.format)
        if said:
            _log.warning(said)
        return step

    @property
    def has_own_code(self) -> bool:
        """Whether models may hold layers of the user's own, which a child process would not know."""
        students = [getattr(item, "student", None) or "" for item in self.recipe.passes]
        own = any(registry.is_reference(name) for name in (self.recipe.source, *students))
        return own or self.loading.unsafe or bool(self.loading.custom_objects)

    def instructions(self, model: KerasModel) -> int:
        """Arm64 instructions of one inference of the file that a tf_keras model becomes."""
        return count_instructions(model, load_target(self.recipe.target), self.dataset.features("calibration"))

    @contextmanager
    def claimed(self, name: str, key: str) -> Iterator[Measured | None]:
        """Give a step that is done; or None, and in this block no other run makes it."""
        with self.store.claimed(name, key, is_whole) as record:
            if record is None:
                yield None
                return
            done = Measured(Step.from_record(record), key, self.store.folder(name, key))
            _log.info(f"{name}: done before, taken from {done.folder}")
            self._tell(done)
            yield done

    def made(self, step: Step, key: str) -> Measured:
        """A step that is done now and lies in the store."""
        _log.info(
            f"{step.name}: {step.metric} {step.accuracy:.4f} on the {step.format} file, {step.model_bytes:,} bytes, "
            f"{step.seconds:.1f} s"
        )
        done = Measured(step, key, self.store.folder(step.name, key))
        self._tell(done)
        return done

    def _tell(self, done: Measured) -> None:
        values = {name: getattr(done.step, name) for name in _TOLD}
        figures = {name: value for name, value in values.items() if value is not None}
        self.observer(StepFinished(done.step.name, done.key, done.step.cached, figures))
