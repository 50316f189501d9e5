"""Runs a recipe step by step: cached by content, resumable after a kill, every step an Artifact with its lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit import _tf, interrupt, sandbox
from edgekit.errors import RecipeError
from edgekit.keras import FOREIGN, Loading, save_model
from edgekit.observer import Note, Observer, StepStarted, logger, notes_to, unobserved
from edgekit.ownership import check_folder, check_writable, remove_unchanged, written
from edgekit.passes import Context, Pass, is_quantized
from edgekit.pipeline.checks import check_kept, check_model_exists
from edgekit.pipeline.exported import export_file
from edgekit.pipeline.figures import measure_figures
from edgekit.pipeline.manifest import Manifest, write_manifest
from edgekit.pipeline.measured import KERAS_FILE, Measured
from edgekit.pipeline.results import Shipped, build_manifest, output_names
from edgekit.pipeline.shared import TENSORBOARD, ChangedSource, Run
from edgekit.pipeline.start import NOTHING, Given, starting_model, with_data
from edgekit.pipeline.store import open_output, open_store, step_key
from edgekit.pipeline.sums import one_blas_thread
from edgekit.recipe import Recipe
from edgekit.target import load_target
from edgekit.training import (
    Teacher,
    Train,
    keras_teacher,
    seed_everything,
)
from edgekit.training.history import read_training, thinned
from edgekit.versions import versions
from edgekit_converters.tflite import ConvertSpec

__all__ = ["compress"]

_log = logger(__name__)
EXPORTS = "exports"


def compress(
    recipe: Recipe,
    output: Path,
    *,
    given: Given = NOTHING,
    loading: Loading = FOREIGN,
    quiet: bool = False,
    tensorboard: bool = False,
    overwrite: bool = False,
    observer: Observer | None = None,
    store: Path | None = None,
) -> Manifest:
    """Do what a recipe says; run again after a kill, it goes on after the last finished step.

    Args:
        recipe: What to do.
        output: Folder for models and manifest, and for steps where `store` is None; for one run at a time.
        given: Model and data in memory, in the place of those that the recipe names.
        loading: How the files of models are opened.
        quiet: No progress bars.
        tensorboard: Write training logs for TensorBoard under `output/tensorboard`.
        overwrite: Replace files in `output` that EdgeKit did not write, or that were changed since.
        observer: Function that is called with steps, epochs and the lines of the logger `edgekit`.
        store: Folder that holds the steps of many runs, which may share it at the same time.

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
    with _noting(observer), open_output(output), open_store(store or output) as steps, sandbox.kept_warm():
        board = output / TENSORBOARD if tensorboard else None
        run = Run(recipe, dataset, given, steps, loading, quiet, board, observer or unobserved)
        settings = (recipe.seed, recipe.objective.task, recipe.measure[0], loading.fingerprint, recipe.accept_parity)
        _say_threads()
        base = step_key(
            run.content(recipe.source, starts=True), dataset.fingerprint, versions(), settings, _tf.threads()
        )
        done = [_baseline(run, base)]
        for item in recipe.passes:
            interrupt.check()
            done.append(_pass(run, item, done))
        shipped = [_convert(run, spec, done) for spec in recipe.convert]
        interrupt.check()
        figures = measure_figures(steps, [*done, *(s.measured for s in shipped)], recipe.measure, run.observer)
        interrupt.check()
        manifest = build_manifest(output, steps.home, recipe, dataset, done, shipped, figures, overwrite=overwrite)
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


def _noting(observer: Observer | None) -> AbstractContextManager[None]:
    return nullcontext() if observer is None else notes_to(lambda text: observer(Note(text)))


def _say_threads() -> None:
    if _tf.threads() != _tf.THREADS:
        _log.info(
            f"TensorFlow has {_tf.threads()} threads here: with EdgeKit's own {_tf.THREADS} the same recipe gives "
            "other files, which are the same on every machine."
        )


def _baseline(run: Run, base: str) -> Measured:
    recipe = run.recipe
    key = step_key(base, "baseline", recipe.train.model_dump() if recipe.train else None)
    with run.claimed("baseline", key) as found:
        return found or _start(run, key)


def _start(run: Run, key: str) -> Measured:
    """Make the baseline."""
    recipe = run.recipe
    model = starting_model(recipe, run.dataset, run.given, run.loading)
    # The key was taken before another run was waited for, and the file read after that.
    run.content(recipe.source, starts=True)
    run.check(model, done=0)

    def make() -> Any:
        if recipe.train:
            _log.info(f"baseline: training {recipe.source} for {recipe.train.epochs} epochs")
            run.trainer("baseline", key).fit(model, recipe.train, name="train")
        return model

    return _make(run, "baseline", key, make, parent=None)


def _pass(run: Run, item: Pass, done: list[Measured]) -> Measured:
    name = item.label if all(d.step.name != item.label for d in done) else f"{item.label} {len(done)}"
    target = load_target(run.recipe.target)
    settings = (_plan(run.recipe).model_dump(), run.recipe.budget.accuracy_drop, target.model_dump())
    options = item.model_dump(mode="json", exclude={"id"})
    key = step_key(done[-1].key, item.reference, item.source_sha256, options, settings, *_teaching(run, options))
    with run.claimed(name, key) as found:
        return found or _apply(run, item, name, key, done)


def _apply(run: Run, item: Pass, name: str, key: str, done: list[Measured]) -> Measured:
    """Make the step of a pass."""
    baseline = run.model(done[0])
    run.check(baseline, done=len(done) - 1)
    trainer = run.trainer(name, key, _teacher(run, baseline))
    context = Context(
        trainer,
        _plan(run.recipe),
        load_target(run.recipe.target),
        run.recipe.budget,
        trainer.score(baseline),
        run.open_teacher,
        run.instructions,
        run.loading,
    )
    _log.info(f"{name}: {item.summary}")
    model = run.model(done[-1])

    def make() -> Any:
        result = item.apply(model, context)
        _check_named(run, item)
        check_kept(((p, d.step.name, run.model(d)) for p, d in zip(run.recipe.passes, done[1:], strict=False)), result)
        return result

    _check_named(run, item)
    return _make(run, name, key, make, parent=done[-1])


def _teacher(run: Run, baseline: Any) -> Teacher | None:
    """Who teaches in every fine-tuning: nobody, the baseline, or the one that the objective names."""
    settings = run.recipe.objective.distill
    if settings is None:
        return None
    return run.open_teacher(settings.teacher) if settings.teacher else keras_teacher(baseline, name="the baseline")


def _check_named(run: Run, item: Pass) -> None:
    """Make sure that what a pass reads is what its key says: it is read after another run was waited for."""
    for source in _named(run.recipe, item.model_dump(mode="json")):
        run.content(source)


def _named(recipe: Recipe, options: Mapping[str, Any]) -> list[str]:
    distill = recipe.objective.distill
    return [s for s in (options.get("student"), options.get("teacher"), distill.teacher if distill else None) if s]


def _teaching(run: Run, options: Mapping[str, Any]) -> list[object]:
    """What a step depends on beside its options: how the objective distils, and the content of files that are named."""
    distill = run.recipe.objective.distill
    contents = {source: run.content(source) for source in _named(run.recipe, options)}
    return [distill.model_dump() if distill else None, contents] if distill or contents else []


def _make(run: Run, name: str, key: str, make: Callable[[], Any], *, parent: Measured | None) -> Measured:
    """Make a Keras step: the model, its `.tflite` and what that is worth, all or nothing."""
    started = time.perf_counter()
    run.observer(StepStarted(name, key))
    seed_everything(run.recipe.seed)  # here, so that a step does not depend on what ran before it in this process
    with one_blas_thread():
        try:
            model = make()
        except ChangedSource:
            run.store.discard_workdir(name, key)  # what was learnt of the other content must not be gone on with
            raise
    interrupt.check()
    with run.store.writing(name, key) as (folder, record):
        save_model(model, folder / KERAS_FILE)
        spec = ConvertSpec(format="int8" if is_quantized(model) else "float32").resolved()
        step = run.converted(name, model, folder / KERAS_FILE, folder, spec, parent.step.parent if parent else None)
        told = thinned(read_training(run.store.workdir(name, key)))
        step = replace(step, seconds=time.perf_counter() - started, training=told)
        record |= step.as_record()
    run.models[key] = model
    run.store.discard_workdir(name, key)
    return run.made(step, key)


def _convert(run: Run, spec: ConvertSpec, done: list[Measured]) -> Shipped:
    """Make a shipped file: float formats from the last model without fake quantisation, the others from the last."""
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
    with run.claimed(name, key) as found:
        return Shipped(found or _ship(run, spec, name, key, source), source)


def _ship(run: Run, spec: ConvertSpec, name: str, key: str, source: Measured) -> Measured:
    """Make the step of a shipped file: the one that its model was measured on, or a new one."""
    started = time.perf_counter()
    run.observer(StepStarted(name, key))
    with run.store.writing(name, key) as (folder, record):
        if source.step.spec == spec:  # this very file was made when its step was measured
            for file in source.folder.iterdir():
                if file.name not in (KERAS_FILE, "step.json"):
                    (folder / file.name).write_bytes(file.read_bytes())
            step = replace(source.step, name=name, cached=False, training={})
        else:
            _log.info(
                f"{name}: converting the model of {source.step.name}"
                + (" with calibration" if spec.needs_calibration else "")
            )
            file = source.folder / KERAS_FILE
            step = run.converted(name, run.model(source), file, folder, spec, source.step.keras_parent)
        step = replace(step, seconds=time.perf_counter() - started)
        record |= step.as_record()
    return run.made(step, key)


def _plan(recipe: Recipe) -> Train:
    return recipe.train or Train.model_validate({})
