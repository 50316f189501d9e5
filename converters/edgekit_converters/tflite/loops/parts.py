"""What is taken out of a model: loops over time, and the calls that find the steps that count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.keras.frameworks import Structure
from edgekit.keras.types import KerasTensor, KerasVariable
from edgekit.tensors import Array

__all__ = ["PREFIX", "Loop", "Masking", "Record", "joined"]

PREFIX = "edgekit_loop"


@dataclass(frozen=True)
class Loop:
    """One loop over time.

    Attributes:
        number: Its place in the order of the calls.
        layer: Name of the layer.
        step: From the values of one step [1, ...] and the states to the output and the next states.
        steps: Their number.
        value_shape: Shape of one step's input, with batch 1.
        backwards: The last step comes first; outputs are in the order of the computation.
        masked: Steps can be masked: they keep states and output.
        zero_masked: A masked step's output is zero.
        sequences: Every step's output is wanted, not the last one's alone.
        output_shape: Shape of one step's output, with batch 1.
        output_state: The state that is the output, if one is.
        state_shapes: Shapes of the states, with batch 1.
        states: Of the first step: "zeros", "given" by the model, or "kept" from call to call.
        pack: Makes the structure of states that `step` takes of a flat list.
        returns: The model takes the last states.
        weights: The layer's variables.
    """

    number: int
    layer: str
    step: Callable[[KerasTensor, tuple[KerasTensor, ...]], tuple[KerasTensor, Structure]]
    steps: int
    value_shape: tuple[int, ...]
    backwards: bool
    masked: bool
    zero_masked: bool
    sequences: bool
    output_shape: tuple[int, ...]
    output_state: int | None
    state_shapes: tuple[tuple[int, ...], ...]
    states: str
    pack: Callable[[Sequence[KerasTensor]], Any]
    returns: bool
    weights: Sequence[KerasVariable]

    def name(self, what: str) -> str:
        """Of an input or output of the model around the loop: "input", "mask", "given_0", "output", "state_0"."""
        return f"{PREFIX}_{self.number}_{what}"

    @property
    def needs_output(self) -> bool:
        """The output of the step before is carried along: a masked step repeats it, and it is not a state.

        A loop's first output is zero, while its first state may not be.
        """
        return self.masked and not self.zero_masked and (self.output_state is None or self.states != "zeros")


@dataclass(frozen=True)
class Masking:
    """A call that finds the steps that count; the converter leaves its comparisons in float, or refuses them.

    Attributes:
        number: Its place in the order of the calls.
        layer: Its name.
        value: A step counts where not all of its values are this one.
        shape: Shape of what it compares, with batch 1.
        indices: It is an Embedding, which compares indices and only says which steps count; else the layer Masking.
    """

    number: int
    layer: str
    value: float
    shape: tuple[int, ...]
    indices: bool

    @property
    def flags_shape(self) -> tuple[int, ...]:
        """Of the steps, with batch 1."""
        return self.shape if self.indices else self.shape[:-1]

    def name(self, what: str) -> str:
        """Of an input or output of the model around it: "input", "output", "flags"."""
        return f"{PREFIX}_masking_{self.number}_{what}"


@dataclass
class Record:
    """What went through a loop on calibration samples, in the order of the computation.

    Attributes:
        values: [N, ...] of each step.
        states: [N, ...] of each step, one more than steps: the last ones are what the loop leaves.
        outputs: [N, ...] of each step.
        mask: bool [N] of each step; empty where there is none.
    """

    values: list[Array] = field(default_factory=list)
    states: list[list[Array]] = field(default_factory=list)
    outputs: list[Array] = field(default_factory=list)
    mask: list[Array] = field(default_factory=list)


def joined(parts: Sequence[Record]) -> Record:
    """What several samples, or batches of them, left in one loop."""
    first = parts[0]
    return Record(
        [np.concatenate([p.values[t] for p in parts]) for t in range(len(first.values))],
        [
            [np.concatenate([p.states[t][k] for p in parts]) for k in range(len(first.states[t]))]
            for t in range(len(first.states))
        ],
        [np.concatenate([p.outputs[t] for p in parts]) for t in range(len(first.outputs))],
        [np.concatenate([p.mask[t] for p in parts]) for t in range(len(first.mask))],
    )
