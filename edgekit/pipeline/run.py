"""Runs a recipe step by step: cached by content, resumable after a kill, every step an Artifact with its lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from edgekit import _tf, interrupt, registry, sandbox
from edgekit.data import Dataset
from edgekit.errors import RecipeError
from edgekit.keras import FOREIGN, Loading, load_model, save_model
from edgekit.keras.types import KerasModel
from edgekit.measure.parity import Parity, warning
from edgekit.measure.predict import predict
from edgekit.ownership import check_folder, check_writable, remove_unchanged, written
from edgekit.passes import Context, Pass, is_quantized
from edgekit.pipeline.checks import check_before_training, check_kept, check_model_exists
from edgekit.pipeline.exported import export_file
from edgekit.pipeline.figures import count_instructions, measure_figures
from edgekit.pipeline.manifest import Manifest, write_manifest
from edgekit.pipeline.measured import KERAS_FILE, Measured, convert_and_measure, is_whole
from edgekit.pipeline.results import Shipped, build_manifest, output_names
from edgekit.pipeline.start import NOTHING, Given, fingerprint_of, rows_of, starting_model, with_data
from edgekit.pipeline.step import Step
from edgekit.pipeline.store import StepStore, open_store, step_key, versions
from edgekit.pipeline.sums import one_blas_thread
from edgekit.recipe import Recipe
from edgekit.target import load_target
from edgekit.training import (
    Teacher,
    Train,
    Trainer,
    keras_teacher,
    open_teacher,
    seed_everything,
)
from edgekit.training.teacher import file_fingerprint
from edgekit_converters.tflite import ConvertSpec

__all__ = ["Log", "compress"]

Log = Callable[[str], None]
TENSORBOARD = "tensorboard"
EXPORTS = "exports"


@dataclass
class _Run:
    """What the steps of one run share."""

    recipe: Recipe
    dataset: Dataset
    store: StepStore
    log: Log
    loading: Loading
    quiet: bool
    tensorboard: bool
    models: dict[str, Any] = field(default_factory=dict)
    """Keras models at hand, by the key of the step that made them; loaded from disk only when a step needs one."""
    teachers: dict[str, Teacher] = field(default_factory=dict)
    given: Given = NOTHING
    checked: bool = False

    def check(self, model: KerasModel, *, done: int) -> None:
        """Before the first step that is not cached: what can be known of the others from the baseline's model.

        Args:
            model: The baseline's tf_keras model, trained or not.
            done: How many passes are done.
        """
        if not self.checked:
            passes = self.recipe.passes[done:]
            check_before_training(self.recipe, passes, self.dataset, model, self.open_teacher, self.log, self.loading)
        self.checked = True

    def model(self, step: Measured) -> Any:
        if step.key not in self.models:
            self.models[step.key] = load_model(step.folder / KERAS_FILE, self.loading)
        return self.models[step.key]

    def trainer(self, name: str, key: str, teacher: Teacher | None = None) -> Trainer:
        return Trainer(
            self.dataset,
            self.recipe.objective,
            self.recipe.seed,
            self.store.workdir(name, key),
            quiet=self.quiet,
            tensorboard=self.store.output / TENSORBOARD if self.tensorboard else None,
            teacher=teacher,
            cache=self.store.cache("teachers"),
            log=self.log,
        )

    def open_teacher(self, source: str) -> Teacher:
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
            self.log(f"Warning: {said}")
        return step

    @property
    def has_own_code(self) -> bool:
        """Whether models may hold layers of the user's own, which a child process would not know."""
        students = [getattr(item, "student", None) or "" for item in self.recipe.passes]
        own = any(registry.is_reference(name) for name in (self.recipe.source, *students))
        return own or self.loading.unsafe or bool(self.loading.custom_objects)

    def instructions(self, model: KerasModel) -> int:
        return count_instructions(model, load_target(self.recipe.target), self.dataset.features("calibration"))


def compress(
    recipe: Recipe,
    output: Path,
    *,
    given: Given = NOTHING,
    loading: Loading = FOREIGN,
    quiet: bool = False,
    tensorboard: bool = False,
    overwrite: bool = False,
    log: Log = lambda line: None,
) -> Manifest:
    """Do what a recipe says; run again after a kill, it goes on after the last finished step.

    Args:
        recipe: What to do.
        output: Folder for models, manifest and steps.
        given: Model and data in memory, in the place of those that the recipe names.
        loading: How the files of models are opened.
        quiet: No progress bars.
        tensorboard: Write training logs for TensorBoard under `output/tensorboard`.
        overwrite: Replace files in `output` that EdgeKit did not write, or that were changed since.
        log: Takes one line for the user.

    Returns:
        The manifest, also written to `output/manifest.json`.

    Raises:
        EdgekitError: The recipe, the model or the data break a rule, or a file would be overwritten that is not
            EdgeKit's; nothing half-made is left.
    """
    if given.model is None:
        check_model_exists(recipe)
    check_writable(output, output_names(recipe), overwrite=overwrite)
    if tensorboard:
        check_folder(output, TENSORBOARD)
    recipe, dataset = with_data(recipe, given)
    with open_store(output, log) as store, sandbox.kept_warm():
        run = _Run(recipe, dataset, store, log, loading, quiet, tensorboard, given=given)
        settings = (recipe.seed, recipe.objective.task, recipe.measure[0], loading.fingerprint, recipe.accept_parity)
        _say_threads(log)
        base = step_key(fingerprint_of(recipe, given), dataset.fingerprint, versions(), settings, _tf.threads())
        done = [_baseline(run, base)]
        for item in recipe.passes:
            interrupt.check()
            done.append(_pass(run, item, done))
        shipped = [_convert(run, spec, done) for spec in recipe.convert]
        interrupt.check()
        figures = measure_figures(store, [*done, *(s.measured for s in shipped)], recipe.measure, log)
        interrupt.check()
        manifest = build_manifest(output, recipe, dataset, done, shipped, figures, overwrite=overwrite)
        manifest = _with_exports(manifest, recipe, output, overwrite)
        write_manifest(manifest, output, overwrite=overwrite)
    return replace(manifest, own=loading.custom_objects)


def _with_exports(manifest: Manifest, recipe: Recipe, output: Path, overwrite: bool) -> Manifest:
    """Make the sources that the recipe asks for, of the chosen file."""
    artifacts, target, known = list(manifest.artifacts), load_target(recipe.target), manifest.chosen.figures
    remove_unchanged(output, [name for name in written(output) if name.startswith(f"{EXPORTS}/")])
    for exporter in recipe.export:
        interrupt.check()
        name = f"{EXPORTS}/{exporter.kind}"
        made = export_file(
            exporter, manifest.path, output / name, target, root=output, known=known, overwrite=overwrite
        )
        artifacts += [replace(file, path=f"{name}/{file.path}").as_dict() for file in made.files]
    return replace(manifest, artifacts=tuple(artifacts))


def _say_threads(log: Log) -> None:
    if _tf.threads() != _tf.THREADS:
        log(
            f"TensorFlow has {_tf.threads()} threads here: with EdgeKit's own {_tf.THREADS} the same recipe gives "
            "other files, which are the same on every machine."
        )


def _baseline(run: _Run, base: str) -> Measured:
    recipe = run.recipe
    key = step_key(base, "baseline", recipe.train.model_dump() if recipe.train else None)
    found = _find(run, "baseline", key)
    if found:
        return found
    model = starting_model(recipe, run.dataset, run.given, run.loading)
    run.check(model, done=0)

    def make() -> Any:
        if recipe.train:
            run.log(f"baseline: training {recipe.source} for {recipe.train.epochs} epochs")
            run.trainer("baseline", key).fit(model, recipe.train, name="train")
        return model

    return _make(run, "baseline", key, make, parent=None)


def _pass(run: _Run, item: Pass, done: list[Measured]) -> Measured:
    name = item.label if all(d.step.name != item.label for d in done) else f"{item.label} {len(done)}"
    target = load_target(run.recipe.target)
    settings = (_plan(run.recipe).model_dump(), run.recipe.budget.accuracy_drop, target.model_dump())
    options = item.model_dump(mode="json", exclude={"id"})
    key = step_key(done[-1].key, item.reference, item.source_sha256, options, settings, *_teaching(run.recipe, options))
    found = _find(run, name, key)
    if found:
        return found
    baseline = run.model(done[0])
    run.check(baseline, done=len(done) - 1)
    trainer = run.trainer(name, key, _teacher(run, baseline))
    context = Context(
        trainer,
        _plan(run.recipe),
        target,
        run.recipe.budget,
        trainer.score(baseline),
        run.log,
        run.open_teacher,
        run.instructions,
        run.loading,
    )
    run.log(f"{name}: {item.summary}")
    model = run.model(done[-1])

    def make() -> Any:
        result = item.apply(model, context)
        check_kept(((p, d.step.name, run.model(d)) for p, d in zip(run.recipe.passes, done[1:], strict=False)), result)
        return result

    return _make(run, name, key, make, parent=done[-1])


def _teacher(run: _Run, baseline: Any) -> Teacher | None:
    """Who teaches in every fine-tuning: nobody, the baseline, or the one that the objective names."""
    settings = run.recipe.objective.distill
    if settings is None:
        return None
    return run.open_teacher(settings.teacher) if settings.teacher else keras_teacher(baseline, name="the baseline")


def _teaching(recipe: Recipe, options: Mapping[str, Any]) -> list[object]:
    """What a step depends on beside its options: how the objective distils, and the content of files that are named."""
    distill = recipe.objective.distill
    named = [options.get("student"), options.get("teacher"), distill.teacher if distill else None]
    contents = {source: file_fingerprint(source) for source in named if source}
    return [distill.model_dump() if distill else None, contents] if distill or contents else []


def _make(run: _Run, name: str, key: str, make: Callable[[], Any], *, parent: Measured | None) -> Measured:
    """Make a Keras step: the model, its `.tflite` and what that is worth, all or nothing."""
    started = time.perf_counter()
    seed_everything(run.recipe.seed)  # here, so that a step does not depend on what ran before it in this process
    with one_blas_thread():
        model = make()
    interrupt.check()
    with run.store.writing(name, key) as (folder, record):
        save_model(model, folder / KERAS_FILE)
        spec = ConvertSpec(format="int8" if is_quantized(model) else "float32").resolved()
        step = run.converted(name, model, folder / KERAS_FILE, folder, spec, parent.step.parent if parent else None)
        step = replace(step, seconds=time.perf_counter() - started)
        record |= step.as_record()
    run.models[key] = model
    run.store.discard_workdir(name, key)
    _say(run, step)
    return Measured(step, key, run.store.folder(name, key))


def _convert(run: _Run, spec: ConvertSpec, done: list[Measured]) -> Shipped:
    """Make a shipped file: float formats from the last model without fake quantisation, the others from the last."""
    integer = spec.format in ("int8", "int16x8")
    unquantized = [d for d in done if d.step.format == "float32"]
    if spec.format != "int8" and not unquantized:
        raise RecipeError(
            f"{spec.format} is made from a model without quantisation-aware wrappers.",
            received=f"{run.recipe.source}, which has them",
            remedy="Start from the model before quantisation-aware training, or convert to int8 only.",
        )
    source = done[-1] if spec.format == "int8" else unquantized[-1]
    interrupt.check()
    name = f"convert {spec.format}"
    key = step_key(source.key, "convert", spec.model_dump())
    found = _find(run, name, key)
    if found:
        return Shipped(found, source)
    started = time.perf_counter()
    with run.store.writing(name, key) as (folder, record):
        if source.step.spec == spec:  # this very file was made when its step was measured
            for file in source.folder.iterdir():
                if file.name not in (KERAS_FILE, "step.json"):
                    (folder / file.name).write_bytes(file.read_bytes())
            step = replace(source.step, name=name, cached=False)
        else:
            run.log(f"{name}: converting the model of {source.step.name}" + (" with calibration" if integer else ""))
            file = source.folder / KERAS_FILE
            step = run.converted(name, run.model(source), file, folder, spec, source.step.keras_parent)
        step = replace(step, seconds=time.perf_counter() - started)
        record |= step.as_record()
    _say(run, step)
    return Shipped(Measured(step, key, run.store.folder(name, key)), source)


def _find(run: _Run, name: str, key: str) -> Measured | None:
    record = run.store.find(name, key, is_whole)
    if record is None:
        return None
    folder = run.store.folder(name, key)
    run.log(f"{name}: done before, taken from {folder}")
    return Measured(Step.from_record(record), key, folder)


def _plan(recipe: Recipe) -> Train:
    return recipe.train or Train.model_validate({})


def _say(run: _Run, step: Step) -> None:
    run.log(
        f"{step.name}: {step.metric} {step.accuracy:.4f} on the {step.format} file, {step.model_bytes:,} bytes, "
        f"{step.seconds:.1f} s"
    )
