"""The commands of the command line, those inside a group too."""

from __future__ import annotations

import click

from edgekit import registry
from edgekit.cli import commands

__all__ = ["LEAVES"]


def _leaves(command: click.Command, path: tuple[str, ...]) -> dict[tuple[str, ...], click.Command]:
    if not isinstance(command, click.Group):
        return {path: command}
    context, found = click.Context(command), dict[tuple[str, ...], click.Command]()
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        found |= _leaves(inner, (*path, name))
    return found


LEAVES = {
    path: command
    for name in registry.names(commands)
    for path, command in _leaves(registry.load(commands, name).command, (name,)).items()
}
"""By the words that call it: ("export", "tflm")."""
