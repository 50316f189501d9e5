"""The training loop: seeded input that can start at any epoch, checkpoints, progress, early stopping."""

from __future__ import annotations

import glob
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgekit import _tf, interrupt
from edgekit.data import Dataset
from edgekit.data.dataset import SplitName
from edgekit.errors import EdgekitError
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.observer import EpochEnded, Event, Observer, unobserved
from edgekit.scratch import remove_tree
from edgekit.tensors import Array
from edgekit.training.augment import Views
from edgekit.training.disk import disk_errors
from edgekit.training.history import epochs_kept, keep_epoch, read_training
from edgekit.training.lesson import Lesson, lesson
from edgekit.training.objective import Objective
from edgekit.training.plan import Train
from edgekit.training.precision import computing_in
from edgekit.training.progress import epoch_bar, interrupt_watch
from edgekit.training.settling import Settling
from edgekit.training.teacher import Teacher

__all__ = ["Trainer", "seed_everything"]


@dataclass(frozen=True)
class Trainer:
    """Trains and scores tf_keras models on one data set towards one objective.

    Attributes:
        dataset: Training and validation samples.
        objective: The loss and the metric.
        seed: Seed of initialisation, shuffling and dropout.
        workdir: Where checkpoints go.
        quiet: No progress bar.
        tensorboard: Folder for TensorBoard's logs, or None for none.
        teacher: Who teaches where the objective has `distill`; None trains without.
        cache: Folder of teachers' answers, or None for one in `workdir`.
        step: Name of the step that trains, for the observer.
        observer: Function that is called with every epoch.
    """

    dataset: Dataset
    objective: Objective
    seed: int
    workdir: Path
    quiet: bool = False
    tensorboard: Path | None = None
    teacher: Teacher | None = None
    cache: Path | None = None
    step: str = ""
    observer: Observer = unobserved

    def fit(
        self, model: KerasModel, plan: Train, *, name: str, callbacks: Sequence[Any] = ()
    ) -> dict[str, list[float | None]]:
        """Train a model in place; a killed run goes on after its last finished epoch, and has the figures of all.

        With early stopping it starts again: what that has seen so far is in no checkpoint.

        Args:
            model: tf_keras model; compiled here.
            plan: Epochs, batch size, optimiser, schedule.
            name: Name of checkpoints and of the progress bar.
            callbacks: More tf_keras callbacks, such as TF-MOT's.

        Returns:
            One list per figure (loss, val_loss, ...), a value per epoch; None for what is no finite number.
        """
        with computing_in(plan.precision), lesson(self, model, plan) as taught:
            return self._fit(model, plan, taught, name, callbacks)

    def score(self, model: KerasModel, split: SplitName = "validation") -> float:
        """The metric of the Keras model on a split: top-1 as a fraction, or the mean squared error."""
        outputs = self.predict(model, split)
        targets = self.objective.targets(self.dataset, split)
        if self.objective.metric == "mse":
            return float(np.mean((outputs - targets.reshape(outputs.shape)) ** 2))
        predicted = outputs.argmax(-1) if outputs.shape[-1] > 1 else outputs[:, 0] > 0.5
        return float(np.mean(predicted == targets))

    def predict(self, model: KerasModel, split: SplitName) -> Array:
        """Outputs [N, ...] of the Keras model on a split."""
        outputs: Array = model.predict(
            self.dataset.features(split), batch_size=256, verbose=0, callbacks=[interrupt_watch()]
        )
        return outputs

    def _fit(
        self, model: KerasModel, plan: Train, taught: Lesson | None, name: str, callbacks: Sequence[Any]
    ) -> dict[str, list[float | None]]:
        from edgekit.training.callbacks import DropoutSeeds, Epochs

        keras, held = _tf.tf_keras(), ExitStack()
        seed_everything(self.seed)
        steps = math.ceil(len(self.dataset.raw("train")) / plan.batch_size)
        if taught is None:
            model.compile(_optimizer(plan, steps), self.objective.loss(model), metrics=self._metrics())
        else:
            model = taught.model
            model.compile(_optimizer(plan, steps), taught.loss, metrics=taught.metrics)
        checkpoint = self.workdir / f"{name}.checkpoint"
        monitor, mode = ("val_accuracy", "max") if self.objective.metric == "top1" else ("val_loss", "min")
        if checkpoint.is_symlink():
            raise EdgekitError("A checkpoint is a folder of EdgeKit's own.", received=f"{checkpoint}, a symbolic link")
        first = self._first_epoch(checkpoint, name)
        watchers = [*callbacks, interrupt_watch(), DropoutSeeds(self.seed), keras.callbacks.TerminateOnNaN()]
        # Before the checkpoint, to be no epoch behind it.
        watchers.append(Epochs(self._tell, self.step, name, plan.epochs))
        if plan.early_stopping is None:
            checkpoint.mkdir(parents=True, exist_ok=True)
            place = held.enter_context(_plainly_named(checkpoint))
            watchers.append(keras.callbacks.BackupAndRestore(place, delete_checkpoint=False))
        else:
            watchers.append(
                keras.callbacks.EarlyStopping(
                    monitor, mode=mode, patience=plan.early_stopping, restore_best_weights=True
                )
            )
        if self.tensorboard:
            watchers.append(keras.callbacks.TensorBoard(self.tensorboard / name))
        batches = self._batches(plan, first, taught)
        if taught is None:
            _make_variables(model, batches.element_spec[1])
        settling = Settling(model)
        with held, disk_errors(checkpoint), epoch_bar(name, plan.epochs, steps, quiet=self.quiet) as bar:
            model.fit(
                batches,
                epochs=plan.epochs,
                steps_per_epoch=steps,
                validation_data=self._validation(plan.batch_size, taught),
                callbacks=[*watchers, bar],
                verbose=0,
            )
        interrupt.check()  # one that came in the last batch, before what was learnt so far is removed
        settling.tell(int(model.optimizer.iterations), name=name)
        _remove(checkpoint)
        return read_training(self.workdir)[name]

    def _tell(self, event: Event) -> None:
        if isinstance(event, EpochEnded):
            keep_epoch(self.workdir, event)
        self.observer(event)

    def _first_epoch(self, checkpoint: Path, name: str) -> int:
        """The epoch to go on with: 0 where nothing is done, or where it is not known any more what was told of it."""
        finished = _finished_epochs(checkpoint)
        if finished is not None and finished <= epochs_kept(self.workdir, name):
            return finished
        _remove(checkpoint)
        return 0

    def _metrics(self) -> list[Any]:
        return ["accuracy"] if self.objective.metric == "top1" else []

    def _validation(self, batch: int, taught: Lesson | None) -> Any:
        data = _tf.tensorflow().data.Dataset.from_tensor_slices(
            (self.dataset.features("validation"), self.objective.targets(self.dataset, "validation"))
        )
        batches = data.batch(max(batch, 256))
        return (taught.validation(batches) if taught else batches).cache().prefetch(2)

    def _batches(self, plan: Train, first: int, taught: Lesson | None) -> Any:
        """Batches from epoch `first` on: each epoch's order and views follow from the seed and its number alone.

        Samples stay in one tensor and are gathered a batch at a time, which is several times faster than shuffling
        them one by one, and a resumed run sees the same batches as one that was never killed.
        """
        tf = _tf.tensorflow()
        x = tf.constant(self.dataset.features("train"))
        y = tf.constant(self.objective.targets(self.dataset, "train"))
        seed = self.seed

        views = Views(plan.augment, len(x), seed) if plan.augment else None
        if plan.augment:
            plan.augment.check(tuple(x.shape[1:]))

        def order(epoch: KerasTensor) -> Any:
            shuffled = tf.random.experimental.stateless_shuffle(tf.range(len(x)), seed=tf.stack([seed, epoch]))
            batches = tf.data.Dataset.from_tensor_slices(shuffled).batch(plan.batch_size)
            return batches.map(lambda indices: (indices, epoch))

        def gathered(indices: KerasTensor, epoch: KerasTensor) -> Any:
            samples = views.of(x, indices, epoch) if views else tf.gather(x, indices)
            targets = tf.gather(y, indices)
            return taught.packed(samples, targets, indices, epoch) if taught else (samples, targets)

        epochs = tf.data.Dataset.range(first, plan.epochs, output_type=tf.int32)
        return epochs.flat_map(order).map(gathered).prefetch(4)


def seed_everything(seed: int) -> None:
    """Make what follows repeatable: Python, numpy and TensorFlow seeds, kernels, and automatic layer names."""
    _tf.tf_keras().backend.reset_uids()  # names are in the file, so its bytes depend on them
    _tf.tf_keras().utils.set_random_seed(seed)
    _tf.tensorflow().config.experimental.enable_op_determinism()


def _make_variables(model: Any, targets: Any) -> None:
    """Make those of optimiser, loss and metrics now: TensorFlow traces a step anew where its first trace made some.

    Args:
        model: A compiled tf_keras model.
        targets: TensorSpec of a batch of targets.
    """
    model.optimizer.build(model.trainable_variables)
    model.compiled_loss.build(model.output)
    model.compiled_metrics.build(model.output, targets)


def _optimizer(plan: Train, steps: int) -> Any:
    optimizers = _tf.tf_keras().optimizers
    rate: Any = plan.learning_rate
    if plan.schedule == "cosine":
        rate = optimizers.schedules.CosineDecay(plan.learning_rate, plan.epochs * steps)
    makers: dict[str, Callable[[], Any]] = {
        "adam": lambda: optimizers.Adam(rate),
        "adamw": lambda: optimizers.AdamW(rate, weight_decay=plan.weight_decay),
        "sgd": lambda: optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }
    return makers[plan.optimizer]()


def _finished_epochs(checkpoint: Path) -> int | None:
    """Epochs that an earlier, killed run finished, as its checkpoint says; None where that cannot be read."""
    if not checkpoint.exists():
        return 0
    train = _tf.tensorflow().train
    try:
        with _plainly_named(checkpoint) as place:
            latest = train.latest_checkpoint(str(place / "chief")) or train.latest_checkpoint(str(place))
            if latest is None:
                return None
            reader = train.load_checkpoint(latest)
            keys = [k for k in reader.get_variable_to_shape_map() if "ckpt_saved_epoch" in k]
            return int(reader.get_tensor(keys[0])) + 1 if keys else 0
    except (_tf.tensorflow().errors.OpError, RuntimeError, ValueError):
        return None


@contextmanager
def _plainly_named(folder: Path) -> Iterator[Path]:
    """Give a folder by a name that is no pattern: TensorFlow looks for a checkpoint of "runs[1]" in "runs1"."""
    if not glob.has_magic(str(folder)):
        yield folder
        return
    with TemporaryDirectory() as beside:
        link = Path(beside) / "checkpoint"
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield link


def _remove(checkpoint: Path) -> None:
    """Remove it at once: what a kill leaves of it has another name, and is removed with the step's folder."""
    if not checkpoint.exists():
        return
    going = checkpoint.with_name(f"{checkpoint.name}.removed")
    remove_tree(going)
    checkpoint.rename(going)
    remove_tree(going)
