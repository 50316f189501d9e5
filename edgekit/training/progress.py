"""Progress bars on stderr: for training with epoch, loss and score, and for what is only counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgekit import _tf

__all__ = ["count_bar", "epoch_bar"]


@contextmanager
def epoch_bar(name: str, epochs: int, steps: int, *, quiet: bool) -> Iterator[Any]:
    """Give a tf_keras callback that draws one bar over all epochs."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description:<14}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=quiet) as progress:
        task = progress.add_task(name, total=epochs * steps, figures="")

        class Bar(_tf.tf_keras().callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                progress.update(task, completed=epoch * steps, description=f"{name} {epoch + 1}/{epochs}")

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                progress.advance(task)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                shown = {k: v for k, v in (logs or {}).items() if k in ("loss", "val_loss", "val_accuracy")}
                progress.update(task, figures="  ".join(f"{k} {v:.4f}" for k, v in shown.items()))

        yield Bar()


@contextmanager
def count_bar(name: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a function that takes how many more are done."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet) as progress:
        task = progress.add_task(name, total=total)
        yield lambda more: progress.advance(task, more)
