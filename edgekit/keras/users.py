"""Networks of the user's: functions that `module:function` names, with their keyword arguments as parameters.

A function `describe` beside it that takes the same arguments gives the same network's plain description, from which a
search tells its costs before it is built.
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from edgekit import user_code
from edgekit.errors import EdgekitError, ModelError, RecipeError
from edgekit.keras.plain import Description
from edgekit.places import by_place

__all__ = ["build_own", "checked_parameters", "describe_own", "own_options"]

_PLAIN = (str, int, float, bool, tuple, type(None))


def own_options(reference: str) -> type[BaseModel]:
    """What a function's keyword arguments may be, as its signature has them; one without annotation takes any value.

    Raises:
        UsageError: No such module or function.
    """
    function: Callable[..., Any] = user_code.member(reference)
    fields: dict[str, Any] = {}
    extra: typing.Literal["allow", "forbid"] = "forbid"
    hints = _hints(function)
    for parameter in _parameters(function):
        if parameter.kind is parameter.VAR_KEYWORD:
            extra = "allow"
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hints.get(parameter.name, Any), default)
    config = ConfigDict(frozen=True, extra=extra, arbitrary_types_allowed=True, protected_namespaces=())
    return create_model(reference.partition(":")[2], __config__=config, **fields)


def checked_parameters(reference: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that differ from their defaults, JSON-ready.

    Raises:
        RecipeError: The function does not take one of them, or a value of another type, or needs one that is missing.
        UsageError: No such module or function.
    """
    kind = own_options(reference)
    found = _validated(kind, reference, options)
    try:
        told: dict[str, Any] = found.model_dump(mode="json", include=set(options))
    except (TypeError, ValueError) as error:
        raise RecipeError(
            "Parameters of a network are numbers, texts, true, false, or lists of them.",
            received=f"model.{reference}: {str(error).splitlines()[0]}",
        ) from None
    fields = kind.model_fields
    return {name: value for name, value in told.items() if not (name in fields and _is_default(found, fields, name))}


def build_own(reference: str, parameters: Mapping[str, Any]) -> object:
    """What the function gives for its parameters.

    Raises:
        UsageError: No such module or function.
        EdgekitError: The function fails.
    """
    found = _validated(own_options(reference), reference, parameters)
    return user_code.call(reference, {name: getattr(found, name) for name in parameters})


def describe_own(reference: str, parameters: Mapping[str, Any]) -> Description | None:
    """A network of the user's as plain data; None where nothing beside the function describes it.

    Raises:
        ModelError: `describe` fails, or gives no Description.
        UsageError: No such module or function.
    """
    function = user_code.member(reference)
    module = reference.partition(":")[0]
    describe = getattr(sys.modules[module], "describe", None)
    if not callable(describe) or describe is function or _names(describe) != _names(function):
        return None
    found = _validated(own_options(reference), reference, parameters)
    try:
        description = describe(**{name: getattr(found, name) for name in parameters})
    except EdgekitError:
        raise
    except Exception as error:
        raise ModelError(
            "The function describe beside a network's must run.",
            received=f"{type(error).__name__} from {module}:describe: {error}",
            remedy=f"Correct it; {by_place(command='--debug shows the traceback', python='the traceback is above')}.",
        ) from error
    if not isinstance(description, Description):
        raise ModelError(
            "The function describe beside a network's gives an edgekit.keras.Description.",
            received=f"{type(description).__name__} from {module}:describe",
            remedy="Write it with edgekit.keras.plain.Drawing, or give the function another name.",
        )
    return description


def _validated(kind: type[BaseModel], reference: str, options: Mapping[str, Any]) -> BaseModel:
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=f"model.{reference}", model=kind) from None


def _is_default(found: BaseModel, fields: Mapping[str, Any], name: str) -> bool:
    value, default = getattr(found, name), fields[name].default
    return isinstance(default, _PLAIN) and type(value) is type(default) and value == default


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """None of what has no signature."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def _names(function: Callable[..., Any]) -> list[str]:
    return sorted(parameter.name for parameter in _parameters(function))


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # names that only a type checker has
        return {}
