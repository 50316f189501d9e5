"""Options that several commands share, so that each means and says the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["data", "debug", "json", "quiet", "seed", "unsafe"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

data = click.option(
    "--data", metavar="SPEC", required=True, help="digits, cifar10, FILE.npz, FILE.csv, FOLDER, module:function."
)
json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
quiet = click.option("--quiet", is_flag=True, help="No progress on stderr.")
unsafe = click.option("--unsafe", is_flag=True, help="Allow Lambda layers: they run code from the model file.")
debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
"""Read by `main`, which then shows tracebacks."""


def seed(of: str) -> Decorator:
    """`--seed`, of what."""
    return click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help=f"Of {of}.")
