"""The loss of layer pairs, and the layer that adds it to a student's training.

This module loads tf_keras: only functions import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgekit import _tf
from edgekit.keras.types import KerasModel, Shape
from edgekit.training.hints import Hints, attention_map, places_of

__all__ = ["HintLoss", "hint_loss"]

keras, tf = _tf.tf_keras(), _tf.tensorflow()


def hint_loss(hints: Hints, teacher: KerasModel | None, seed: int) -> Callable[[Any, Any], Any]:
    """A function (samples, maps) -> the loss of all pairs, a symbolic scalar; 0 outside training.

    `maps` are those of the teacher in the order of the pairs, [B, places of all]; None without attention.

    Args:
        hints: At least one pair.
        teacher: tf_keras model, not trained; None only without features.
        seed: Seed of the projections.
    """
    outputs = [m.teacher for m in hints.features]
    shown = keras.Model(teacher.inputs, outputs) if outputs and teacher is not None else None
    students = [m.student for m in (*hints.features, *hints.attention)]
    return lambda samples, maps: HintLoss(hints, shown, seed)([samples, *([] if maps is None else [maps]), *students])


class HintLoss(keras.layers.Layer):  # type: ignore[misc, name-defined]
    """Holds the projections; the teacher stays outside, where nothing trains or saves it.

    Args:
        hints: At least one pair.
        shown: A function of samples that gives the teacher's features, not trained; None without features.
        seed: Seed of the projections.
    """

    def __init__(self, hints: Hints, shown: Any, seed: int) -> None:
        super().__init__(name="hints")
        self.supports_masking = True
        # Held by a function: Keras would list the teacher's weights among its own.
        self._untracked: Callable[[], tuple[Hints, Any]] = lambda: (hints, shown)
        self.sizes = [places_of(m.teacher) for m in hints.attention]
        self.projections = [
            keras.layers.Dense(
                matched.teacher.shape[-1],
                kernel_initializer=keras.initializers.GlorotUniform(seed + number),
                name=f"projection_{number}",
            )
            for number, matched in enumerate(hints.features)
        ]

    def build(self, input_shape: Shape) -> None:
        hints, _ = self._untracked()
        for projection, matched in zip(self.projections, hints.features, strict=True):
            projection.build(matched.student.shape)
        super().build(input_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        loss = tf.zeros(())
        if not training:
            return loss
        hints, shown = self._untracked()
        samples, *students = inputs
        maps = students.pop(0) if self.sizes else None
        features, attended = students[: len(hints.features)], students[len(hints.features) :]
        taught = _listed(shown(samples, training=False)) if shown is not None else []
        for matched, projection, ours, theirs in zip(hints.features, self.projections, features, taught, strict=True):
            error = tf.square(projection(ours) - tf.stop_gradient(tf.cast(theirs, tf.float32)))
            loss += matched.pair.weight / 2 * tf.reduce_mean(error)
        by_pair = tf.split(maps, list(self.sizes), axis=1) if self.sizes else []
        for matched, ours, theirs in zip(hints.attention, attended, by_pair, strict=True):
            error = tf.reduce_sum(tf.square(attention_map(ours) - theirs), axis=1)
            loss += matched.pair.weight / 2 * tf.reduce_mean(error)
        return loss


def _listed(outputs: Any) -> Sequence[Any]:
    return outputs if isinstance(outputs, list | tuple) else [outputs]
