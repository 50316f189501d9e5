"""Learning from a teacher's layers: features through a projection, and maps of attention.

- Features: FitNets, Romero et al. 2015 (arXiv:1412.6550, equation 3), `weight / 2 * mean((projected - teacher)^2)`,
  with a learned 1x1 projection from the student's channels to the teacher's. The teacher runs in the loop, since its
  features of all samples would fill the disk.
- Attention: Zagoruyko and Komodakis 2017 (arXiv:1612.03928, equation 2), `weight / 2 * |q_s - q_t|^2`, where q is the
  sum of squares over channels at each place, divided by its norm. The norm of the difference is squared, because its
  own gradient does not exist where student and teacher agree. The teacher's maps are recorded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError, did_you_mean
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.observer import logger
from edgekit.training.distillation import Distillation, LayerPair

__all__ = ["Hints", "Matched", "attention_map", "find_hints", "layer_output", "places_of"]

_log = logger(__name__)
WRAPPERS = ("prune_low_magnitude_", "quant_")


@dataclass(frozen=True)
class Matched:
    """A layer pair that was found: what both layers give, as symbolic tensors."""

    pair: LayerPair
    student: KerasTensor
    teacher: KerasTensor


@dataclass(frozen=True)
class Hints:
    """The layer pairs that were found in a student and its teacher, and those whose student layer is gone."""

    features: tuple[Matched, ...]
    attention: tuple[Matched, ...]
    gone: tuple[LayerPair, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.features or self.attention)

    def note_gone(self) -> None:
        """Tell the user which pairs are left out."""
        for pair in self.gone:
            _log.info(f"distill: the student has no layer {pair.student!r} (any more): left out")


def find_hints(settings: Distillation, student: KerasModel, teacher: KerasModel | None) -> Hints:
    """Look up the layer pairs; TF-MOT's wrappers are looked through and pairs whose student layer is gone left out.

    Args:
        settings: Names the pairs.
        student: tf_keras model.
        teacher: tf_keras model, or None for a teacher without layers.

    Raises:
        ModelError: A layer is missing, is called twice or does not match its partner, or no pair is left.
    """
    named = [*settings.features, *settings.attention]
    if not named:
        return Hints((), ())
    if teacher is None:
        raise ModelError(
            "Layer pairs need a Keras model as the teacher.",
            received=", ".join(f"{p.student}: {p.teacher}" for p in named),
            remedy="Leave out features and attention, or name a Keras teacher.",
        )
    for pair in named:
        layer_output(teacher, pair.teacher, "teacher")
    gone = [p for p in named if _find(student, p.student) is None]
    if gone and len(gone) == len(named):
        raise ModelError(
            "At least one layer pair must name a layer that the student has.",
            received=", ".join(p.student for p in gone),
            remedy=did_you_mean(gone[0].student, [_bare(layer.name) for layer in student.layers]),
        )
    return Hints(
        tuple(_matched(p, student, teacher, channels=True) for p in settings.features if p not in gone),
        tuple(_matched(p, student, teacher, channels=False) for p in settings.attention if p not in gone),
        tuple(gone),
    )


def layer_output(model: KerasModel, name: str, role: str) -> Any:
    """What a model's layer gives, as a symbolic tensor.

    Raises:
        ModelError: There is no such layer, or no single output of it.
    """
    layer = _find(model, name)
    if layer is None:
        raise ModelError(
            f"A layer pair names a layer of the {role}.",
            received=repr(name),
            remedy=did_you_mean(name, [_bare(layer.name) for layer in model.layers]),
        )
    if len(layer.inbound_nodes) != 1 or isinstance(layer.output, list | tuple | dict):
        raise ModelError(
            "A layer of a layer pair is called once and gives one output.",
            received=f"the {role}'s layer {name!r}, called {len(layer.inbound_nodes)} times",
            remedy="Name another layer.",
        )
    return layer.output


def attention_map(features: KerasTensor) -> Any:
    """[B, ..., C] -> [B, places]: energy over channels at every place, of norm 1."""
    tf = _tf.tensorflow()
    energy = tf.reduce_sum(tf.square(tf.cast(features, tf.float32)), axis=-1)
    return tf.math.l2_normalize(tf.reshape(energy, [tf.shape(energy)[0], -1]), axis=1)


def _find(model: KerasModel, name: str) -> Any:
    exact = [layer for layer in model.layers if layer.name == name]
    return next(iter(exact or [layer for layer in model.layers if _bare(layer.name) == name]), None)


def _bare(name: str) -> str:
    for prefix in WRAPPERS:
        name = name.removeprefix(prefix)
    return name


def _matched(pair: LayerPair, student: KerasModel, teacher: KerasModel, *, channels: bool) -> Matched:
    ours, theirs = layer_output(student, pair.student, "student"), layer_output(teacher, pair.teacher, "teacher")
    places = tuple(ours.shape[1:-1]), tuple(theirs.shape[1:-1])
    if places[0] != places[1] or (not channels and (not places[0] or None in places[0])):
        raise ModelError(
            "The layers of a pair give as many places (height, width or steps)"
            + ("." if channels else ", and for attention at least one, of a fixed number."),
            received=f"{pair.student} with {list(ours.shape[1:])} and {pair.teacher} with {list(theirs.shape[1:])}",
            remedy="Name layers at the same depth of both.",
        )
    return Matched(pair, ours, theirs)


def places_of(tensor: KerasTensor) -> int:
    """How many places a layer's output [B, ..., C] has."""
    count = 1
    for size in tensor.shape[1:-1]:
        count *= int(size)
    return count
