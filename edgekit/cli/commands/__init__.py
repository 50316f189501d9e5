"""Commands, one file each: `SUMMARY` is its line in `edgekit --help`, `command` is the click command."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re

import click

__all__ = ["load", "names", "summary"]

_SUMMARY = re.compile(r'^SUMMARY = "([^"\\\n]+)"$', re.MULTILINE)


def names() -> list[str]:
    """The commands: the modules of this folder, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> click.Command:
    """Import a command."""
    command: click.Command = importlib.import_module(f"{__name__}.{name}").command
    return command


def summary(name: str) -> str:
    """A command's line in `edgekit --help`, out of its text: importing all of them takes half of that help's time."""
    for folder in __path__:
        try:
            with open(os.path.join(folder, f"{name}.py"), encoding="utf-8") as text:
                stated = _SUMMARY.search(text.read())
        except OSError:  # a package of compiled modules only
            continue
        if stated:
            return stated[1]
    line: str = importlib.import_module(f"{__name__}.{name}").SUMMARY
    return line
