"""What is known of a candidate's network without Keras: its plain description, and who can count its costs."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.keras import describe_network, described_networks
from edgekit.keras.plain import Description
from edgekit.recipe import Recipe
from edgekit.runtimes import load_runtime

__all__ = ["counters", "description_of"]


def description_of(recipe: Recipe, input_shape: tuple[int, ...], classes: int) -> Description | None:
    """A recipe's network as plain data; None where it is none of a family that has a description.

    Args:
        recipe: The candidate.
        input_shape: Of one sample, without batch.
        classes: Width of the output.

    Raises:
        ModelError: The network does not fit the input.
    """
    parameters = {} if isinstance(recipe.model, str) else recipe.model.parameters
    if not _is_described(recipe.source):
        return None
    return describe_network(recipe.source, input_shape, classes, parameters)


def counters(recipe: Recipe) -> list[str]:
    """Runtimes of a recipe that count something of a file whatever its weights are, so before training too."""
    return [name for name in recipe.measure if load_runtime(name).meter is not None]


def _is_described(source: str) -> bool:
    try:
        return source in described_networks()
    except EdgekitError:  # a network of another package that does not import is said when it is built
        return False
