"""How many products each kind of layer computes: the rules that the table of layer kinds names.

A rule takes a layer, the shapes of its inputs and outputs without the batch, and the heads of attention in place of its
own. An open axis is None, which does not multiply: a rule raises a TypeError there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from edgekit.keras.types import KerasLayer

__all__ = [
    "MacRule",
    "Shape",
    "attention",
    "convolution",
    "dense",
    "depthwise",
    "einsum",
    "local",
    "looked_up",
    "recurrent",
    "recurrent_convolution",
    "separable",
    "transposed",
]

Shape = tuple[int, ...]
MacRule = Callable[[KerasLayer, list[Shape], list[Shape], int | None], int]


def dense(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """MACs of a matrix product."""
    return math.prod(x[0]) * y[0][-1]


def convolution(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """MACs of a convolution: kernel elements for each output value."""
    return math.prod(y[0]) * math.prod(layer.kernel_size) * (x[0][-1] // layer.groups)


def transposed(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """MACs of a transposed convolution: kernel elements for each input value."""
    return math.prod(x[0]) * math.prod(layer.kernel_size) * y[0][-1]  # each input is spread over the filter


def depthwise(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """MACs of a depthwise convolution."""
    return math.prod(y[0][:-1]) * math.prod(layer.kernel_size) * x[0][-1] * layer.depth_multiplier


def separable(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """MACs of a depthwise convolution and the 1x1 convolution after it."""
    wide = x[0][-1] * layer.depth_multiplier
    return math.prod(y[0][:-1]) * (math.prod(layer.kernel_size) * wide + wide * y[0][-1])


def local(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """A convolution with a kernel of its own at every place."""
    return math.prod(y[0]) * math.prod(layer.kernel_size) * x[0][-1]


def einsum(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """Every value of the input meets every axis of the kernel that it does not share."""
    given, kernel = layer.equation.replace(" ", "").partition("->")[0].split(",")
    own = [size for letter, size in zip(kernel, layer.kernel.shape, strict=True) if letter not in given]
    return math.prod(x[0]) * math.prod(int(size) for size in own)


def attention(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """MACs of projections, scores and weighted sums."""
    config = layer.get_config()
    key_width, heads = config["key_dim"], config["num_heads"] if heads is None else heads
    value_width = config["value_dim"] or key_width
    query, value, key = x
    steps, memory = math.prod(query[:-1]), math.prod(value[:-1])
    projections = math.prod(query) * key_width + math.prod(key) * key_width + math.prod(value) * value_width
    mixed = steps * memory * (key_width + value_width)
    return int(heads * (projections + mixed + steps * value_width * y[0][-1]))


def recurrent(gates: int) -> MacRule:
    """Of a layer whose cell has this many gates, each of which reads the input and the state."""

    def rule(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
        return math.prod(x[0][:-1]) * gates * layer.units * (x[0][-1] + layer.units)

    return rule


def recurrent_convolution(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """Four gates, each a convolution of the input and one of the state, at every step."""
    places = y[0][-1 - len(layer.kernel_size) : -1]
    window = math.prod(places) * math.prod(layer.kernel_size)
    return x[0][0] * window * 4 * layer.filters * (x[0][-1] + layer.filters)


def looked_up(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    """A layer that has a kernel and multiplies nothing by it."""
    return 0
