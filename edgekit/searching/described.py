"""What is known of a candidate's network without Keras: its plain description, and who can count its costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit import registry
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras import describe_network, describe_own, described_networks
from edgekit.keras.plain import Description
from edgekit.recipe import Recipe
from edgekit.runtimes import load_runtime

__all__ = ["counters", "description_of"]


def description_of(recipe: Recipe, input_shape: tuple[int, ...], classes: int) -> Description | None:
    """A recipe's network as plain data; None where neither its family nor a function beside its own describes it.

    Args:
        recipe: The candidate.
        input_shape: Of one sample, without batch.
        classes: Width of the output.

    Raises:
        ModelError: The network does not fit the input.
    """
    parameters = {} if isinstance(recipe.model, str) else recipe.model.parameters
    if registry.is_reference(recipe.source):
        return _own(recipe.source, parameters, input_shape)
    if not _is_described(recipe.source):
        return None
    return describe_network(recipe.source, input_shape, classes, parameters)


def _own(reference: str, parameters: Mapping[str, Any], input_shape: tuple[int, ...]) -> Description | None:
    description = describe_own(reference, parameters)
    if description is not None and description.input_shape != tuple(input_shape):
        raise ModelError(
            "A network of your own takes the samples of the data.",
            received=f"{reference} with input {list(description.input_shape)}, samples of shape {list(input_shape)}",
            remedy="Change its input, or reshape the samples in data.preprocessing.",
        )
    return description


def counters(recipe: Recipe) -> list[str]:
    """Runtimes of a recipe that count something of a file whatever its weights are, so before training too."""
    return [name for name in recipe.measure if load_runtime(name).meter is not None]


def _is_described(source: str) -> bool:
    try:
        return source in described_networks()
    except EdgekitError:  # a network of another package that does not import is said when it is built
        return False
