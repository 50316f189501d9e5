"""Options that several commands share, so that each means and says the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

__all__ = ["data", "debug", "json", "memory_limit", "overwrite", "quiet", "seed", "task", "time_limit", "unsafe"]

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
            self.fail(f"{value!r} is no size in bytes such as 500000, 512MB or 8GB.", param, ctx)
        return size


data = click.option(
    "--data",
    metavar="SPEC",
    required=True,
    help="digits, cifar10, FILE.npz, FILE.csv, FILE.tsv, FOLDER or module:function.",
)
task = click.option(
    "--task",
    type=click.Choice(["classification", "regression", "reconstruction"]),
    help="What the model answers; needed where labels are numbers that may be classes as well.",
)
json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
quiet = click.option("--quiet", is_flag=True, help="No progress on stderr.")
unsafe = click.option("--unsafe", is_flag=True, help="Let Keras open the model file, with whatever code it holds.")
overwrite = click.option(
    "--overwrite", is_flag=True, help="Replace files that EdgeKit did not write, or that were changed since."
)
memory_limit = click.option(
    "--memory-limit",
    type=_Size(),
    help="Memory for reading the model file, such as 8GB; default 2 GB and 20 times the file.",
)
"""Bytes as `memory_limit: int | None`."""
time_limit = click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For reading the model file."
)
"""Seconds as `time_limit: float | None`."""
debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
"""Read by `main`, which then shows tracebacks."""


def seed(of: str) -> Decorator:
    """`--seed`, of what."""
    return click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help=f"Of {of}.")
