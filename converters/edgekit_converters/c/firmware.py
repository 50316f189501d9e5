"""A model that is ready to be written: its program, its plan, its borders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from edgekit import tflite
from edgekit.tensors import TensorSpec
from edgekit_converters.c.lowering import lowered
from edgekit_converters.c.planning.arena import Arena, planned
from edgekit_converters.c.planning.lifetimes import lives_of
from edgekit_converters.c.steps import Constant, Program

__all__ = ["Firmware", "firmware_of"]


@dataclass(frozen=True)
class Firmware:
    """One model under its name.

    Attributes:
        name: Prefix of all symbols.
        model: The `.tflite`.
        program: Its steps.
        arena: Where tensors and scratch memory lie.
        labels: What the classes are called; may be empty.
    """

    name: str
    model: tflite.Model
    program: Program
    arena: Arena
    labels: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What goes in."""
        return tuple(self.model.graphs[0].tensors[i].spec for i in self.program.inputs)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What comes out."""
        return tuple(self.model.graphs[0].tensors[i].spec for i in self.program.outputs)

    @property
    def input_offsets(self) -> tuple[int, ...]:
        """Bytes into the arena."""
        return tuple(self.offset(i) for i in self.program.inputs)

    @property
    def output_offsets(self) -> tuple[int, ...]:
        """Bytes into the arena; 0 for an output that the file holds as a constant."""
        return tuple(self.offset(i) for i in self.program.outputs)

    def offset(self, tensor: int) -> int:
        """Where a tensor lies in the arena; 0 for a constant."""
        return self.arena.offsets.get(self.program.root(tensor), 0)

    @property
    def weights_bytes(self) -> int:
        """Bytes of all constants, each counted once, and of what variables begin with, where that is not 0."""
        first = (variable.initial for variable in self.program.variables if np.any(variable.initial))
        return sum(constant.values.nbytes for constant in self.constants) + sum(values.nbytes for values in first)

    @property
    def state_bytes(self) -> int:
        """Bytes that live from one run to the next: of a record with one array for each variable."""
        size, widest = 0, 1
        for values in (variable.initial for variable in self.program.variables):
            size, widest = _aligned(size, values.itemsize) + values.nbytes, max(widest, values.itemsize)
        return _aligned(size, widest)

    @cached_property
    def constants(self) -> tuple[Constant, ...]:
        """Every array in flash once, in the order in which steps name them."""
        return tuple({_content(constant): constant for constant in self._named()}.values())

    def symbol(self, constant: Constant) -> str:
        """How the text calls an array."""
        return f"{self.name}_constant_{self._places[_content(constant)]}"

    @cached_property
    def _places(self) -> dict[tuple[str, bytes], int]:
        return {_content(constant): place for place, constant in enumerate(self.constants)}

    def _named(self) -> list[Constant]:
        fields = [value for step in self.program.steps for value in step.layer.values()]
        return [*(v for v in fields if isinstance(v, Constant)), *self.program.constants.values()]


def _content(constant: Constant) -> tuple[str, bytes]:
    return str(constant.values.dtype), np.ascontiguousarray(constant.values).tobytes()


def _aligned(size: int, to: int) -> int:
    return -(-size // to) * to


@lru_cache(maxsize=1)  # an exporter checks a model, and writes it
def firmware_of(model: tflite.Model, name: str, labels: tuple[str, ...] = ()) -> Firmware:
    """Lower a model and plan its memory.

    Raises:
        ModelError: Something of it has no kernel in C, or no fixed shape.
    """
    program = lowered(model)
    return Firmware(name, model, program, planned(lives_of(program)), labels)
