"""The same function in layers whose integer form is known: separable and one-dimensional convolutions and activations
inside layers are taken apart, so that every value that a file stores is the output of a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgekit import _tf
from edgekit.keras.bridge.replay import Names, Step
from edgekit.keras.kinds import kind_of
from edgekit.keras.rewriting import Copies, replayed, reserved_names
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor
from edgekit.methods.quantize.kinds import activation_name, is_fused_relu
from edgekit.tensors import Array

__all__ = ["TAKEN_APART", "Canonical", "canonical"]

Call = Callable[[Any], Any]
INSIDE = ("linear", "relu", "relu6")
"""Activations that may stay inside a layer: the converter fuses them."""


@dataclass(frozen=True)
class Canonical:
    """A rewritten model.

    Attributes:
        model: tf_keras Functional model with copies of layers and weights.
        parts: "layer/weight" of the old model -> "layer/weight" of the new one, where the name changed.
        ends: Name of the last of a layer's parts -> name of that layer.
    """

    model: KerasModel
    parts: dict[str, str]
    ends: dict[str, str]


def canonical(model: KerasModel, keep: Callable[[Any], bool]) -> Canonical:
    """Take layers apart.

    Args:
        model: A flat tf_keras model.
        keep: Which layers stay as they are.
    """
    names = reserved_names(model)
    rewriter = _Rewriter(keep, names, Copies(names))
    return Canonical(replayed(model, rewriter.call), rewriter.parts, rewriter.ends)


@dataclass
class _Rewriter:
    keep: Callable[[Any], bool]
    names: Names
    copies: Copies
    parts: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    calls: dict[int, Call | None] = field(default_factory=dict)
    spread: dict[int, Any] = field(default_factory=dict)
    """One-dimensional tensor -> the two-dimensional one that it was reshaped from."""

    def call(self, step: Step) -> Any:
        layer = step.operation
        if self.keep(layer) or len(step.args) != 1 or step.kwargs:
            return self.copies.call(step)
        tensor = step.args[0]
        if id(layer) not in self.calls:
            self.calls[id(layer)] = self._apart(layer)
        call = self.calls[id(layer)]
        if call is not None:
            return call(tensor)
        foldable = kind_of(layer).is_batch_norm or is_fused_relu(layer)
        if id(tensor) in self.spread and foldable and id(layer) not in self.copies.made:
            return self._on_two_dimensions(layer, tensor, step.training)
        return self.copies.call(step)

    def _apart(self, layer: KerasLayer) -> Call | None:
        return TAKEN_APART.get(type(layer).__name__, _Rewriter._split)(self, layer)

    def _split(self, layer: KerasLayer) -> Call | None:
        """A layer and its activation, where the converter would not fuse it."""
        if not kind_of(layer).rounded or activation_name(layer) in INSIDE:
            return None
        linear = type(layer).from_config({**layer.get_config(), "activation": "linear"})
        return _chain([(linear, layer.get_weights()), *self._ending(layer)])

    def _ending(self, layer: KerasLayer) -> list[tuple[Any, Any]]:
        """The activation that a layer ends in, as a layer of its own."""
        if activation_name(layer) == "linear":
            return []
        activation = _tf.tf_keras().layers.Activation(layer.activation, name=self._name(layer, "activation"))
        self.ends[activation.name] = layer.name
        made = self._swish(activation)
        return [(made or activation, None)]

    def _swish(self, layer: KerasLayer) -> Call | None:
        """x * sigmoid(x), which the converter makes LOGISTIC and MUL."""
        if activation_name(layer) not in ("swish", "silu"):
            return None
        layers = _tf.tf_keras().layers
        gate = layers.Activation("sigmoid", name=self._name(layer, "sigmoid"))
        product = layers.Multiply(name=layer.name)
        return lambda x: product([x, gate(x)])

    def _conv1d(self, layer: KerasLayer) -> Call | None:
        """A convolution of 1 x k: the integer operator is the two-dimensional one anyway."""
        if layer.data_format != "channels_last" or None in layer.output_shape[1:] or layer.groups != 1:
            return None
        inside = activation_name(layer) in INSIDE
        convolution = _tf.tf_keras().layers.Conv2D(
            layer.filters,
            (1, *layer.kernel_size),
            strides=(1, *layer.strides),
            padding="valid" if layer.padding == "causal" else layer.padding,
            dilation_rate=(1, *layer.dilation_rate),
            activation=layer.activation if inside else None,
            use_bias=layer.use_bias,
            kernel_regularizer=layer.kernel_regularizer,
            name=layer.name,
        )
        kernel, *bias = layer.get_weights()
        return self._in_two_dimensions(
            layer, [(convolution, [kernel[None], *bias])], [] if inside else self._ending(layer)
        )

    def _separable1d(self, layer: KerasLayer) -> Call | None:
        if layer.data_format != "channels_last" or None in layer.output_shape[1:]:
            return None
        depthwise, pointwise, *bias = layer.get_weights()
        stride = layer.strides[0]
        if stride != 1 and layer.padding != "valid" and layer.padding != "causal":
            return None  # a stride over the height of 1, which is "same" too, keeps it; kept simple
        parts = self._separated(
            layer,
            (1, *layer.kernel_size),
            (stride, stride),
            (1, *layer.dilation_rate),
            depthwise[None],
            pointwise[None],
            bias,
        )
        return self._in_two_dimensions(layer, parts, self._ending(layer))

    def _separable2d(self, layer: KerasLayer) -> Call | None:
        if layer.data_format != "channels_last":
            return None
        depthwise, pointwise, *bias = layer.get_weights()
        parts = self._separated(
            layer, layer.kernel_size, layer.strides, layer.dilation_rate, depthwise, pointwise, bias
        )
        return _chain([*parts, *self._ending(layer)])

    def _separated(
        self,
        layer: KerasLayer,
        size: tuple[int, ...],
        strides: tuple[int, ...],
        dilation: tuple[int, ...],
        depthwise: Array,
        pointwise: Array,
        bias: list[Array],
    ) -> list[tuple[Any, Any]]:
        layers = _tf.tf_keras().layers
        first = layers.DepthwiseConv2D(
            size,
            strides=strides,
            padding="valid" if layer.padding == "causal" else layer.padding,
            depth_multiplier=layer.depth_multiplier,
            dilation_rate=dilation,
            use_bias=False,
            depthwise_regularizer=layer.depthwise_regularizer,
            name=self._name(layer, "depthwise"),
        )
        second = layers.Conv2D(
            layer.filters,
            1,
            use_bias=layer.use_bias,
            kernel_regularizer=layer.pointwise_regularizer,
            name=self._name(layer, "pointwise"),
        )
        self.parts[f"{layer.name}/depthwise_kernel"] = f"{first.name}/depthwise_kernel"
        self.parts[f"{layer.name}/pointwise_kernel"] = f"{second.name}/kernel"
        self.ends[second.name] = layer.name
        return [(first, [depthwise]), (second, [pointwise, *bias])]

    def _in_two_dimensions(
        self, layer: KerasLayer, parts: list[tuple[Any, Any]], ending: list[tuple[Any, Any]]
    ) -> Call:
        layers = _tf.tf_keras().layers
        before: list[tuple[Any, Any]] = []
        length = int(layer.input_shape[1])
        if layer.padding == "causal":
            pad = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
            before.append((layers.ZeroPadding1D((pad, 0), name=self._name(layer, "padding")), None))
            length += pad
        shape = (1, length, int(layer.input_shape[-1]))
        before.append((layers.Reshape(shape, name=self._name(layer, "expand")), None))
        convolve = _chain([*before, *parts])
        squeeze = layers.Reshape(tuple(layer.output_shape[1:]), name=self._name(layer, "squeeze"))
        finish = _chain(ending)

        def call(x: KerasTensor) -> Any:
            wide = convolve(x)
            narrow = squeeze(wide)
            if not ending:
                self.spread[id(narrow)] = (wide, narrow)  # holds the tensor too, so that its id stays its own
            return finish(narrow)

        return call

    def _on_two_dimensions(self, layer: KerasLayer, tensor: KerasTensor, training: bool | None) -> Any:
        """Normalisation and ReLU before the reshape back, where the converter folds and fuses them."""
        wide, _ = self.spread[id(tensor)]
        config = layer.get_config()
        if "axis" in config:
            config["axis"] = -1
        copy = type(layer).from_config(config)
        kwargs = {"training": training} if training is not None and layer._call_spec.expects_training_arg else {}
        wider = copy(wide, **kwargs)
        copy.set_weights(layer.get_weights())
        squeeze = _tf.tf_keras().layers.Reshape(tuple(tensor.shape[1:]), name=self._name(layer, "squeeze"))
        narrow = squeeze(wider)
        self.spread[id(narrow)] = (wider, narrow)
        self.ends[squeeze.name] = layer.name
        return narrow

    def _name(self, layer: KerasLayer, part: str) -> str:
        return self.names.fresh(f"{layer.name}_{part}")


def _chain(parts: list[tuple[Any, Any]]) -> Call:
    """Calls one after another; the weights given are set once the layer has them."""
    pending = dict(enumerate(parts))

    def call(x: KerasTensor) -> Any:
        for i, (part, _) in enumerate(parts):
            x = part(x)
            weights = pending.pop(i, (None, None))[1]
            if weights is not None:
                part.set_weights(weights)
        return x

    return call


TAKEN_APART: Mapping[str, Callable[[_Rewriter, Any], Call | None]] = {
    "Activation": _Rewriter._swish,
    "Conv1D": _Rewriter._conv1d,
    "SeparableConv1D": _Rewriter._separable1d,
    "SeparableConv2D": _Rewriter._separable2d,
}
"""Kinds that are written as others, and what does it."""
