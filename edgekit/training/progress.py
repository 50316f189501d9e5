"""Progress bars on stderr: for training with epoch, loss and score, and for what is only counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgekit import interrupt

__all__ = ["count_bar", "epoch_bar", "interrupt_watch"]


@contextmanager
def epoch_bar(name: str, epochs: int, steps: int, *, quiet: bool) -> Iterator[Any]:
    """Give a tf_keras callback that draws one bar over all epochs."""
    from edgekit.training.callbacks import Bar

    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description:<14}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=quiet) as progress:
        task = progress.add_task(name, total=epochs * steps, figures="")
        yield Bar(progress, task, name, epochs, steps)


def interrupt_watch() -> Any:
    """A tf_keras callback that ends training, scoring and prediction after the batch in which the user asked to end."""
    from edgekit.training.callbacks import Watch

    return Watch()


@contextmanager
def count_bar(name: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a function that takes how many more are done."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet) as progress:
        task = progress.add_task(name, total=total)

        def advance(more: int) -> None:
            interrupt.check()
            progress.advance(task, more)

        yield advance
