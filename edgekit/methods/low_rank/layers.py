"""Trainable low-rank layers, to build a model from: it is trained as it is and shipped as plain layers.

This module loads tf_keras: only functions import it. That registers the classes, so that files with such layers load.
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError, did_you_mean
from edgekit.keras.types import KerasTensor, Shape
from edgekit.methods.low_rank.forms import FORMS, Factor, Form, Geometry, Rank
from edgekit.methods.low_rank.rebuild import plain_layers

__all__ = ["LowRank", "LowRankConv2D", "LowRankDense"]

keras = _tf.tf_keras()


class LowRank(keras.layers.Layer):  # type: ignore[misc, name-defined]
    """What both have in common: a chain of plain layers, made when the input's shape is known."""

    factors: list[Any]

    def _make(self, factors: tuple[Factor, ...], shape: Shape) -> None:
        self.factors = plain_layers(factors, self.name, self.get_config())
        for layer in self.factors:
            with keras.backend.name_scope(layer.name):
                layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: KerasTensor) -> Any:
        """The layer's output."""
        for layer in self.factors:
            inputs = layer(inputs)
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """The shape of the output, with the batch."""
        if not self.built:
            self.build(input_shape)
        for layer in self.factors:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def _common(self) -> dict[str, Any]:
        return {
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

    def _keep(self, activation: Any, use_bias: bool, kernel: Any, bias: Any, regularizer: Any) -> None:
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel)
        self.bias_initializer = keras.initializers.get(bias)
        self.kernel_regularizer = keras.regularizers.get(regularizer)


@keras.utils.register_keras_serializable("edgekit")
class LowRankDense(LowRank):
    """A dense layer whose kernel is a product [in, rank] x [rank, units].

    Args:
        units: Width of the output.
        rank: Inner width, at most min(in, units).
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: As in Dense; the initializer
            and the regularizer are those of both kernels.
        name, trainable, dtype: As in every layer.
    """

    def __init__(
        self,
        units: int,
        rank: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.units, self.rank = units, rank
        self._keep(activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer)

    def build(self, input_shape: Shape) -> None:
        """Make the factors."""
        geometry = Geometry((1, 1), int(input_shape[-1]), self.units, dense=True)
        self._make(geometry.factors("svd", geometry.rank("svd", self.rank)), input_shape)

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to make the layer again."""
        return {**super().get_config(), "units": self.units, "rank": self.rank, **self._common()}


@keras.utils.register_keras_serializable("edgekit")
class LowRankConv2D(LowRank):
    """A convolution made of a chain of smaller ones, NHWC.

    Args:
        filters: Channels of the output.
        kernel_size: One number or (height, width).
        rank: Inner width; for tucker also (in, out), for separable the depth multiplier.
        method: spatial, tucker, cp, cp_split or separable; svd for a 1x1 kernel, where it is the only one.
        strides, padding, dilation_rate: As in Conv2D.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: As in Conv2D; the
            initializer and the regularizer are those of all kernels.
        name, trainable, dtype: As in every layer.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        rank: int | tuple[int, int],
        method: str = "spatial",
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        dilation_rate: int | tuple[int, int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if method not in FORMS:
            raise ModelError("Unknown method.", received=repr(method), remedy=did_you_mean(method, FORMS))
        self.filters, self.kernel_size, self.method = filters, _pair(kernel_size), method
        self.rank = rank if isinstance(rank, int) else tuple(rank)
        self.strides, self.padding, self.dilation_rate = _pair(strides), padding, _pair(dilation_rate)
        self._keep(activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer)

    def build(self, input_shape: Shape) -> None:
        """Make the factors."""
        geometry = Geometry(
            self.kernel_size, int(input_shape[-1]), self.filters, self.strides, self.padding, self.dilation_rate
        )
        form = _form(geometry, self.method, self.name)
        rank: Rank = geometry.rank(form, self.rank)
        self._make(geometry.factors(form, rank), input_shape)

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to make the layer again."""
        own = ("filters", "kernel_size", "rank", "method", "strides", "padding", "dilation_rate")
        return {**super().get_config(), **{k: getattr(self, k) for k in own}, **self._common()}


def _form(geometry: Geometry, method: str, name: str) -> Form:
    found = geometry.forms(method)
    if not found:
        raise ModelError(
            f"The layer {name!r} must have a form of its method.",
            received=f"method {method!r}, kernel {geometry.kernel}, strides {geometry.strides}",
            remedy=f"Choose one of: {', '.join(geometry.forms())}.",
        )
    return found[0]


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
