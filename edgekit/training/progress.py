"""Progress bars on stderr: for training with epoch, loss and score, and for what is only counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgekit import _tf, interrupt

__all__ = ["count_bar", "epoch_bar", "interrupt_watch"]


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


def interrupt_watch() -> Any:
    """A tf_keras callback that ends training, scoring and prediction after the batch in which the user asked to end."""

    class Watch(_tf.tf_keras().callbacks.Callback):  # type: ignore[misc]
        _supports_tf_logs = True  # or Keras would fetch the figures of every batch for it

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            interrupt.check()

        on_test_batch_end = on_predict_batch_end = on_train_batch_end

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            interrupt.check()

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
