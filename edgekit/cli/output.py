"""What commands print: JSON on stdout for programs, tables for people; logs and progress go to stderr.

Names come from files of others, so all text for people passes `clean`: it cannot steer the terminal. JSON keeps names
as they are, in escapes of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from edgekit.errors import clean

__all__ = ["echo", "json_error", "log", "note", "print_json", "progress", "strong", "table"]

WIDE = 150
"""Columns where stdout is a file or pipe: logs of builds are read in wide windows."""


def print_json(value: Any) -> None:
    """One JSON object on stdout, in ASCII alone."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def json_error(message: str, code: int) -> None:
    """A failure, for programs that read stdout."""
    print_json({"schema": "edgekit.error/1", "error": message, "exit_code": code})


def echo(line: str) -> None:
    """One line for people, on stdout."""
    click.echo(clean(line))


def strong(line: str) -> None:
    """One line for people, on stdout, in bold where that is a terminal."""
    click.secho(clean(line), bold=True)


def log(line: str) -> None:
    """One line for people, on stderr."""
    click.echo(clean(line), err=True)


def note(line: str) -> None:
    """One line that EdgeKit says while it works, on stderr; none for a command that has `--quiet`."""
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        log(line)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, figures: bool = True) -> None:
    """A table on stdout; the first column is text, the others are figures (to the right) or text too."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def shield(text: str) -> Text:
        return Text(clean(text).replace("\n", "\\n"))  # as Text, it is no markup and holds no emoji codes

    shown = Table(title=shield(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(columns):
        shown.add_column(shield(name), justify="right" if i and figures else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(shield("–" if cell is None else str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(shown)


@contextmanager
def progress(title: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function of (done, total) that draws a bar on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task(clean(title), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
