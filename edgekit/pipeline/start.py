"""What a run starts from: the model and the data that its recipe names, or that the user's program holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import registry, user_code
from edgekit.artifact import sha256_of
from edgekit.data import Dataset, load_data
from edgekit.data.sidecar import read_sidecar
from edgekit.errors import DataError
from edgekit.keras import Loading, build_network, is_network, load_model, networks
from edgekit.keras.cloning import cloned
from edgekit.keras.types import KerasModel
from edgekit.places import by_place
from edgekit.recipe import Recipe
from edgekit.tensors import Array
from edgekit.training import seed_everything
from edgekit.training.teacher import source_rows

__all__ = ["NOTHING", "Given", "fingerprint_of", "rows_of", "starting_model", "with_data"]


@dataclass(frozen=True)
class Given:
    """What the user's program holds, in the place of what the recipe names.

    Attributes:
        model: A flat tf_keras model; it is never changed.
        dataset: The data, split.
    """

    model: KerasModel | None = None
    dataset: Dataset | None = None

    @cached_property
    def fingerprint(self) -> str | None:
        """sha256 over layers and weights; None without a model."""
        if self.model is None:
            return None
        digest = hashlib.sha256(repr(self.model.get_config()).encode())
        for weight in self.model.get_weights():
            digest.update(f"{weight.dtype}{weight.shape}".encode() + np.ascontiguousarray(weight).tobytes())
        return digest.hexdigest()


NOTHING = Given()
"""The recipe names everything."""


def with_data(recipe: Recipe, given: Given) -> tuple[Recipe, Dataset]:
    """The data, and the recipe with its task, which it says itself or which the model's sidecar or the data say.

    Raises:
        DataError: Nobody says it, or the data break a rule.
    """
    dataset = given.dataset or _named_data(recipe, given)
    known = recipe.objective.task or dataset.need_task(_say_task())
    return recipe.model_copy(update={"objective": recipe.objective.model_copy(update={"task": known})}), dataset


def _say_task() -> str:
    recipe = "objective: {task: classification} or objective: {task: regression} to the recipe"
    python = 'task="classification" or task="regression"'
    return f"Add {by_place(command=recipe, recipe=recipe, python=python)}."


def fingerprint_of(recipe: Recipe, given: Given) -> str:
    """The model's content; for code, its text."""
    path = Path(recipe.source)
    if given.fingerprint is not None:
        return given.fingerprint
    if path.exists():
        return sha256_of(path)
    if registry.is_reference(recipe.source):
        code = user_code.source_sha256(recipe.source)
        return code if isinstance(recipe.model, str) else f"{code}{recipe.model.model_dump_json()}"
    if recipe.source in registry.outside("networks"):
        return f"{recipe.model}{user_code.code_of(registry.load(networks, recipe.source))}"
    return recipe.source if isinstance(recipe.model, str) else recipe.model.model_dump_json()


def starting_model(recipe: Recipe, dataset: Dataset, given: Given, loading: Loading) -> Any:
    """The tf_keras model that the first step trains or takes as it is."""
    seed_everything(recipe.seed)
    if given.model is not None:
        return cloned(given.model, lambda layer: None)
    parameters = {} if isinstance(recipe.model, str) else recipe.model.parameters
    if not is_network(recipe.source):
        return load_model(recipe.source, loading, parameters)
    return build_network(recipe.source, dataset.features("train").shape[1:], dataset.classes or 1, parameters)


def rows_of(recipe: Recipe, dataset: Dataset, given: Given, count: int) -> Array:
    """Which of a source's `count` training samples the train split holds, for answers that lie in a file by sample.

    Raises:
        DataError: The data come from no source, or it has another number of samples.
    """
    if given.dataset is not None:
        raise DataError(
            "A file of a teacher's answers goes with a data source that has an order.",
            received="data in memory",
            remedy="Name the data by a file, or give the teacher's model.",
        )
    return source_rows(dataset, recipe.data, recipe.seed, count)


def _named_data(recipe: Recipe, given: Given) -> Dataset:
    in_file = given.model is None and not registry.is_reference(recipe.source)
    own = read_sidecar(Path(recipe.source)) if in_file else None
    return load_data(
        recipe.data,
        seed=recipe.seed,
        trained=recipe.train is None,
        preprocessing=own.preprocessing if own else None,
        task=recipe.objective.task or (own.known_task if own else None),
    )
