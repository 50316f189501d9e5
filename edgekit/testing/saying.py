"""Assertions that say in a sentence what is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from edgekit.errors import RecipeError

__all__ = ["check_keys", "expect", "refuses", "runs"]

_T = TypeVar("_T")


def expect(condition: object, rule: str, found: object = None) -> None:
    """Raise an AssertionError of a rule and what was found where a condition does not hold."""
    if not condition:
        raise AssertionError(rule if found is None else f"{rule} Found: {found}")


@contextmanager
def runs(what: str) -> Iterator[None]:
    """An error inside becomes an AssertionError that says what should have run."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {error}") from error


def refuses(call: Callable[[], object], kind: type[Exception] | tuple[type[Exception], ...], rule: str) -> str:
    """The message of the error with which a call refuses what it is given.

    Raises:
        AssertionError: It takes it, or raises an error of another kind.
    """
    try:
        call()
    except kind as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{rule} Found: {type(error).__name__}: {error}") from error
    raise AssertionError(f"{rule} Found: no error")


def check_keys(item: BaseModel, summary: str) -> None:
    """What holds for every plug-in whose fields are its recipe keys: they are described, and survive a recipe.

    Args:
        item: The plug-in.
        summary: Its line for lists of commands.
    """
    name = type(item).__name__
    expect(summary and "\n" not in summary, f"{name}.summary is one line.", repr(summary))
    for key, field in type(item).model_fields.items():
        expect(field.description, f"Each field of {name} has a description, which help texts show.", key)
    expect(item.model_config.get("frozen"), f"{name} is frozen: what is checked is what runs.")
    told = item.model_dump(mode="json")
    with runs(f"{name} with the options that it dumps itself"):
        again = type(item).model_validate(told)
    expect(again == item, f"{name} is the same when its options have been through JSON.", again)
    unknown = {**told, "no_such_key": 1}
    rule = f"{name} refuses keys that it does not know."
    refuses(lambda: type(item).model_validate(unknown), (RecipeError, ValidationError), rule)
