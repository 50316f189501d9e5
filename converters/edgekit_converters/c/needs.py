"""What the C export of a model takes of a device, before anything is compiled."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit import tflite
from edgekit_converters.c.emission.texts import kernel_texts
from edgekit_converters.c.firmware import Firmware, firmware_of

__all__ = ["Needs", "needs_of"]

_BYTES_PER_CHARACTER, _BYTES_PER_STEP = 0.1, 40
"""Of kernels' text, which holds the paths of all processors, and for the record and the call of each step. GCC 12.2 -O2
takes 0.9 to 1.2 of what they give for a keyword and an image network on a Cortex-M4 or M55, down to 0.4 for networks of
one layer, and half of it on processors without DSP instructions. A device test holds it to that."""


@dataclass(frozen=True)
class Needs:
    """Bytes.

    Attributes:
        weights_bytes: Bytes of constants in flash; exact.
        arena_bytes: Inputs, outputs, activations and scratch; exact.
        state_bytes: What the model keeps from one run to the next; exact.
        code_bytes: Bytes of the code in flash; estimated.
    """

    weights_bytes: int
    arena_bytes: int
    state_bytes: int
    code_bytes: int


def needs_of(model: tflite.Model) -> Needs:
    """What the planner tells of a model, and an estimate of the code.

    Raises:
        ModelError: Something of it has no kernel in C, or no fixed shape.
    """
    firmware = firmware_of(model, "model")
    return Needs(firmware.weights_bytes, firmware.arena.size, firmware.state_bytes, _code_bytes(firmware))


def _code_bytes(firmware: Firmware) -> int:
    steps = firmware.program.steps
    characters = sum(map(len, kernel_texts(steps)))
    return round(_BYTES_PER_CHARACTER * characters + _BYTES_PER_STEP * len(steps))
