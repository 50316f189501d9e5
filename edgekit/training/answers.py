"""A teacher's answers to every training sample in every view: asked once, kept on disk, read where they lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.artifact import write_atomically
from edgekit.errors import ModelError
from edgekit.keras.types import KerasTensor
from edgekit.locks import claimed
from edgekit.observer import logger
from edgekit.tensors import Array
from edgekit.training.augment import Views
from edgekit.training.progress import count_bar

__all__ = ["Answers", "Asked", "record"]

_log = logger(__name__)

Asked = Callable[[Array], Sequence[Array]]
"""Several kinds of answers, each [n, size], to samples [n, ...]."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a teacher said.

    Attributes:
        views: For each view one array per kind, [N, size], mapped from disk.
    """

    views: Sequence[Sequence[Array]]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers per sample, by kind."""
        return tuple(kind.shape[1] for kind in self.views[0])

    def of(self, indices: KerasTensor, epoch: KerasTensor) -> tuple[Any, ...]:
        """Answers to samples as an epoch shows them; runs in a TensorFlow graph.

        Args:
            indices: int tensor [B].
            epoch: int tensor; views follow one another and begin again.

        Returns:
            A float32 tensor [B, size] for each kind.
        """
        tf = _tf.tensorflow()

        def read(which: Array, number: Array) -> Array:
            kinds = self.views[int(number) % len(self.views)]
            return np.concatenate([kind[which] for kind in kinds], axis=1, dtype=np.float32)

        found = tf.ensure_shape(
            tf.numpy_function(read, [indices, epoch], tf.float32, stateful=False), (None, sum(self.sizes))
        )
        return tuple(tf.split(found, self.sizes, axis=1))


def record(
    ask: Asked,
    kinds: Sequence[str],
    samples: Array,
    views: Views | None,
    count: int,
    folder: Path,
    *,
    batch: int,
    quiet: bool,
) -> Answers:
    """Ask the teacher what is not on disk yet, a view after the other; a kill loses at most the view it was at.

    Args:
        ask: Function that gives one array per kind.
        kinds: Names of files in the folder, each of one kind of answers.
        samples: Preprocessed training samples [N, ...].
        views: How they are augmented, or None.
        count: How many views are needed.
        folder: Folder of this teacher, data set and augmentation, and of no others.
        batch: Samples of one question.
        quiet: No progress bar.

    Raises:
        ModelError: An answer is not finite.
    """
    files = [[folder / f"{kind}-{view}.npy" for kind in kinds] for view in range(count)]

    def missing_views() -> list[int]:
        return [view for view in range(count) if any(_open(file, len(samples)) is None for file in files[view])]

    if missing_views():
        folder.mkdir(parents=True, exist_ok=True)
        with claimed(folder / "asking.lock", wait=_say_who_asks):
            _ask(ask, samples, _viewer(samples, views), files, missing_views(), batch=batch, quiet=quiet)
    return Answers([[np.load(file, mmap_mode="r", allow_pickle=False) for file in view] for view in files])


def _ask(
    ask: Asked,
    samples: Array,
    view_of: Callable[[Array, int], Array],
    files: Sequence[Sequence[Path]],
    missing: Sequence[int],
    *,
    batch: int,
    quiet: bool,
) -> None:
    if missing:
        with count_bar("teacher", len(missing) * len(samples), quiet=quiet) as advance:
            for view in missing:
                parts = []
                for start in range(0, len(samples), batch):
                    indices = np.arange(start, min(start + batch, len(samples)), dtype=np.int32)
                    parts.append(ask(view_of(indices, view)))
                    advance(len(indices))
                for number, file in enumerate(files[view]):
                    _write(file, np.concatenate([p[number] for p in parts]))


def _say_who_asks(who: str) -> None:
    _log.info(f"teacher: {who} asks it, so this run waits for the answers")


def _viewer(samples: Array, views: Views | None) -> Callable[[Array, int], Array]:
    if views is None:
        return lambda indices, view: samples[indices]
    tf = _tf.tensorflow()
    images, number = tf.constant(samples), tf.TensorSpec((), tf.int32)
    graph = tf.function(
        lambda indices, view: views.of(images, indices, view),
        input_signature=[tf.TensorSpec([None], tf.int32), number],  # traced once: the tables of views are large
    )
    return lambda indices, view: np.asarray(graph(tf.constant(indices), tf.constant(view, tf.int32)))


def _open(file: Path, count: int) -> Array | None:
    try:
        found: Array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found if found.ndim == 2 and len(found) == count else None


def _write(file: Path, answers: Array) -> None:
    if not np.isfinite(answers).all():
        raise ModelError(
            "A teacher's answers are finite numbers.",
            received=f"NaN or infinity for sample {int(np.argmax(~np.isfinite(answers).all(axis=1)))}",
            remedy="Name another teacher, or check what the samples hold after preprocessing.",
        )
    with write_atomically(file) as temporary, temporary.open("wb") as stream:
        np.save(stream, answers)
