"""The command line: a lazy group, one module per command; an error becomes one paragraph and an exit code.

What `edgekit --help` does without is imported where it is needed: that help is asked for most often of all.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from edgekit import __version__, interrupt
from edgekit.cli import commands

__all__ = ["main"]

_OBJECTS = 20_000
"""New ones between two searches for garbage: at Python's 700, those of fresh modules are a tenth of a short command."""


class _LazyGroup(click.Group):
    """Imports a command's module, and what only a command needs, when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return commands.names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return commands.load(name) if name in commands.names() else None

    def invoke(self, ctx: click.Context) -> Any:
        from edgekit.cli.output import note
        from edgekit.observer import notes_to
        from edgekit.places import COMMAND, standing

        with notes_to(note), standing([COMMAND]):
            return super().invoke(ctx)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from edgekit.errors import did_you_mean

        if args and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"No such command {args[0]!r}. {did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, commands.summary(name)) for name in self.list_commands(ctx)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgekit")
def cli() -> None:
    """EdgeKit takes a Keras model to phones and microcontrollers, with savings proven on the file that ships.

    \b
    edgekit demo                       the whole job on embedded real data
    edgekit init && edgekit compress recipe.yaml
    edgekit convert model.keras --format int8 --data cifar10.npz -o model.tflite

    Exit codes: 0 done, 1 failed (with the reason and the remedy), 2 wrong usage, 3 done but the budget is missed.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `edgekit`; ends the process with the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    with interrupt.handled():
        _run(arguments)


def _run(arguments: Sequence[str]) -> None:
    try:
        code = cli.main(args=list(arguments), prog_name="edgekit", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        _fail(_interrupted(arguments), interrupt.exit_code(), arguments)
    except Exception as error:
        if interrupt.pending():  # whatever failed, it failed because it was asked to end
            _fail(_interrupted(arguments), interrupt.exit_code(), arguments)
        _explain(error, arguments)
    else:
        if code:  # outside its standalone mode, click gives the code of `Exit` back instead of raising it
            sys.exit(code)


def _interrupted(arguments: Sequence[str]) -> str:
    """What goes on after it: a search that has begun is begun again only where it is told to go on."""
    begins = arguments[:1] == ["search"] and not {"--resume", "--dry-run", "--status"} & set(arguments)
    how = "the same command with --resume" if begins else "the same command"
    return f"Interrupted. Finished steps are kept: {how} continues after them."


def _explain(error: Exception, arguments: Sequence[str]) -> None:
    """One paragraph and the exit code of its kind."""
    from edgekit.errors import EdgekitError

    if isinstance(error, click.ClickException):
        if "--json" in arguments:
            _json_error(error.format_message(), error.exit_code)
        error.show()
        sys.exit(error.exit_code)
    if "--debug" in arguments:
        raise error
    if isinstance(error, EdgekitError):
        _fail(str(error), error.exit_code, arguments)
    if isinstance(error, OSError):
        _fail(f"The operating system refused: {error}.", 1, arguments)
    _fail(_bug(error), 1, arguments)  # the last line of defence: people get one paragraph, not a traceback


def _bug(error: Exception) -> str:
    return (
        f"EdgeKit failed with an unexpected error ({type(error).__name__}: {error}). "
        "Run the same command with --debug and report the traceback."
    )


def _fail(message: str, code: int, arguments: Sequence[str]) -> NoReturn:
    if "--json" in arguments:
        _json_error(message, code)
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def _json_error(message: str, code: int) -> None:
    from edgekit.cli.output import json_error

    json_error(message, code)
