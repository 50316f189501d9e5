"""Quantizers on TF-MOT's extension point. Those of activations serve while a model is trained and hand over to TF-MOT's
own afterwards, so that a saved model needs none of them; `DepthwiseConfig` stays in the model.

This module loads TF-MOT: only functions import it. Doing so registers the classes with tf_keras.
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasTensor, Shape
from edgekit.methods.tfmot import Ranges, internals

__all__ = ["DepthwiseConfig", "InputRange", "LearnedRange", "MovingRange"]

BITS = {"num_bits": 8, "per_axis": False, "symmetric": False, "narrow_range": False}
LEVELS = 255.0

keras, tf, mot = _tf.tf_keras(), _tf.tensorflow(), internals()
register = keras.utils.register_keras_serializable(package="edgekit")


class Observing:
    """Shows what passes through: in the mode "observe" values go through unrounded and their extremes are kept.

    Comes before one of TF-MOT's quantizers, whose ranges move in the mode "train" only.
    """

    mode = "train"

    def __init__(self, **config: Any) -> None:
        super().__init__(**(config or BITS))
        self.seen: list[tuple[float, float]] = []

    def __call__(self, inputs: KerasTensor, training: bool | None, weights: Ranges, **kwargs: Any) -> Any:
        if self.mode == "observe":
            self.seen.append((float(tf.reduce_min(inputs)), float(tf.reduce_max(inputs))))
            return inputs
        return super().__call__(inputs, training and self.mode == "train", weights, **kwargs)  # type: ignore[misc]


@register
class MovingRange(Observing, mot.quantizers.MovingAverageQuantizer):  # type: ignore[misc, name-defined]
    """TF-MOT's moving average of extremes, which can stand still."""


@register
class InputRange(Observing, mot.quantizers.AllValuesQuantizer):  # type: ignore[misc, name-defined]
    """TF-MOT's extremes of everything seen, for inputs."""


class Learned(mot.quantizers.Quantizer):  # type: ignore[misc, name-defined]
    """Trainable extremes: learned step size quantisation (Esser et al. 2020, arXiv:1902.08153, section 2.1), with
    an offset as TFLite's activations have one; the gradient is scaled as in section 2.2.
    """

    def __init__(self, **bits: Any) -> None:
        """It has 8 bits, whatever others are given."""

    def build(self, tensor_shape: Shape, name: str, layer: KerasLayer) -> dict[str, Any]:
        """Make the variables of the range."""
        return {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}", initializer=keras.initializers.Constant(value), trainable=True
            )
            for end, value in (("min", -6.0), ("max", 6.0))
        }

    def __call__(self, inputs: KerasTensor, training: bool | None, weights: Ranges, **kwargs: Any) -> Any:
        low, high = weights["min_var"], weights["max_var"]
        if not training:
            low, high = tf.stop_gradient(low), tf.stop_gradient(high)
        else:
            count = tf.cast(tf.size(inputs), inputs.dtype) / tf.cast(tf.shape(inputs)[0], inputs.dtype)
            slowed = 1.0 / tf.sqrt(count * LEVELS)
            low, high = _slowed(low, slowed), _slowed(high, slowed)
        low, high = tf.minimum(low, 0.0), tf.maximum(high, 0.0)  # zero must be a value: paddings and ReLUs
        scale = tf.maximum(high - low, 1e-6) / LEVELS
        zero = _rounded(-low / scale)
        level = tf.clip_by_value(inputs / scale + zero, 0.0, LEVELS)
        return (_rounded(level) - zero) * scale

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to make the quantizer again."""
        return {}


@register
class LearnedRange(Observing, Learned):
    """Trainable extremes, which can stand still."""


class DepthwiseWeights(mot.quantizers.LastValueQuantizer):  # type: ignore[misc, name-defined]
    """One scale for each output channel, as the operator has it; TF-MOT's own shares one among all channels."""

    def __init__(self) -> None:
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Shape, name: str, layer: KerasLayer) -> dict[str, Any]:
        """Make the variables of the range."""
        channels = int(tensor_shape[-2]) * int(tensor_shape[-1])
        return {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}",
                shape=(channels,),
                initializer=keras.initializers.Constant(value),
                trainable=False,
            )
            for end, value in (("min", -6.0), ("max", 6.0))
        }

    def __call__(self, inputs: KerasTensor, training: bool | None, weights: Ranges, **kwargs: Any) -> Any:
        height, width, channels, multiplier = inputs.shape
        flat = tf.reshape(inputs, (height, width, 1, channels * multiplier))
        return tf.reshape(super().__call__(flat, training, weights, **kwargs), inputs.shape)


@register
class DepthwiseConfig(mot.PerTensor):  # type: ignore[misc, name-defined]
    """A depthwise convolution, its kernel rounded by output channel."""

    def __init__(self, weight_attrs: list[str], activation_attrs: list[str], quantize_output: bool) -> None:
        super().__init__(weight_attrs, activation_attrs, quantize_output)
        self.weight_quantizer = DepthwiseWeights()


def _slowed(value: KerasTensor, factor: KerasTensor) -> Any:
    """The same value with its gradient multiplied by a factor."""
    return value * factor + tf.stop_gradient(value - value * factor)


def _rounded(value: KerasTensor) -> Any:
    """Rounded, with the gradient passing straight through."""
    return value + tf.stop_gradient(tf.round(value) - value)
