"""What must hold before anything is trained, and what every later pass must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from edgekit.data import Dataset
from edgekit.errors import ModelError, RecipeError, RuntimeFailed
from edgekit.keras import FOREIGN, Loading, is_network
from edgekit.keras.types import KerasModel
from edgekit.passes import Pass, Stage
from edgekit.recipe import Recipe
from edgekit.runtimes import load_runtime
from edgekit.target import Target, load_target
from edgekit.training import Distillation, Finetune, Teacher, Train
from edgekit.training.hints import find_hints, layer_output
from edgekit.training.lesson import check_teacher

__all__ = ["check_before_training", "check_kept", "check_model_exists"]

OpenTeacher = Callable[[str], Teacher]


def check_model_exists(recipe: Recipe) -> None:
    """A model that is not trained here must come trained.

    Raises:
        RecipeError: It does not.
    """
    if is_network(recipe.source) and recipe.train is None:
        raise RecipeError(
            "A reference network comes untrained.",
            received=f"model: {recipe.source} without train",
            remedy="Add for example: train: {epochs: 20}",
        )


def check_before_training(
    recipe: Recipe,
    passes: Sequence[Pass],
    dataset: Dataset,
    model: KerasModel,
    open_teacher: OpenTeacher,
    loading: Loading = FOREIGN,
) -> None:
    """Everything about the work to be done that can be known from the baseline's model, the data and this machine.

    Args:
        recipe: What to do.
        passes: Those of it that are not done yet.
        dataset: Its data.
        model: The baseline's tf_keras model, trained or not.
        open_teacher: Opens what the recipe names as teacher.
        loading: How model files are opened that a pass names.

    Raises:
        ModelError, DataError: The model, its data or its teachers do not fit each other.
        RecipeError: A pass fits neither the model nor the target.
        RuntimeFailed: A pass needs a runtime that is not there.
    """
    recipe.objective.check(model, dataset)
    train, target = recipe.train or Train(), load_target(recipe.target)
    tuned = [item.finetune for item in passes if isinstance(item.finetune, Finetune)]
    for augment in (train.augment, *(plan.augment for plan in tuned)):
        if augment:
            augment.check(dataset.features("train").shape[1:])
    for item in passes:
        _check_pass(item, model, target, loading)
        for name in item.runtimes:
            if reason := load_runtime(name).probe():
                raise RuntimeFailed(f"The pass {item.name} needs the runtime {name}.", received=reason)
    for settings in (recipe.objective.distill, *passes):
        if isinstance(settings, Distillation) and settings.teacher:
            check_teacher(open_teacher(settings.teacher), settings, recipe.objective, model, dataset, train)
    _check_layer_pairs(recipe, model, open_teacher)


def check_kept(earlier: Iterable[tuple[Pass, str, Any]], result: Any) -> None:
    """What earlier passes promised holds after a later one: zeros, ranks, widths.

    Args:
        earlier: Each pass with the name of its step and the tf_keras model that it gave.
        result: The tf_keras model of the later pass.

    Raises:
        ModelError: It does not.
    """
    for item, name, made in earlier:
        lost = item.lost(made, result)
        if lost:
            raise ModelError(
                f"A later pass keeps what {name} has done.",
                received="; ".join(map(str, lost[:3])),
                remedy="Put the passes into another order, or leave those layers out of one.",
            )


def _check_pass(item: Pass, model: KerasModel, target: Target, loading: Loading) -> None:
    """A pass fits the model and the target.

    Raises:
        RecipeError: It does not.
    """
    findings = item.check(model, target, loading)
    if findings:
        raise RecipeError(
            f"The pass {item.name} must fit the model and the target.", received="; ".join(map(str, findings))
        )


def _check_layer_pairs(recipe: Recipe, model: KerasModel, open_teacher: OpenTeacher) -> None:
    """The layers that the objective names exist; only a student of a pass may have others than the model."""
    settings = recipe.objective.distill
    if settings is None:
        return
    teacher = open_teacher(settings.teacher).model if settings.teacher else model
    if all(item.stage != Stage.ARCHITECTURE for item in recipe.passes):
        find_hints(settings, model, teacher).note_gone()
    elif teacher is not None:
        for pair in (*settings.features, *settings.attention):
            layer_output(teacher, pair.teacher, "teacher")
