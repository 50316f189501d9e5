"""What each channel is worth, by several criteria from the literature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.methods.channels.graph import Channels
from edgekit.methods.channels.walk import batches, walk

__all__ = ["Criterion", "importance", "normalized"]

Criterion = Literal["l1", "l2", "batch_norm", "taylor", "hessian"]
Scores = NDArray[np.float64]
Loss = Callable[[Any, Any], Any]
_DRAWS = 4
"""Random projections of the output for the second-order score; each is a pass over the data."""


def importance(
    model: KerasModel,
    channels: Channels,
    criterion: Criterion,
    x: NDArray[Any],
    y: NDArray[Any],
    loss: Any,
    *,
    seed: int,
) -> Scores:
    """Score all channels, in one pass over the data or a few.

    - l1, l2: mean norm of the weights that make the channel, relative to the layer's mean (Li et al. 2017,
      arXiv:1608.08710, section 3.1).
    - batch_norm: |gamma| (Liu et al. 2017, arXiv:1708.06519, section 3).
    - taylor: the squared change of the loss, to first order, when the channel is taken from everything that reads it,
      mean over samples (Molchanov et al. 2019, arXiv:1906.10771, section 3.1, gates on activations).
    - hessian: the same to second order with the Gauss-Newton matrix, which needs no labels and does not vanish where
      the model is trained; by random projections of the output (LeCun et al. 1989, Optimal Brain Damage, with a
      Hessian that covers all readers of a channel together).

    Args:
        model: The tf_keras model that was analysed.
        channels: What `analyse` gave for it.
        criterion: One of the above.
        x, y: Calibration samples and targets, in the form that the loss takes.
        loss: A tf_keras loss, mean over the batch.
        seed: Seed of the projections.

    Returns:
        Scores [channels.count]. Channels to which batch_norm has nothing to say score NaN.
    """
    if criterion in ("l1", "l2"):
        scores = _norms(channels, 1 if criterion == "l1" else 2)
    elif criterion == "batch_norm":
        scores = _gammas(channels)
    elif criterion == "taylor":
        scores = _gates(model, channels, x, lambda part, out: loss(_tf.tensorflow().constant(y[part]), out))
    else:
        rng, logits = np.random.default_rng(seed), bool(loss.get_config().get("from_logits", False))
        kind = str(loss.get_config().get("name", ""))
        scores = np.zeros(channels.count)
        for _ in range(_DRAWS):
            scores += 0.5 / _DRAWS * _gates(model, channels, x, lambda part, out: _projected(out, kind, logits, rng))
    return scores


def normalized(channels: Channels, scores: Scores) -> Scores:
    """Scores divided by their mean over each group, so that groups can be ranked together."""
    scaled = scores.copy()
    for group in channels.groups:
        mean = float(np.mean(scores[group.channels]))
        if mean > 0:
            scaled[group.channels] /= mean
    return scaled


def _norms(channels: Channels, order: int) -> Scores:
    """Over the kernels that make a channel or pass it on by itself, with depthwise kernels; mean over these members."""
    total, members = np.zeros(channels.count), np.zeros(channels.count)
    for cut in channels.cuts.values():
        for weight, axes in zip(cut.layer.weights, cut.weights, strict=True):
            if "kernel" not in weight.name and "embeddings" not in weight.name:
                continue
            made = [(a, i) for a, i in axes.items() if i is cut.outputs or i is cut.heads or not cut.inputs]
            for axis, ids in made:
                values = np.abs(weight.numpy()) ** order
                sums = values.sum(axis=tuple(a for a in range(values.ndim) if a != axis)) ** (1 / order)
                np.add.at(total, ids, sums / max(float(sums.mean()), 1e-12))
                np.add.at(members, ids, 1)
    mean: Scores = total / np.maximum(members, 1)
    return mean


def _gammas(channels: Channels) -> Scores:
    total, members = np.zeros(channels.count), np.zeros(channels.count)
    for cut in channels.cuts.values():
        if kind_of(cut.layer).is_batch_norm and cut.layer.scale:
            np.add.at(total, cut.weights[0][0], np.abs(cut.layer.gamma.numpy()))
            np.add.at(members, cut.weights[0][0], 1)
    found: Scores = np.where(members > 0, total / np.maximum(members, 1), np.nan)
    return found


def _gates(model: KerasModel, channels: Channels, x: NDArray[Any], loss: Callable[[slice, Any], Any]) -> Scores:
    """Mean over samples of the squared derivative of the loss by a gate of 1 on everything that reads a channel."""
    tf = _tf.tensorflow()
    scores = np.zeros(channels.count)
    for part, batch in batches(x):
        count = part.stop - part.start
        gates: dict[tuple[str, int], Any] = {}
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def look(name: str, place: int, value: KerasTensor, gates: Any = gates, tape: Any = tape) -> Any:
                return _gated(value, gates, (name, place), tape, -1)

            with _gated_heads(channels, gates, tape):
                out = walk(channels, model, batch, look)
            value = loss(part, out) * count  # of a mean over the batch, the derivative for each sample
        found = tape.gradient(value, gates)
        slopes = np.zeros((channels.count, count))
        for (name, place), slope in found.items():
            cut = channels.cuts[name]
            ids = cut.heads if place == _HEADS else cut.inputs[place]
            if slope is not None and ids is not None:
                np.add.at(slopes, ids, np.reshape(slope.numpy(), (count, -1)).T)
        scores += (slopes**2).sum(axis=1)
    return scores / len(x)


_HEADS = -1
"""Stands for the heads among the places of an attention layer's inputs."""


def _gated(value: KerasTensor, gates: dict[tuple[str, int], Any], key: tuple[str, int], tape: Any, axis: int) -> Any:
    """The tensor times ones [batch, 1, ..., channels, ...] that the tape watches; Keras's mask stays on it."""
    tf = _tf.tensorflow()
    if not value.dtype.is_floating:
        return value
    shape = [1] * len(value.shape)
    shape[0], shape[axis] = value.shape[0], value.shape[axis]
    gate = tf.ones(shape, value.dtype)
    tape.watch(gate)
    gates[key] = gate
    gated = value * gate
    mask = getattr(value, "_keras_mask", None)
    if mask is not None:
        gated._keras_mask = mask
    return gated


@contextmanager
def _gated_heads(channels: Channels, gates: dict[tuple[str, int], Any], tape: Any) -> Iterator[None]:
    """Gates between the heads and the output of attention layers, where no layer of the graph stands."""
    attention = [cut.layer for cut in channels.cuts.values() if cut.heads is not None]

    def wrap(layer: Any) -> Callable[..., Any]:
        compute = type(layer)._compute_attention

        def gated(*args: Any) -> Any:
            output, scores = compute(layer, *args)
            return _gated(output, gates, (layer.name, _HEADS), tape, -2), scores

        return gated

    try:
        for layer in attention:
            object.__setattr__(layer, "_compute_attention", wrap(layer))
        yield
    finally:
        for layer in attention:
            layer.__dict__.pop("_compute_attention", None)


def _projected(out: Any, kind: str, logits: bool, rng: np.random.Generator) -> Any:
    """A random projection of the output whose squared derivatives are, in the mean, those of the Gauss-Newton matrix.

    With H = diag(p) - p p' for the probabilities p, and signs e, the derivative of sum(sqrt(p) e log p) by the logits
    is sqrt(p) e - p sum(sqrt(p) e), whose outer product has the mean H. For squared errors H is the identity.
    """
    tf = _tf.tensorflow()
    if "crossentropy" not in kind:
        return tf.reduce_sum(out * _signs(out, rng)) / out.shape[0]
    if kind.startswith("binary"):
        p = tf.sigmoid(out) if logits else out
        p = tf.concat([p, 1 - p], axis=-1)
    else:
        p = tf.nn.softmax(out) if logits else out
    p = tf.clip_by_value(p, 1e-7, 1.0)
    return tf.reduce_sum(tf.stop_gradient(tf.sqrt(p)) * _signs(p, rng) * tf.math.log(p)) / out.shape[0]


def _signs(like: KerasTensor, rng: np.random.Generator) -> Any:
    return _tf.tensorflow().constant(rng.choice([-1.0, 1.0], like.shape), like.dtype)
