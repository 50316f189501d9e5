"""`edgekit.compress`: a recipe, or a model with its data and passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from edgekit.api.inputs import data_for, file_stem, task_of
from edgekit.api.traces import leaves_no_trace
from edgekit.errors import UsageError
from edgekit.places import RECIPE, standing

if TYPE_CHECKING:
    from edgekit.data import Dataset, DataSpec
    from edgekit.data.memory import Held
    from edgekit.data.targets import Task
    from edgekit.keras import Loading
    from edgekit.keras.types import KerasModel
    from edgekit.observer import Observer
    from edgekit.passes import Pass
    from edgekit.pipeline import Given, Manifest
    from edgekit.recipe import Recipe
    from edgekit.target import Budget
    from edgekit.training import Objective, Train
    from edgekit_converters.exporters import Exporter

    Part: TypeAlias = Pass | Exporter | str | Mapping[str, Any]

__all__ = ["compress"]

RUNS = Path("runs")
"""Where runs lie that are told no other place."""


@leaves_no_trace
def compress(
    recipe_or_model: str | Path | dict[str, Any] | Recipe | KerasModel,
    output: str | Path | None = None,
    *,
    data: str | DataSpec | Dataset | Held | None = None,
    passes: Sequence[Pass | str | Mapping[str, Any]] | Pass | str | Mapping[str, Any] | None = None,
    format: str | Sequence[str | Mapping[str, Any]] | None = None,
    target: str | Path | None = None,
    train: Train | Mapping[str, Any] | None = None,
    objective: Objective | Mapping[str, Any] | None = None,
    task: Task | None = None,
    measure: Sequence[str] | str | None = None,
    export: Sequence[Exporter | str | Mapping[str, Any]] | Exporter | str | Mapping[str, Any] | None = None,
    budget: Budget | Mapping[str, float] | None = None,
    accept_parity: float | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    unsafe: bool = False,
    overwrite: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    quiet: bool = True,
    tensorboard: bool = False,
    observer: Observer | None = None,
    store: str | Path | None = None,
) -> Manifest:
    """Train, compress, convert and measure; the same call continues a run that was stopped.

    Args:
        recipe_or_model: A recipe: a YAML file, its keys as a dict, or a Recipe. Or, with `data`, a model: Keras 3 or
            tf_keras in memory, which is left as it is, or a file or name as a recipe's `model` has it.
        output: Folder for models, manifest, report and steps; by default `runs/NAME`.
        data: The data of a model: a source or DataSpec, or the samples themselves: (x, y), (x_train, y_train, x_test,
            y_test), a dict of them, a `tf.data.Dataset` of batches, or a Dataset.
        passes: Names, `{name: {key: value}}`, or objects such as `edgekit.passes.ChannelPrune(macs=0.5)`: one,
            or several in order.
        format: One file format or several: int8 (the default), int16x8, dynamic, float16, float32.
        target, measure, export, budget, accept_parity, seed: As in a recipe, which has the defaults too.
        train: How the model is trained before it is compressed; None where it comes trained.
        objective: Task and distillation, as in a recipe.
        task: classification, regression or reconstruction; by default classification where the labels can be
            nothing else.
        overrides: `KEY.PATH=VALUE` settings for a recipe that is a YAML file or dict.
        unsafe: Let Keras itself open the files that are named, with whatever code they hold.
        overwrite: Replace files in `output` that EdgeKit did not write, or that were changed since.
        custom_objects: Classes and functions of yours that models name, by name.
        memory_limit: Bytes of resident memory that reading a file may take; by default 2 GB and 20 times its size.
        time_limit: Seconds that reading a file may take.
        quiet: No progress bars on stderr.
        tensorboard: Write training logs for TensorBoard.
        observer: Function that is called with steps, epochs and notes while the run works; see `edgekit.observer`.
        store: Folder that keeps finished steps for several runs, also at the same time; by default `output`.

    Raises:
        EdgekitError: The recipe, the model or the data break a rule.

    Example:
        from edgekit.passes import QAT, ChannelPrune
        result = edgekit.compress(model, data=(x, y), passes=[ChannelPrune(macs=0.5), QAT()])
        print(result.summary(), len(result.tflite_bytes))
    """
    from edgekit import pipeline
    from edgekit.keras import Loading
    from edgekit.report import write_report

    arguments = {
        "passes": _several(passes),
        "convert": _several(format),
        "target": None if target is None else str(target),
        "train": train,
        "objective": _objective(objective, task),
        "measure": _several(measure),
        "export": _several(export),
        "budget": budget,
        "accept_parity": accept_parity,
        "seed": seed,
    }
    settings = {name: value for name, value in arguments.items() if value is not None}
    loading = Loading(unsafe, custom_objects or {}, memory_limit, time_limit)
    if data is None:
        _check_told_once(settings)
        with standing([RECIPE]):
            recipe, given = _recipe(recipe_or_model, overrides), pipeline.Given()
    else:
        if overrides:
            raise UsageError(
                "overrides change the keys of a recipe.",
                received="a model with data",
                remedy="Use the arguments, such as seed=1.",
            )
        recipe, given, loading = _of_model(recipe_or_model, data, settings, loading)
    folder = Path(output) if output is not None else RUNS / recipe.stem
    with standing([RECIPE] if data is None else []):
        manifest = pipeline.compress(
            recipe,
            folder,
            given=given,
            loading=loading,
            overwrite=overwrite,
            quiet=quiet,
            tensorboard=tensorboard,
            observer=observer,
            store=None if store is None else Path(store),
        )
    write_report(manifest, folder, overwrite=overwrite)
    return manifest


def _several(value: Sequence[Part] | Part | None) -> Sequence[Part] | None:
    """A list of what was given alone, such as "qat" or QAT(); None where nothing was."""
    if value is None or (isinstance(value, Sequence) and not isinstance(value, str)):
        return value
    return [value]


def _objective(
    objective: Objective | Mapping[str, Any] | None, task: Task | None
) -> Objective | Mapping[str, Any] | None:
    """The objective with the task that is told beside it; None where nothing is told."""
    from edgekit.training import Objective

    if task is None:
        return objective
    if isinstance(objective, Objective):
        return objective.model_copy(update={"task": task})
    return {**(objective or {}), "task": task}


def _check_told_once(settings: Mapping[str, Any]) -> None:
    """A recipe says everything itself.

    Raises:
        UsageError: An argument says it too.
    """
    if settings:
        raise UsageError(
            "A model comes with its data; a recipe says everything itself.",
            received=f"{', '.join('format' if name == 'convert' else name for name in settings)} without data",
            remedy="Give data=(x, y) with a model, or write it in the recipe (overrides=['seed=1'] changes a key).",
        )


def _recipe(recipe: str | Path | dict[str, Any] | Recipe | KerasModel, overrides: Sequence[str]) -> Recipe:
    """A recipe in any of its forms."""
    from edgekit.recipe import Recipe, load_recipe, parse_recipe

    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, dict):
        return parse_recipe(recipe, overrides=overrides)
    if isinstance(recipe, str | Path):
        return load_recipe(Path(recipe), overrides)
    raise UsageError(
        "A model in memory is compressed with data.",
        received=f"{type(recipe).__name__} without data",
        remedy="Add data=(x, y), for example: edgekit.compress(model, data=(x, y), passes=['qat']).",
    )


def _of_model(
    model: Any, data: str | DataSpec | Dataset | Held, settings: Mapping[str, Any], loading: Loading
) -> tuple[Recipe, Given, Loading]:
    """What a run of a model starts from: a recipe, and in its places what is in memory."""
    from dataclasses import replace

    from edgekit.data import DataSpec
    from edgekit.data.spec import IN_MEMORY
    from edgekit.keras import load_model
    from edgekit.keras.own import own_classes
    from edgekit.pipeline import Given
    from edgekit.recipe import HELD, checked_recipe

    name, flat, dataset = str(model), None, None
    if not isinstance(model, str | Path):
        flat = load_model(model, loading)
        name = file_stem(flat) + HELD
        loading = replace(loading, custom_objects={**own_classes(flat), **loading.custom_objects})
    named = isinstance(data, str | DataSpec)
    recipe = checked_recipe({**settings, "model": name, "data": data if named else {"source": IN_MEMORY}})
    if flat is not None or not named:
        task = recipe.objective.task or task_of(model)
        dataset = data_for(model, data, recipe.seed, task, trained=recipe.train is None)
    return recipe, Given(flat, dataset), loading
