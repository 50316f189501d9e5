"""Drawing: writes a description layer by layer, and works out shapes, MACs and parameters on the way.

Each method adds one layer and gives back its name, which the next ones take as what they read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgekit.keras.plain.description import Description, Layer, Option, Shape

__all__ = ["Drawing"]

Size = int | tuple[int, int]


class Drawing:
    """A network that is being described.

    Args:
        name: Of the family.
        input_shape: Of one sample.
        classes: Width of the output.
        input_name: Of the input layer.

    Raises:
        ValueError: An axis of the input is open or empty; so do all methods where a layer does not fit its input.
    """

    def __init__(self, name: str, input_shape: Shape, classes: int, input_name: str) -> None:
        if not input_shape or not all(isinstance(size, int) and size > 0 for size in input_shape):
            raise ValueError(f"every axis of the input has a size of 1 or more, not {list(input_shape)}")
        self._name, self._input_shape, self._classes = name, tuple(input_shape), classes
        self._layers: list[Layer] = []
        self._shapes: dict[str, Shape] = {}
        self.input = self._add(input_name, "InputLayer", (), {}, self._input_shape)

    def shape(self, name: str) -> Shape:
        """What comes out of a layer."""
        return self._shapes[name]

    def description(self, *, sequential: bool = False) -> Description:
        """What was drawn; the last layer gives the output."""
        return Description(self._name, self._input_shape, self._classes, tuple(self._layers), sequential)

    def conv(
        self,
        x: str,
        filters: int,
        kernel: Size,
        name: str,
        *,
        stride: Size = 1,
        padding: str = "valid",
        dilation: Size = 1,
        bias: bool = True,
        activation: str | None = None,
        initializer: str | None = None,
        l2: float | None = None,
    ) -> str:
        """A Conv2D; `l2` regularises its kernel."""
        height, width, channels = self._image(x, name)
        size = _pair(kernel)
        places = _places((height, width), size, _pair(stride), _pair(dilation), padding, name)
        options: dict[str, Option] = {"filters": filters, "kernel_size": size, "strides": _pair(stride)}
        options |= {"padding": padding, "use_bias": bias}
        if _pair(dilation) != (1, 1):
            options["dilation_rate"] = _pair(dilation)
        if activation is not None:
            options["activation"] = activation
        if initializer is not None:
            options["kernel_initializer"] = initializer
        if l2 is not None:
            options["l2"] = l2
        weights = size[0] * size[1] * channels * filters
        macs, biases = places[0] * places[1] * weights, filters if bias else 0
        return self._add(name, "Conv2D", (x,), options, (*places, filters), macs, weights + biases)

    def depthwise(
        self,
        x: str,
        kernel: Size,
        name: str,
        *,
        stride: Size = 1,
        padding: str = "valid",
        dilation: Size = 1,
        bias: bool = True,
    ) -> str:
        """A DepthwiseConv2D."""
        height, width, channels = self._image(x, name)
        size = _pair(kernel)
        places = _places((height, width), size, _pair(stride), _pair(dilation), padding, name)
        options: dict[str, Option] = {"kernel_size": size, "strides": _pair(stride), "padding": padding}
        options["use_bias"] = bias
        if _pair(dilation) != (1, 1):
            options["dilation_rate"] = _pair(dilation)
        weights = size[0] * size[1] * channels
        macs, biases = places[0] * places[1] * weights, channels if bias else 0
        return self._add(name, "DepthwiseConv2D", (x,), options, (*places, channels), macs, weights + biases)

    def dense(
        self,
        x: str,
        units: int,
        name: str,
        *,
        activation: str | None = None,
        bias: bool = True,
        initializer: str | None = None,
    ) -> str:
        """A Dense layer on a vector."""
        if len(self._shapes[x]) != 1:
            raise ValueError(f"the layer {name} reads a vector, not {list(self._shapes[x])}")
        options: dict[str, Option] = {"units": units, "use_bias": bias}
        if activation is not None:
            options["activation"] = activation
        if initializer is not None:
            options["kernel_initializer"] = initializer
        weights = self._shapes[x][0] * units
        return self._add(name, "Dense", (x,), options, (units,), weights, weights + (units if bias else 0))

    def norm(self, x: str, name: str, *, momentum: float | None = None) -> str:
        """A BatchNormalization over the last axis; without a momentum it has Keras's, 0.99."""
        shape = self._shapes[x]
        options: dict[str, Option] = {} if momentum is None else {"momentum": momentum}
        return self._add(name, "BatchNormalization", (x,), options, shape, 0, 4 * shape[-1])

    def relu(self, x: str, name: str, *, most: float | None = None) -> str:
        """A ReLU, cut off at `most` where that is given."""
        return self._add(name, "ReLU", (x,), {} if most is None else {"max_value": most}, self._shapes[x])

    def add(self, x: str, y: str, name: str) -> str:
        """The sum of two layers of one shape."""
        if self._shapes[x] != self._shapes[y]:
            raise ValueError(f"the layer {name} adds equal shapes, not {self._shapes[x]} and {self._shapes[y]}")
        return self._add(name, "Add", (x, y), {}, self._shapes[x])

    def dropout(self, x: str, rate: float, name: str) -> str:
        """A Dropout."""
        return self._add(name, "Dropout", (x,), {"rate": rate}, self._shapes[x])

    def max_pool(self, x: str, name: str, *, size: Size = 2) -> str:
        """A MaxPooling2D whose windows lie side by side."""
        return self._pooled(x, "MaxPooling2D", name, _pair(size))

    def average_pool(self, x: str, name: str, *, size: Size = 2) -> str:
        """An AveragePooling2D whose windows lie side by side."""
        return self._pooled(x, "AveragePooling2D", name, _pair(size))

    def global_pool(self, x: str, name: str) -> str:
        """A GlobalAveragePooling2D."""
        return self._add(name, "GlobalAveragePooling2D", (x,), {}, self._image(x, name)[2:])

    def zero_pad(self, x: str, rows: tuple[int, int], columns: tuple[int, int], name: str) -> str:
        """A ZeroPadding2D: rows above and below, columns on the left and on the right."""
        height, width, channels = self._image(x, name)
        options: dict[str, Option] = {"rows": rows, "columns": columns}
        return self._add(name, "ZeroPadding2D", (x,), options, (height + sum(rows), width + sum(columns), channels))

    def flatten(self, x: str, name: str) -> str:
        """A Flatten."""
        return self._add(name, "Flatten", (x,), {}, (math.prod(self._shapes[x]),))

    def reshape(self, x: str, shape: Shape, name: str) -> str:
        """A Reshape."""
        if math.prod(shape) != math.prod(self._shapes[x]):
            raise ValueError(f"the layer {name} keeps the number of values, {self._shapes[x]} against {shape}")
        return self._add(name, "Reshape", (x,), {"target_shape": shape}, shape)

    def _pooled(self, x: str, kind: str, name: str, size: tuple[int, int]) -> str:
        height, width, channels = self._image(x, name)
        places = _places((height, width), size, size, (1, 1), "valid", name)
        return self._add(name, kind, (x,), {"pool_size": size}, (*places, channels))

    def _image(self, x: str, name: str) -> Shape:
        if len(self._shapes[x]) != 3:
            raise ValueError(f"the layer {name} reads height, width and channels, not {list(self._shapes[x])}")
        return self._shapes[x]

    def _add(
        self,
        name: str,
        kind: str,
        inputs: tuple[str, ...],
        options: Mapping[str, Option],
        shape: Shape,
        macs: int = 0,
        parameters: int = 0,
    ) -> str:
        if name in self._shapes:
            raise ValueError(f"layers have names of their own, and {name} is there twice")
        self._layers.append(Layer(name, kind, inputs, options, shape, macs, parameters))
        self._shapes[name] = shape
        return name


def _pair(size: Size) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _places(
    sizes: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: str,
    name: str,
) -> tuple[int, int]:
    """Height and width of what a window gives that moves over an image."""
    if padding == "same":
        return -(-sizes[0] // stride[0]), -(-sizes[1] // stride[1])
    reach = (dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1)
    if reach[0] > sizes[0] or reach[1] > sizes[1]:
        raise ValueError(f"the layer {name} has a window of {list(reach)}, its input {list(sizes)}")
    return (sizes[0] - reach[0]) // stride[0] + 1, (sizes[1] - reach[1]) // stride[1] + 1
