"""One operator where it stands: what kernels ask of it, and how they refuse it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgekit import tflite
from edgekit.errors import Finding
from edgekit.tflite.options import Options, Other
from edgekit_converters.c.fixed_point import Multiplier, activation_range, multiplier
from edgekit_converters.c.refused import Refused
from edgekit_converters.c.steps import Variable
from edgekit_converters.c.variables import Variables

__all__ = ["Refused", "Site"]

_Table = TypeVar("_Table", bound=Options)
_LONGEST = 60
"""Characters of a tensor's name in a message: converters join the names of all layers that an operator came from."""
_KNOWN = "Convert the model to int8, or replace the layer that becomes this operator."


@dataclass(frozen=True)
class Site:
    """One operator of a graph.

    Attributes:
        graph: The graph.
        place: The operator's place in it.
        variables: What the model keeps from run to run.
    """

    graph: tflite.Graph
    place: int
    variables: Variables = Variables()

    @property
    def operator(self) -> tflite.Operator:
        """The operator."""
        return self.graph.operators[self.place]

    @property
    def where(self) -> str:
        """How messages call it: its name, its place, and the tensor that it makes."""
        outputs = self.operator.outputs
        name = self.graph.tensors[outputs[0]].name if outputs else ""
        made = f", {name if len(name) <= _LONGEST else name[: _LONGEST - 3] + '...'!r}" if outputs else ""
        return f"{self.operator.name} (operator {self.place}{made})"

    def refused(self, rule: str, received: object = None, remedy: str = _KNOWN) -> Refused:
        """The error that says why there is no code for it."""
        return Refused(Finding(rule, received, remedy, self.where))

    def check(self, holds: bool, rule: str, received: object = None, remedy: str = _KNOWN) -> None:
        """Raise `Refused` unless the rule holds."""
        if not holds:
            raise self.refused(rule, received, remedy)

    def options(self, table: type[_Table]) -> _Table:
        """Its options, of the one type that it has.

        Raises:
            Refused: They are of another.
        """
        options = self.operator.options
        if not isinstance(options, table):
            raise self.refused(f"The operator has options of the kind {table.__name__}.", type(options).__name__)
        return options

    def input(self, number: int) -> tflite.Tensor:
        """An operand that must be there.

        Raises:
            Refused: It is left out.
        """
        tensor = self.optional(number)
        if tensor is None:
            raise self.refused(f"The operand {number} is there.", "an operator without it")
        return tensor

    def optional(self, number: int) -> tflite.Tensor | None:
        """An operand; None where it is left out."""
        inputs = self.operator.inputs
        there = number < len(inputs) and inputs[number] >= 0
        return self.graph.tensors[inputs[number]] if there else None

    def output(self, number: int = 0) -> tflite.Tensor:
        """A result."""
        self.check(number < len(self.operator.outputs), f"The result {number} is there.")
        return self.graph.tensors[self.operator.outputs[number]]

    def activation(self, number: int) -> tflite.Tensor:
        """An operand that is computed when the model runs.

        Raises:
            Refused: It is left out, or a constant.
        """
        tensor = self.input(number)
        self.check(tensor.data is None, f"The operand {number} is no constant.")
        return tensor

    def operand(self, number: int, *dtypes: str) -> tflite.Tensor:
        """An operand of one of these dtypes that is computed, or a constant that a kernel reads where it lies in flash.

        Raises:
            Refused: It is left out, sparse or of another dtype.
        """
        tensor = self.input(number)
        self.check(not tensor.sparse, f"The operand {number} is not sparse.")
        self.dtype(tensor, *dtypes)
        self.check(tensor.data is None or tensor.data.size == tensor.elements, f"The operand {number} is whole.")
        return tensor

    def constant(self, number: int, *dtypes: str) -> NDArray[np.generic]:
        """The values of an operand that the file holds, of one of these dtypes.

        Raises:
            Refused: It is left out, computed, sparse or of another dtype.
        """
        tensor = self.input(number)
        if tensor.data is None or tensor.sparse:
            raise self.refused(f"The operand {number} is a constant.", "a sparse tensor" if tensor.sparse else None)
        self.dtype(tensor, *dtypes)
        return tensor.data

    def variable(self, number: int, value: tflite.Tensor) -> tuple[int, Variable]:
        """The variable that an operand names, and its place among all; it holds what this tensor holds.

        Raises:
            Refused: The operand names none, or one of another shape or dtype.
        """
        handle, known = self.input(number), self.variables
        self.check(handle.index in known.handles, f"The operand {number} names a variable.", handle.name)
        place = known.handles[handle.index]
        variable = known.variables[place]
        fits = (variable.dtype, variable.initial.size) == (value.dtype, value.elements)
        self.check(fits, "A variable has the shape and dtype of its first value.", f"{value.dtype} {list(value.shape)}")
        return place, variable

    def fields(self, table: str) -> Mapping[str, object]:
        """Its options by the schema's names, of a table that has no class.

        Raises:
            Refused: They are of another table.
        """
        options = self.operator.options
        if not isinstance(options, Other) or options.table != table:
            raise self.refused(f"The operator has options of the kind {table}.", type(options).__name__)
        return options.fields

    def named_axis(self, table: str, rank: int) -> int:
        """An axis that its options name, of a table that has no class.

        Raises:
            Refused: There is no such dimension.
        """
        axis = self.fields(table).get("axis")
        if not isinstance(axis, int):
            raise self.refused("The axis is an integer.", axis)
        return self.axis(axis, rank)

    def axis(self, axis: int, rank: int) -> int:
        """A dimension that may count from the end, as one that counts from the beginning.

        Raises:
            Refused: There is no such dimension.
        """
        self.check(-rank <= axis < rank, f"An axis is one of {rank} dimensions.", axis)
        return axis % rank

    def alike(self, *tensors: tflite.Tensor) -> None:
        """What only moves values: all tensors have one dtype, and one scale and zero point where they have any.

        Raises:
            Refused: They differ.
        """
        first, *others = tensors
        for other in others:
            self.check(first.dtype == other.dtype, "Operands and results have one dtype.", [first.dtype, other.dtype])
            quants = [first.quant, other.quant]
            self.check(all(quants) or not any(quants), "Operands and results are quantised alike.", quants)
            if first.quant:
                scales = self.scale(first), self.scale(other)
                near = abs(scales[0] - scales[1]) <= 1e-6 * max(scales)
                same = near and self.zero_point(first) == self.zero_point(other)
                self.check(same, "Operands and results have one scale and zero point.", quants)

    def dtype(self, tensor: tflite.Tensor, *dtypes: str) -> str:
        """A tensor's dtype, which must be one of these.

        Raises:
            Refused: It is another.
        """
        self.check(tensor.dtype in dtypes, f"Tensors of this operator are {' or '.join(dtypes)}.", tensor.dtype)
        return tensor.dtype

    def scale(self, tensor: tflite.Tensor) -> float:
        """The one scale of a tensor: a float32, exactly.

        Raises:
            Refused: It has none, several, or one that no arithmetic can use.
        """
        scale = tensor.spec.scale
        if scale is None or not math.isfinite(scale):
            raise self.refused("Every tensor has one scale.", f"{tensor.name!r} with {tensor.quant}")
        return float(np.float32(scale))

    def zero_point(self, tensor: tflite.Tensor) -> int:
        """The one zero point of a tensor, which its dtype holds.

        Raises:
            Refused: It has none, or one outside its dtype.
        """
        self.scale(tensor)
        zero_point, limits = tensor.spec.zero_point or 0, np.iinfo(tensor.dtype)
        self.check(limits.min <= zero_point <= limits.max, "A zero point is a value of its dtype.", zero_point)
        return zero_point

    def multiplier(self, real: float, most: int = 30) -> Multiplier:
        """A real factor for integers.

        Raises:
            Refused: It is not a positive number that 32 bits can scale by.
        """
        self.check(math.isfinite(real) and real >= 0, "Scales make a factor that is a positive number.", real)
        result = multiplier(real)
        self.check(result.shift <= most, "Scales make a factor that 32 bits can hold.", real)
        return result

    def clamp(self, activation: str, tensor: tflite.Tensor) -> tuple[int, int]:
        """Smallest and largest integer of a result with a fused activation.

        Raises:
            Refused: An activation that no kernel fuses.
        """
        limits = activation_range(activation, tensor.dtype, self.scale(tensor), self.zero_point(tensor))
        if limits is None:
            raise self.refused("The fused activation is NONE, RELU, RELU6 or RELU_N1_TO_1.", activation)
        self.check(limits[0] <= limits[1], "A fused activation leaves values of the result's dtype.", limits)
        return limits
