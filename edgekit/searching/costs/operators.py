"""The operators of a candidate's int8 `.tflite`, worked out from its description as TensorFlow's converter fuses them.

Batch normalisation is folded into the product before it, an activation into what gives its input, dropout vanishes; a
softmax is an operator of its own. Names of tensors are part of a small file's bytes, so they are worked out, too.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from edgekit.keras.plain import Description, Layer

__all__ = ["Graph", "Operator", "operators_of"]

_OWN = {
    "MaxPooling2D": ("MAX_POOL_2D", "MaxPool"),
    "AveragePooling2D": ("AVERAGE_POOL_2D", "AvgPool"),
    "GlobalAveragePooling2D": ("MEAN", "Mean"),
    "Flatten": ("RESHAPE", "Reshape"),
    "Reshape": ("RESHAPE", "Reshape"),
    "ZeroPadding2D": ("PAD", "Pad"),
    "Add": ("ADD", "add"),
}
_PRODUCTS = {
    "Conv2D": ("CONV_2D", "Conv2D"),
    "DepthwiseConv2D": ("DEPTHWISE_CONV_2D", "depthwise"),
    "Dense": ("FULLY_CONNECTED", "MatMul"),
}


@dataclass
class Operator:
    """One operator.

    Attributes:
        kind: As `.tflite` calls it.
        inputs: Numbers of the activations that it reads.
        output: Number of the activation that it gives.
        places: Elements of the output without its channels.
        channels: Of the output.
        macs: Multiply-accumulates.
        window: Height and width of what it reads for one place.
        weights: Elements of its weights, a byte each.
        constant: What its small constant holds; equal ones are kept once.
        names: Bytes of the names of its weights, biases and output.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    places: int = 1
    channels: int = 1
    macs: int = 0
    window: tuple[int, int] = (1, 1)
    weights: int = 0
    constant: tuple[object, ...] | None = None
    names: int = 0


@dataclass
class Graph:
    """All operators of a file, in order.

    Attributes:
        sizes: Bytes of each activation; the first is the input, the last operator gives the output.
        operators: In the order in which they run.
    """

    sizes: list[int] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)

    @property
    def constants(self) -> int:
        """Small constants, such as shapes and paddings."""
        return len({operator.constant for operator in self.operators if operator.constant})

    @property
    def tensors(self) -> int:
        """Activations, weights, biases and constants."""
        return len(self.sizes) + 2 * sum(operator.weights > 0 for operator in self.operators) + self.constants

    def spans(self) -> list[tuple[int, int]]:
        """Of each activation, the steps between which it is needed; the input from the start, the output to the end."""
        first, last = [0] * len(self.sizes), [0] * len(self.sizes)
        for step, operator in enumerate(self.operators):
            first[operator.output] = last[operator.output] = step
            for tensor in operator.inputs:
                last[tensor] = step
        return list(zip(first, last, strict=True))


def operators_of(description: Description) -> Graph:
    """The operators of the int8 file.

    Raises:
        KeyError: A layer of a kind that descriptions do not have.
    """
    return _Reader(description).graph


class _Reader:
    """Goes through the layers once; an operator is open as long as layers after it may be fused into it."""

    def __init__(self, description: Description) -> None:
        self.graph = Graph()
        self._prefix = len(description.name) + 1
        self._readers = Counter(name for layer in description.layers for name in layer.inputs)
        self._at: dict[str, int] = {}
        """By layer, the number of its activation."""
        self._made: dict[str, Operator] = {}
        """By layer, the operator that gives its activation, where nothing else reads it."""
        for layer in description.layers:
            self._read(layer)

    def _read(self, layer: Layer) -> None:
        if layer.kind == "InputLayer":
            self._at[layer.name] = self._tensor(layer)
        elif layer.kind == "Dropout":
            self._pass_on(layer)
        elif layer.kind in ("BatchNormalization", "ReLU"):
            self._fused(layer)
        elif layer.kind in _PRODUCTS:
            self._product(layer)
        else:
            self._plain(layer)

    def _tensor(self, layer: Layer) -> int:
        self.graph.sizes.append(math.prod(layer.output_shape))
        return len(self.graph.sizes) - 1

    def _emit(self, layer: Layer, operator: Operator) -> None:
        self.graph.operators.append(operator)
        self._at[layer.name], self._made[layer.name] = operator.output, operator

    def _pass_on(self, layer: Layer) -> None:
        (source,) = layer.inputs
        self._at[layer.name] = self._at[source]
        if source in self._made and self._readers[source] == 1:
            self._made[layer.name] = self._made[source]

    def _fused(self, layer: Layer) -> None:
        (source,) = layer.inputs
        before = self._made.get(source)
        own = self._prefix + len(layer.name) + (17 if layer.kind == "BatchNormalization" else 5)
        takes = layer.kind == "ReLU" or (before is not None and before.weights > 0)
        if before is None or self._readers[source] > 1 or not takes:
            kind = "RELU" if layer.kind == "ReLU" else "MUL"
            self._emit(layer, self._operator(layer, kind, names=own))
            return
        dense = before.kind == "FULLY_CONNECTED"
        before.names += (2 if before.weights and not dense else 2 if dense else 1) * (own + 1)
        if before.kind == "DEPTHWISE_CONV_2D" and layer.kind == "BatchNormalization":
            before.names += own + 1  # its weights are scaled anew, and named after that
        self._pass_on(layer)

    def _product(self, layer: Layer) -> None:
        kind, said = _PRODUCTS[layer.kind]
        own = self._prefix + len(layer.name) + 1 + len(said)
        options = layer.options
        biased = bool(options.get("use_bias"))
        operator = self._operator(layer, kind, names=3 * own + 1)
        operator.macs, operator.window = layer.macs, _window(layer, "kernel_size")
        operator.weights = layer.parameters - (operator.channels if biased else 0)
        if biased:
            bias = self._prefix + len(layer.name) + 8
            operator.names += bias if kind == "FULLY_CONNECTED" else 2 * (2 * bias + 19)
        self._emit(layer, operator)
        if options.get("activation") == "softmax":
            self._at[layer.name] = self._tensor(layer)
            softmax = Operator("SOFTMAX", (operator.output,), self._at[layer.name], 1, operator.channels, names=25)
            self._emit(layer, softmax)

    def _plain(self, layer: Layer) -> None:
        kind, said = _OWN[layer.kind]
        operator = self._operator(layer, kind, names=self._prefix + len(layer.name) + 1 + len(said))
        operator.window = _window(layer, "pool_size")
        if kind in ("PAD", "RESHAPE", "MEAN"):
            operator.constant = (kind, *(value for _, value in sorted(layer.options.items())))
        self._emit(layer, operator)

    def _operator(self, layer: Layer, kind: str, *, names: int) -> Operator:
        inputs = tuple(self._at[name] for name in layer.inputs)
        shape = layer.output_shape
        return Operator(kind, inputs, self._tensor(layer), math.prod(shape[:-1]), shape[-1], names=names)


def _window(layer: Layer, option: str) -> tuple[int, int]:
    size = layer.options.get(option)
    return (size[0], size[1]) if isinstance(size, tuple) else (1, 1)
