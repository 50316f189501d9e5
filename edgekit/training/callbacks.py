"""EdgeKit's own tf_keras callbacks: the progress bar, what observers are told, the end that the user asks for, and
the seeds of dropout.

This module loads tf_keras: only functions import it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from rich.progress import Progress, TaskID

from edgekit import _tf, interrupt
from edgekit.observer import EpochEnded, Observer

__all__ = ["Bar", "DropoutSeeds", "Epochs", "Watch"]

keras = _tf.tf_keras()


class Bar(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
    """One bar over all epochs.

    Args:
        progress, task: Where it is drawn.
        name: What is shown before the epoch's number.
        epochs, steps: How many epochs, and steps in each.
    """

    def __init__(self, progress: Progress, task: TaskID, name: str, epochs: int, steps: int) -> None:
        super().__init__()
        self.progress, self.task = progress, task
        self.name, self.epochs, self.steps = name, epochs, steps

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras before an epoch."""
        shown = f"{self.name} {epoch + 1}/{self.epochs}"
        self.progress.update(self.task, completed=epoch * self.steps, description=shown)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras after a batch."""
        self.progress.advance(self.task)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras after an epoch, with its figures."""
        shown = {k: v for k, v in (logs or {}).items() if k in ("loss", "val_loss", "val_accuracy")}
        self.progress.update(self.task, figures="  ".join(f"{k} {v:.4f}" for k, v in shown.items()))


class Epochs(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
    """Tells an observer of every epoch.

    Args:
        observer: Function that is called with every epoch.
        step, fit, epochs: As of `EpochEnded`.
    """

    def __init__(self, observer: Observer, step: str, fit: str, epochs: int) -> None:
        super().__init__()
        self.observer, self.step, self.fit, self.epochs = observer, step, fit, epochs

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras after an epoch, with its figures."""
        figures = {name: float(value) if math.isfinite(value) else None for name, value in (logs or {}).items()}
        self.observer(EpochEnded(self.step, self.fit, epoch, self.epochs, figures))


class Watch(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
    """Ends training, scoring and prediction after the batch in which the user asked to end."""

    _supports_tf_logs = True  # or Keras would fetch the figures of every batch for it

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras after a batch."""
        interrupt.check()

    on_test_batch_end = on_predict_batch_end = on_train_batch_end

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras after an epoch, with its figures."""
        interrupt.check()


class DropoutSeeds(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
    """Lets the masks of dropout, too, follow from the seed and the epoch's number alone."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Called by Keras before an epoch."""
        for number, layer in enumerate(self.model.submodules):
            source = getattr(getattr(layer, "_random_generator", None), "_generator", None)
            if source is not None:
                words = np.random.SeedSequence((self.seed, epoch, number)).generate_state(1)
                source.reset_from_seed(int(words[0]))
