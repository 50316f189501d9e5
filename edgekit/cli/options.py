"""Options that several commands share, so that each means and says the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from edgekit.errors import EdgekitError

__all__ = [
    "data",
    "debug",
    "json",
    "limit",
    "memory_limit",
    "memory_limit_of",
    "overwrite",
    "quiet",
    "seed",
    "task",
    "time_limit",
    "unsafe",
]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _Size(click.ParamType[int]):
    """Bytes, such as 500000, 512MB or 8GB; a unit is 1024 times the one before it."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(
            r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?", str(value).strip(), re.ASCII | re.IGNORECASE
        )
        size = int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ")) if match else 0
        if not 0 < size < 2**63:
            self.fail(f"{value!r} is not a size in bytes such as 500000, 512MB or 8GB.", param, ctx)
        return size


data = click.option(
    "--data",
    metavar="SPEC",
    required=True,
    help="Where the data come from: digits, cifar10, FILE.npz, FILE.csv, FILE.tsv, FOLDER or module:function.",
)
task = click.option(
    "--task",
    type=click.Choice(["classification", "regression", "reconstruction"]),
    help="What the model answers; needed where the labels are numbers that could also be classes.",
)
json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
quiet = click.option("--quiet", is_flag=True, help="No progress on stderr.")
unsafe = click.option("--unsafe", is_flag=True, help="Let Keras open the model file, with whatever code it holds.")
overwrite = click.option(
    "--overwrite", is_flag=True, help="Replace files that EdgeKit did not write, or that were changed since."
)


def memory_limit_of(what: str) -> Decorator:
    """`--memory-limit`, of what, with its default."""
    return click.option("--memory-limit", type=_Size(), metavar="SIZE", help=f"Most memory, such as 8GB, of {what}.")


memory_limit = click.option(
    "--memory-limit",
    type=_Size(),
    help="Most memory for reading the model file, such as 8GB; by default 2 GB and 20 times the file's size.",
)
"""Bytes as `memory_limit: int | None`."""
time_limit = click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Longest time for reading the model file.",
)
"""Seconds as `time_limit: float | None`."""
debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
"""Read by `main`, which then shows tracebacks."""


def seed(of: str) -> Decorator:
    """`--seed`; `of` says what it is the seed of."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help=f"Seed of {of}."
    )


def limit(text: str) -> tuple[str, int | float]:
    """One value of `--budget`, FIGURE=LIMIT.

    Raises:
        EdgekitError: It has another form.
    """
    name, _, value = text.partition("=")
    try:
        return name.strip(), int(value) if value.strip().isdecimal() else float(value)
    except ValueError:
        raise EdgekitError("--budget takes FIGURE=LIMIT, such as model_bytes=100000.", received=repr(text)) from None
