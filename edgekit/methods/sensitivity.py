"""How much each layer tolerates: one layer is changed at a time, and the output on calibration data is compared.

The identification phase of layer-wise compression: Li et al. 2017 (arXiv:1608.08710, section 3.1) for pruning, Wu et
al. 2020 (arXiv:2004.09602, section 5.2) for 8 bits. Nothing is trained, so a figure says how a layer compares with
others, not what is left after fine-tuning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from edgekit import _tf
from edgekit.errors import ModelError, UsageError, did_you_mean
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer, KerasModel, KerasVariable
from edgekit.methods.channels import Channels, analyse, correct, importance, shrink
from edgekit.methods.channels.graph import Ids
from edgekit.methods.low_rank import Geometry, low_rank_kernel
from edgekit.tensors import Array

__all__ = ["KINDS", "Effect", "RATIOS", "Kind", "check_choice", "sensitivity", "tolerable"]

Kind = Literal["sparsity", "channels", "rank", "int8_weights", "int8_activations"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RATIOS = (0.25, 0.5, 0.75, 0.9)
BATCH = 128
_LIMIT = 100.0
"""dB, for outputs that do not differ: SQNR would be infinite."""


@dataclass(frozen=True)
class Effect:
    """What one change of one layer does.

    Attributes:
        layer: Its name; for channels, all layers that lose them together, separated by commas.
        kind: What was done.
        amount: Fraction of weights or channels removed, or of the full rank given up; None for 8 bits.
        sqnr_db: Power of the output by that of its error, in dB, at most 100; of logits where the output is a softmax.
        score: Top-1 after the change, a fraction; None without labels.
        score_drop: Top-1 lost; None without labels.
    """

    layer: str
    kind: Kind
    amount: float | None
    sqnr_db: float
    score: float | None
    score_drop: float | None


def sensitivity(
    model: KerasModel,
    x: Array,
    y: Array | None = None,
    *,
    kinds: Sequence[Kind] = KINDS,
    ratios: Sequence[float] = RATIOS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Effect]:
    """Change one layer at a time and see what the output loses.

    Args:
        model: A flat tf_keras model; given back as it was.
        x: Calibration samples [N, ...], preprocessed.
        y: Class indices [N], or None.
        kinds: What to try.
        ratios: Fractions of weights, of channels and of the full rank to give up, each between 0 and 1.
        progress: Called with (done, total).

    Returns:
        Effects in the order of the graph, kind by kind. Layers that a kind does not apply to are left out.

    Raises:
        UsageError: An unknown kind, or a ratio of 0 or 1 or beyond.
        ModelError: The model has no layer with weights.
    """
    check_choice(kinds, ratios)
    trials = [trial for kind in kinds for trial in _TRIALS[kind](model, x, ratios)]
    if not trials:
        raise ModelError("Sensitivity needs a layer with a kernel.", received=f"{model.name!r} without one")
    reference = _outputs(model, x)
    score = _score(reference, y)
    effects = []
    for done, trial in enumerate(trials):
        progress(done, len(trials))
        with trial.changed() as changed:
            outputs = _outputs(changed, x)
        after = _score(outputs, y)
        drop = None if score is None or after is None else score - after
        effects.append(Effect(trial.layer, trial.kind, trial.amount, _sqnr(reference, outputs), after, drop))
    progress(len(trials), len(trials))
    return effects


def tolerable(effects: Sequence[Effect], kind: Kind, *, score_drop: float) -> Mapping[str, float]:
    """For every layer, the largest amount that costs no more than this; 0 where none does.

    A ratio counts only if all smaller ones are tolerated, too: one lucky outlier proves nothing.
    """
    found: dict[str, float] = {}
    for layer in dict.fromkeys(e.layer for e in effects if e.kind == kind):
        found[layer] = 0.0
        for effect in sorted((e for e in effects if (e.layer, e.kind) == (layer, kind)), key=lambda e: e.amount or 0):
            if effect.score_drop is None or effect.score_drop > score_drop:
                break
            found[layer] = effect.amount or 0.0
    return found


def check_choice(kinds: Sequence[str], ratios: Sequence[float]) -> None:
    """Make sure that kinds and ratios are ones that `sensitivity` takes.

    Raises:
        UsageError: An unknown kind, or a ratio of 0 or 1 or beyond.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError("Unknown kind of change.", received=repr(kind), remedy=did_you_mean(kind, KINDS))
    wrong = [r for r in ratios if not 0 < r < 1]
    if wrong or not ratios:
        raise UsageError("Ratios lie between 0 and 1, both excluded.", received=", ".join(map(str, wrong)) or "none")


@dataclass(frozen=True)
class _Trial:
    """One change: `changed` gives the changed model and undoes it afterwards."""

    layer: str
    kind: Kind
    amount: float | None
    changed: Callable[[], AbstractContextManager[Any]]


def _sparsity(model: KerasModel, x: Array, ratios: Sequence[float]) -> Iterator[_Trial]:
    def pruned(ratio: float, kernel: Array) -> Array:
        return np.where(np.abs(kernel) > np.quantile(np.abs(kernel), ratio), kernel, 0)

    for layer, weight in _kernels(model):
        for ratio in ratios:
            yield _Trial(layer.name, "sparsity", ratio, partial(_with_weight, model, weight, partial(pruned, ratio)))


def _rank(model: KerasModel, x: Array, ratios: Sequence[float]) -> Iterator[_Trial]:
    def lower(layer: KerasLayer, rank: int, kernel: Array) -> Array:
        return low_rank_kernel(layer, rank, "spatial")

    for layer, weight in _kernels(model):
        if not kind_of(layer).low_rank or getattr(layer, "groups", 1) != 1:
            continue
        geometry = Geometry.of(layer)
        full = geometry.full_rank(geometry.forms("spatial")[0])[0]
        for ratio in ratios:
            change = partial(lower, layer, max(1, round(full * (1 - ratio))))
            yield _Trial(layer.name, "rank", ratio, partial(_with_weight, model, weight, change))


def _int8_weights(model: KerasModel, x: Array, ratios: Sequence[float]) -> Iterator[_Trial]:
    for layer, weight in _kernels(model):
        change = partial(_rounded_per_channel, kept=_SCALED_ALONG.get(kind_of(layer).channels or "", (-1,)))
        yield _Trial(layer.name, "int8_weights", None, partial(_with_weight, model, weight, change))


def _int8_activations(model: KerasModel, x: Array, ratios: Sequence[float]) -> Iterator[_Trial]:
    for layer in model.layers:
        between = layer.outbound_nodes and type(layer).__name__ != "InputLayer"
        if between and all(t.dtype.is_floating for t in _tf.tensorflow().nest.flatten(layer.get_output_at(0))):
            yield _Trial(layer.name, "int8_activations", None, partial(_rounding_output, model, layer))


def _channels(model: KerasModel, x: Array, ratios: Sequence[float]) -> Iterator[_Trial]:
    found = analyse(model)
    scores = importance(model, found, "l2", x, x, None, seed=0)
    for group in found.groups:
        for ratio in ratios:
            count = min(round(ratio * len(group.channels)), len(group.channels) - 1)
            if count:
                weakest = group.channels[np.argsort(scores[group.channels])[:count]]
                change = partial(_shrunk, model, x, found, weakest)
                yield _Trial(group.name, "channels", ratio, change)


_TRIALS: Mapping[Kind, Callable[[Any, Array, Sequence[float]], Iterator[_Trial]]] = {
    "sparsity": _sparsity,
    "channels": _channels,
    "rank": _rank,
    "int8_weights": _int8_weights,
    "int8_activations": _int8_activations,
}


def _kernels(model: KerasModel) -> Iterator[tuple[Any, Any]]:
    """Layers with their kernels."""
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name.partition(":")[0].endswith("kernel") and len(weight.shape) >= 2:
                yield layer, weight


@contextmanager
def _with_weight(model: KerasModel, weight: KerasVariable, change: Callable[[Array], Array]) -> Iterator[Any]:
    kept = weight.numpy()
    weight.assign(change(kept))
    try:
        yield model
    finally:
        weight.assign(kept)


@contextmanager
def _rounding_output(model: KerasModel, layer: KerasLayer) -> Iterator[Any]:
    """The layer's output on 255 steps between the extremes of each batch, as a calibrated int8 tensor holds it."""
    tf = _tf.tensorflow()
    call = layer.call

    def rounded(*args: Any, **kwargs: Any) -> Any:
        out = call(*args, **kwargs)
        return tf.nest.map_structure(
            lambda t: tf.quantization.fake_quant_with_min_max_vars(t, tf.reduce_min(t), tf.reduce_max(t)), out
        )

    layer.call = rounded
    try:
        yield model
    finally:
        layer.call = call


@contextmanager
def _shrunk(model: KerasModel, x: Array, found: Channels, removed: Ids) -> Iterator[Any]:
    """The model without some channels, biases and statistics corrected."""
    keep = found.all_kept()
    keep[removed] = False
    smaller = shrink(model, found, keep)
    correct(model, smaller, found, keep, x)
    yield smaller


_SCALED_ALONG: Mapping[str, tuple[int, ...]] = {"depthwise": (-2, -1), "transposed": (-2,)}
"""Axes of output channels of a kernel, where they are not the last, by how the layer passes channels on."""


def _rounded_per_channel(kernel: Array, *, kept: tuple[int, ...]) -> Array:
    """Symmetric int8 with one scale for each output channel, as the converter stores kernels."""
    axes = tuple(a for a in range(kernel.ndim) if a - kernel.ndim not in kept)
    scale = np.maximum(np.abs(kernel).max(axis=axes, keepdims=True), 1e-12) / 127
    rounded: Array = np.round(kernel / scale) * scale
    return rounded


def _outputs(model: KerasModel, x: Array) -> Array:
    """Run eagerly, so that a layer whose call is replaced runs as it is now; softmax outputs as centred logits."""
    out: Array = np.concatenate([np.asarray(model(x[i : i + BATCH], training=False)) for i in range(0, len(x), BATCH)])
    if out.ndim == 2 and out.shape[1] > 1 and np.all(out >= 0) and np.allclose(out.sum(axis=1), 1, atol=1e-3):
        logits = np.log(np.maximum(out, 1e-7))
        return np.asarray(logits - logits.mean(axis=1, keepdims=True))
    return out


def _sqnr(reference: Array, outputs: Array) -> float:
    error = float(np.sum((reference - outputs) ** 2, dtype=np.float64))
    power = float(np.sum(reference**2, dtype=np.float64))
    return min(_LIMIT, 10 * np.log10(power / error)) if error > 0 and power > 0 else _LIMIT


def _score(outputs: Array, y: Array | None) -> float | None:
    if y is None:
        return None
    chosen = outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else outputs[..., 0] > 0.5
    return float(np.mean(chosen == y))
