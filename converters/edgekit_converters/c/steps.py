"""What a `.tflite` becomes before it becomes text: steps, their constants, and what they say of memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["C_TYPES", "Constant", "Field", "Loop", "Overlap", "Program", "Step", "Variable"]

C_TYPES: Mapping[str, str] = {
    "bool": "uint8_t",
    "float32": "float",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
}
"""How C calls the dtypes of tensors and constants."""


@dataclass(frozen=True, eq=False)
class Constant:
    """An array in flash.

    Attributes:
        values: Of any shape; written row by row.
    """

    values: NDArray[np.generic]


Field: TypeAlias = "int | float | Constant | None"
"""What a kernel's layer record holds: a number, an array in flash, or a null pointer."""


@dataclass(frozen=True)
class Overlap:
    """Where one output of a step may lie on one of its inputs that nothing reads later.

    Attributes:
        input, output: Tensors of the step.
        distance: Bytes that the output must begin before the input, at least; negative where it may begin behind it.
            The kernel's loops then write no byte of the input before they have read it for the last time.
    """

    input: int
    output: int
    distance: int


@dataclass(frozen=True)
class Step:
    """One call of one kernel: `kernel(&layer, inputs..., outputs..., scratch)`.

    Attributes:
        place: The operator's place in the graph.
        operator: Its name in the file.
        kernel: The C function, without its prefix; its text stands in `kernels/KERNEL.c`, its record is
            `KERNEL_layer`.
        layer: The record's fields by name; the C text says their order.
        inputs: Tensors that it reads, in the order of the function's arguments: from the arena, or from flash where
            the program has a constant of that number.
        outputs: Tensors that it writes.
        scratch: Bytes that it needs for itself; the function has the argument where `scratches`.
        scratches: Whether the function takes scratch memory at all.
        overlaps: What may lie on what.
        needs: Further C texts that the kernel's text is written on, before it.
        variables: Indices of the program's variables that the function takes, between inputs and outputs.
        fails: The function returns an int, which is not 0 where the values of an input cannot be used; the run then
            ends as for a wrong argument.
        parts: Optional parts that it needs of its texts, the kernel's and `needs`; None where it needs all.
    """

    place: int
    operator: str
    kernel: str
    layer: Mapping[str, Field]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    scratch: int = 0
    scratches: bool = False
    overlaps: tuple[Overlap, ...] = ()
    needs: tuple[str, ...] = ()
    variables: tuple[int, ...] = ()
    fails: bool = False
    parts: frozenset[str] | None = None


@dataclass(frozen=True)
class Variable:
    """What a model keeps from one run to the next.

    Attributes:
        name: In the file.
        dtype: numpy name.
        initial: What it holds after a reset; its shape is the variable's.
    """

    name: str
    dtype: str
    initial: NDArray[np.generic]


@dataclass(frozen=True)
class Loop:
    """Steps that run several times.

    Attributes:
        first, last: Their places, both included.
        turns: How many times.
    """

    first: int
    last: int
    turns: int


@dataclass(frozen=True)
class Program:
    """A whole model as steps.

    Attributes:
        steps: In the order in which they run.
        inputs, outputs: Tensors.
        sizes: Bytes of every tensor in the arena.
        alias: For tensors that are another one under a second name: which.
        constants: Outputs, and inputs of steps, whose values the file holds.
        variables: What lives from one run to the next.
        loops: Steps that run several times; no two loops share one.
        dtypes: Dtypes of every tensor in the arena.
    """

    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sizes: Mapping[int, int]
    alias: Mapping[int, int] = field(default_factory=dict)
    constants: Mapping[int, Constant] = field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    loops: tuple[Loop, ...] = ()
    dtypes: Mapping[int, str] = field(default_factory=dict)

    def root(self, tensor: int) -> int:
        """The tensor whose memory this one is."""
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return tensor
