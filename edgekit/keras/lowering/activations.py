"""Activations written with operators that integer kernels have, for integer files.

softsign divides, and integer kernels refuse to where the stored divisor is 0, whatever it stands for. SELU, and ELU
with another alpha than 1, choose by comparisons, which TensorFlow's converter leaves in float or gives a poor scale.
The same values come of RSQRT, ELU and LEAKY_RELU. A masked softmax adds -1e9 to what does not count, and 255 steps from
there to zero leave nothing of the scores; a smaller number does as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgekit import _tf
from edgekit.keras.cloning import cloned
from edgekit.keras.lowering.recurrent import recurrent_layers
from edgekit.keras.types import KerasModel, KerasTensor

__all__ = ["REWRITTEN", "rewrite_activations", "with_integer_activations"]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Of Klambauer et al. 2017 (arXiv:1706.02515, equation 2), as Keras has them."""

BELOW = 32.0
"""How far below the least score masked ones are put: exp(-32) is far below the step of a softmax of 8 or 16 bits."""


def _elu(x: KerasTensor) -> Any:
    return _tf.tensorflow().nn.elu(x)


def _scaled_elu(alpha: float, scale: float = 1.0) -> Callable[[Any], Any]:
    """scale * (x above zero, alpha * (exp(x) - 1) below)."""

    def activation(x: KerasTensor) -> Any:
        leaky = _tf.tensorflow().nn.leaky_relu(_elu(x), alpha=alpha)
        return leaky * scale if scale != 1 else leaky

    return activation


def _softsign(x: KerasTensor) -> Any:
    """x / (1 + |x|), the reciprocal by the inverse square root of a square."""
    math = _tf.tensorflow().math
    divisor = 1.0 + math.abs(x)
    return x * math.rsqrt(divisor * divisor)  # MUL, because the converter leaves SQUARE in float


def _masked_softmax(axis: int, robust: bool) -> Callable[..., Any]:
    """Keras's Softmax with a mask, of the shape of what it takes or one that is broadcast to it."""

    def call(inputs: KerasTensor, mask: Any = None) -> Any:
        tf = _tf.tensorflow()
        if mask is not None and mask.dtype != tf.bool:
            mask = mask > 0.5 if robust else tf.cast(mask, inputs.dtype) >= 1.0
        return tf.nn.softmax(_without_masked(inputs, mask, axis), axis=axis)

    return call


def _attended(
    scores: KerasTensor, value: KerasTensor, scores_mask: KerasTensor | None = None, training: bool | None = None
) -> tuple[Any, Any]:
    """What Attention and AdditiveAttention make of their scores [N, Tq, Tv] and values [N, Tv, dim], in inference."""
    tf = _tf.tensorflow()
    weights = tf.nn.softmax(_without_masked(scores, scores_mask, -1))
    return tf.matmul(weights, value), weights


def _without_masked(scores: KerasTensor, mask: KerasTensor | None, axis: int) -> Any:
    """Scores in which all masked ones are the same, so that a row without any other one is uniform, as in Keras."""
    tf = _tf.tensorflow()
    if mask is None:
        return scores
    return tf.where(mask, scores, tf.reduce_min(scores, axis=axis, keepdims=True) - BELOW)


REWRITTEN: dict[str, Callable[[Any], Any]] = {"selu": _scaled_elu(SELU_ALPHA, SELU_SCALE), "softsign": _softsign}
"""By the name of Keras's function."""


def with_integer_activations(model: KerasModel) -> Any:
    """The same function, with activations that integer kernels have.

    Args:
        model: A flat tf_keras model.

    Returns:
        A copy, or the model itself where there is nothing to rewrite.
    """
    if not any(True for _ in _places(model)):
        return model
    copy = cloned(model, lambda layer: None)
    rewrite_activations(copy)
    return copy


def rewrite_activations(model: KerasModel) -> None:
    """Change the activations of a model of the caller's own."""
    for holder, name, function in list(_places(model)):
        setattr(holder, name, function)


def _places(model: KerasModel) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    """Who holds an activation under which name, and what to put there."""
    layers, masked = _tf.tf_keras().layers, _masks(model)
    for holder in _holders(model):
        if isinstance(holder, layers.RNN):  # which shows what its cell holds
            continue
        for name in ("activation", "recurrent_activation"):
            known = getattr(getattr(holder, name, None), "__name__", "")
            if known in REWRITTEN:
                yield holder, name, REWRITTEN[known]
        if type(holder) is layers.ELU and float(holder.alpha) != 1 and float(holder.alpha) > 0:
            yield holder, "call", _scaled_elu(float(holder.alpha))
        if not masked:
            continue
        if getattr(type(holder), "_apply_scores", None) is layers.Attention._apply_scores:
            yield holder, "_apply_scores", _attended
        softmax = getattr(holder, "_softmax", holder)  # of MultiHeadAttention
        if type(softmax) is layers.Softmax and (axis := _single(softmax.axis)) is not None:
            yield softmax, "call", _masked_softmax(axis, bool(getattr(softmax, "robust_masking", False)))


def _masks(model: KerasModel) -> bool:
    """Whether a mask may reach a layer: from an Embedding, Masking, or by a word of a call."""
    calls = (node.call_kwargs for layer in model.layers for node in layer.inbound_nodes)
    told = (value for words in calls for word, value in words.items() if "mask" in word)
    makes = (type(layer).__name__ == "Masking" or getattr(layer, "mask_zero", False) for layer in model.layers)
    return any(makes) or any(value is not None and value is not False for value in told)


def _single(axis: int | Sequence[int]) -> int | None:
    if isinstance(axis, int):
        return axis
    return axis[0] if len(axis) == 1 else None


def _holders(model: KerasModel) -> Iterator[Any]:
    """Layers, what wrappers hold, cells of recurrent layers, and TF-MOT's activations."""
    waiting = [*model.layers, *(layer.cell for layer in recurrent_layers(model))]
    while waiting:
        item = waiting.pop()
        yield item
        inner = [getattr(item, name, None) for name in ("layer", "activation")]
        waiting += [part for part in inner if part is not None and hasattr(part, "__dict__") and _holds(part)]
        waiting += list(getattr(item, "cells", []))


def _holds(part: Any) -> bool:
    return hasattr(part, "activation") or hasattr(part, "layer") or type(part) is _tf.tf_keras().layers.ELU
