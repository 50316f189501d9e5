"""One step of a loop, converted on its own: a small model from a step's input and the states to the next states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data.dataset import Array
from edgekit_converters.tflite.loops.outline import Loop, Record

__all__ = ["Body", "convert_body", "needs_16_bits", "representative_steps", "step_function"]

SMALLEST_MOVE = 2.0
"""Steps of 8 bits that a state moves at least, by the median, where 8 bits are enough for it."""
MOST_STEPS = 2_000
"""Steps that a body is calibrated on; those with the extremes of inputs and states are among them."""


@dataclass(frozen=True)
class Body:
    """A loop with its converted step.

    Attributes:
        loop: Which.
        content: The step's `.tflite`: inputs "value" and "state_0", ...; outputs "next_0", ... and, where no state is
            the output, "output".
    """

    loop: Loop
    content: bytes


def step_function(loop: Loop) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The step as a function of named tensors with batch 1, and what they are."""
    tf = _tf.tensorflow()

    def step(value: Any, **states: Any) -> dict[str, Any]:
        flat = [states[f"state_{k}"] for k in range(len(loop.state_shapes))]
        output, after = loop.step(value, tuple(loop.pack(flat)))
        results = {f"next_{k}": tf.identity(state) for k, state in enumerate(tf.nest.flatten(after))}
        if loop.output_state is None:
            results["output"] = tf.identity(output)
        return results

    specs = {"value": tf.TensorSpec(loop.value_shape, tf.float32, name="value")}
    for k, shape in enumerate(loop.state_shapes):
        specs[f"state_{k}"] = tf.TensorSpec(shape, tf.float32, name=f"state_{k}")
    return step, specs


def convert_body(loop: Loop, record: Record, convert: Callable[..., bytes]) -> Body:
    """Convert a loop's step by `convert(function, specs, weights, representative)`."""
    function, specs = step_function(loop)
    return Body(loop, convert(function, specs, loop.weights, lambda: representative_steps(record)))


def needs_16_bits(record: Record) -> bool:
    """Whether a state moves, from one step to the next, by little more than a step of 8 bits over its range.

    Then the rounding of every step adds up: an LSTM with relu counts upwards in its cell, and 8 bits leave noise.
    """
    for k in range(len(record.states[0])):
        states = np.stack([states[k] for states in record.states])
        moves = np.abs(np.diff(states, axis=0))
        moves = moves[moves > 0]
        step = float(np.ptp(states)) / 255
        if len(moves) and float(np.median(moves)) < SMALLEST_MOVE * step:
            return True
    return False


def representative_steps(record: Record, *, seed: int = 0) -> Iterator[dict[str, Array]]:
    """Inputs and states of single steps, by name; the range of each is that of all steps.

    The states that the loop leaves are among the states that a step is given: so a state has one range, whether it
    goes in or comes out.
    """
    streams = {"value": _all([*record.values, record.values[-1]])}
    for k in range(len(record.states[0])):
        streams[f"state_{k}"] = _all([states[k] for states in record.states])
    count = len(streams["value"])
    chosen = np.arange(count)
    if count > MOST_STEPS:
        chosen = np.random.default_rng(seed).choice(count, MOST_STEPS, replace=False)
        rows = [stream.reshape(count, -1) for stream in streams.values()]
        extremes = [i for row in rows for i in (int(row.max(1).argmax()), int(row.min(1).argmin()))]
        chosen = np.unique([*chosen, *extremes])
    for i in chosen:
        yield {name: stream[i : i + 1] for name, stream in streams.items()}


def _all(steps: list[Array]) -> Array:
    return np.concatenate(steps)
