"""A network as plain data: what each layer is, what it reads, and what comes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

__all__ = ["Description", "Layer", "Option", "Shape"]

Shape = tuple[int, ...]
"""Of one sample, without batch; images are HWC."""
Option = str | int | float | bool | tuple[int, ...] | None


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: As the Keras model has it.
        kind: The name of the Keras class, such as "Conv2D".
        inputs: Names of the layers that it reads.
        options: As the Keras class takes them; `l2` stands for a kernel regulariser.
        output_shape: What comes out.
        macs: Multiply-accumulates of one sample, as `edgekit.keras.macs` counts them.
        parameters: Trained ones and statistics, as Keras counts them.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))
    output_shape: Shape = ()
    macs: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class Description:
    """A network with one input and one output; the last layer gives the output.

    Attributes:
        name: Of the family.
        input_shape: Of one sample.
        classes: Width of the output, where the network tells classes.
        layers: Each after those that it reads; the first is the input.
        sequential: Whether Keras has it as a Sequential model.
    """

    name: str
    input_shape: Shape
    classes: int
    layers: tuple[Layer, ...]
    sequential: bool = False

    @property
    def output_shape(self) -> Shape:
        """Of the last layer."""
        return self.layers[-1].output_shape

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(layer.macs for layer in self.layers)

    @cached_property
    def parameters(self) -> int:
        """Of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def sha256(self) -> str:
        """Of all that decides the model that is built."""
        told = [[y.name, y.kind, y.inputs, sorted(y.options.items()), y.output_shape] for y in self.layers]
        whole = [self.name, self.classes, self.sequential, told]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()
