"""Networks with their parameters: what `model: {resnet8: {width: 0.5}}` says in a recipe."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from edgekit import registry
from edgekit.errors import ModelError, RecipeError, did_you_mean
from edgekit.keras import networks
from edgekit.keras.plain import Description, built_from
from edgekit.keras.users import checked_parameters, own_options

__all__ = [
    "Network", "build_network", "describe_network", "described_networks", "has_parameters", "is_network",
    "network_names", "network_options", "parse_model", "takes_parameter",
]  # fmt: skip


class Network(BaseModel):
    """A network that differs from its family's usual one, or from what its function gives without arguments.

    Attributes:
        name: Name of the family, or `module:function`.
        parameters: All of the family's, by name; of a function, those that differ from their defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    parameters: dict[str, Any]


def network_names() -> list[str]:
    """The families."""
    return registry.names(networks)


def is_network(source: str) -> bool:
    """Whether a recipe's `model` names a reference network."""
    return source in network_names()


def has_parameters(source: str) -> bool:
    """Whether a recipe's `model` is of a kind that has parameters: a reference network, or `module:function`."""
    return registry.is_reference(source) or is_network(source)


def takes_parameter(source: str, name: str) -> bool:
    """Whether a network has a parameter of this name.

    Raises:
        UsageError: No such module or function.
    """
    kind = network_options(source)
    return name in kind.model_fields or kind.model_config.get("extra") == "allow"


def network_options(name: str) -> type[BaseModel]:
    """What a family's parameters may be: those of its `build` after input shape and classes, with their defaults; of
    `module:function`, its keyword arguments.
    """
    return own_options(name) if registry.is_reference(name) else _family_options(name, registry.load(networks, name))


@functools.cache
def _family_options(name: str, module: ModuleType) -> type[BaseModel]:
    """Made once: a search asks for it with every gene of every candidate, and pydantic takes milliseconds for it."""
    build = _build_of(module)
    hints = typing.get_type_hints(build, include_extras=True)
    own = list(inspect.signature(build).parameters.values())[2:]
    fields: dict[str, Any] = {parameter.name: (hints[parameter.name], parameter.default) for parameter in own}
    return create_model(name, __config__=ConfigDict(frozen=True, extra="forbid"), **fields)


def parse_model(item: object) -> str | Network:
    """From recipe form: the name or path of a model, `{resnet8: {width: 0.5}}` or `{"module:function": {width: 0.5}}`.

    Returns:
        The name or path itself; a Network only where a parameter differs from its default.

    Raises:
        RecipeError: No such network, an unknown parameter, or a value that it cannot have.
    """
    if isinstance(item, str | Network):
        return item
    if not isinstance(item, Mapping):
        raise RecipeError(
            "The recipe key model must fit: a name, a path, or one network with its parameters.", received=repr(item)
        )
    name, options = registry.entry(dict(item), example="model: {ds_cnn: {width: 32}}")
    if registry.is_reference(name):
        changed = checked_parameters(name, options)
        return Network(name=name, parameters=changed) if changed else name
    if not is_network(name):
        raise RecipeError(
            "Only reference networks and module:function have parameters.",
            received=repr(name),
            remedy=did_you_mean(name, network_names()),
        )
    kind = network_options(name)
    try:
        parameters = kind.model_validate(options).model_dump()
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=f"model.{name}", model=kind) from None
    return name if parameters == kind().model_dump() else Network(name=name, parameters=parameters)


def build_network(
    name: str, input_shape: tuple[int, ...], classes: int, parameters: Mapping[str, Any] | None = None
) -> Any:
    """An untrained reference network.

    Args:
        name: One of `network_names()`.
        input_shape: Shape of one sample, without batch; images are HWC.
        classes: Width of the output.
        parameters: Parameters of the family; default the usual ones.

    Raises:
        ModelError: The input is too small or has the wrong rank for the network.
    """
    try:
        return _build(name)(tuple(input_shape), classes, **(parameters or {}))
    except ValueError as error:
        raise _misfit(name, input_shape, error) from None


def described_networks() -> list[str]:
    """The families that `describe_network` describes. Those of other packages are imported for it."""
    return [name for name in network_names() if hasattr(registry.load(networks, name), "describe")]


def describe_network(
    name: str, input_shape: tuple[int, ...], classes: int, parameters: Mapping[str, Any] | None = None
) -> Description:
    """A reference network as plain data, without Keras or TensorFlow.

    Args:
        name: One of `described_networks()`.
        input_shape, classes, parameters: As for `build_network`.

    Raises:
        ModelError: The family has no description, or the input is too small or has the wrong rank for it.
        UsageError: No such network.
    """
    describe = getattr(registry.load(networks, name), "describe", None)
    if describe is None:
        raise ModelError(
            "Only networks with a plain description are known before they are built.",
            received=name,
            remedy=f"These have one: {', '.join(described_networks())}.",
        )
    try:
        description: Description = describe(tuple(input_shape), classes, **(parameters or {}))
    except ValueError as error:
        raise _misfit(name, input_shape, error) from None
    return description


def _build(name: str) -> Callable[..., Any]:
    """Of a family; one of another package may have a `describe` alone."""
    return _build_of(registry.load(networks, name))


def _build_of(module: ModuleType) -> Callable[..., Any]:
    build: Callable[..., Any] = module.build if hasattr(module, "build") else built_from(module.describe)
    return build


def _misfit(name: str, input_shape: tuple[int, ...], error: ValueError) -> ModelError:
    return ModelError(
        f"The network {name} must fit its input.",
        received=f"samples of shape {list(input_shape)} ({str(error).splitlines()[0]})",
        remedy="Choose another network, or reshape or resize the samples in data.preprocessing.",
    )
