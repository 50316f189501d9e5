"""Where the user stands, so that a remedy speaks his language: flags on the command line, keys in a recipe, arguments
in Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["COMMAND", "PYTHON", "RECIPE", "by_place", "place", "setting", "standing"]

COMMAND = "command"
PYTHON = "python"
RECIPE = "recipe"

_place: ContextVar[tuple[str, ...]] = ContextVar("place", default=())
"""What the user can act on, nearest first: of a recipe that a command runs, its keys and then the command's flags."""


def by_place(*, command: str, python: str, recipe: str = "") -> str:
    """The part of a remedy that names a setting, in the words of the place where the user stands.

    Args:
        command: With the flag, such as "--overwrite".
        python: With the argument, such as "overwrite=True".
        recipe: With the recipe's key, such as "accept_parity: 5"; empty where a recipe does not say it.

    Returns:
        The text for the place; where nobody knows it, the first and the second, or one of them where they are the same.
    """
    texts = {COMMAND: command, PYTHON: python, RECIPE: recipe}
    told = (texts[name] for name in _place.get() if texts[name])
    return next(told, command if command == python else f"{command} (in Python {python})")


def setting(key: str) -> str:
    """An option of an exporter, which is a key of a recipe and an argument too: `--arena-margin` of `arena_margin`."""
    return by_place(command=f"--{key.replace('_', '-')}", python=f"{key}=", recipe=f"the key {key}")


def place() -> list[str]:
    """The place, JSON-ready, for a child process that speaks to the same user."""
    return list(_place.get())


@contextmanager
def standing(names: Sequence[str]) -> Iterator[None]:
    """Say where the user stands in this block.

    A command calls the functions that Python programs call: it stays a command. A recipe is run by either.

    Args:
        names: Of `COMMAND`, `PYTHON` and `RECIPE`; others are passed over.
    """
    before = _place.get()
    known = tuple(name for name in names if name in (COMMAND, PYTHON, RECIPE) and name not in before)
    if COMMAND in before:
        known = tuple(name for name in known if name == RECIPE)
    token = _place.set((*known, *before))
    try:
        yield
    finally:
        _place.reset(token)
