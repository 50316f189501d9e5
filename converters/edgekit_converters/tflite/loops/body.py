"""One step of a loop, converted on its own: a small model from a step's input and the states to the next states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edgekit import _tf, tflite
from edgekit.keras.types import KerasTensor
from edgekit.measure.statistics import sqnr_db
from edgekit.tensors import Array, dequantize, quantize
from edgekit_converters.tflite.loops.parts import Loop, Record
from edgekit_converters.tflite.trial import FAILS, opened_here

__all__ = ["Body", "convert_body", "measured_db", "representative_steps", "step_function"]

MEASURED = 8
"""Samples whose loops are computed with the converted step."""
MOST_MEASURED = 20_000
"""Steps in all of these; of longer loops one sample is measured."""
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


def step_function(loop: Loop) -> tuple[Callable[..., dict[str, KerasTensor]], dict[str, KerasTensor]]:
    """The step as a function of named tensors with batch 1, and what they are."""
    tf = _tf.tensorflow()

    def step(value: KerasTensor, **states: KerasTensor) -> dict[str, KerasTensor]:
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


def measured_db(body: Body, record: Record) -> float:
    """How near the converted step comes to Keras over whole loops on a few samples (SQNR of all states).

    Far below zero where it does not run, as of a division, whose integer kernel refuses some values.
    """
    try:
        return _measured_db(body, record)
    except (RuntimeError, ValueError):
        return FAILS


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


def _measured_db(body: Body, record: Record) -> float:
    loop, signature = body.loop, tflite.read(body.content)
    ports, graph = signature.signatures[0], signature.graphs[0]
    names = [f"state_{k}" for k in range(len(loop.state_shapes))]
    places = [graph.outputs.index(ports.outputs[f"next_{k}"]) for k in range(len(names))]
    wanted, given = [], []
    with opened_here(body.content) as session:
        order = [next(name for name, tensor in ports.inputs.items() if tensor == index) for index in graph.inputs]
        steps = len(record.values)
        for i in range(min(MEASURED, max(1, MOST_MEASURED // steps), len(record.values[0]))):
            states = [record.states[0][k][i : i + 1] for k in range(len(names))]
            for t in range(steps):
                fed = dict(zip(names, states, strict=True)) | {"value": record.values[t][i : i + 1]}
                arrays = [
                    quantize(fed[name].reshape(spec.shape), spec)
                    for name, spec in zip(order, session.inputs, strict=True)
                ]
                raw = session.run(arrays)
                if not record.mask or record.mask[t][i]:
                    states = [dequantize(raw[place], session.outputs[place]) for place in places]
                wanted.append(np.concatenate([record.states[t + 1][k][i].reshape(-1) for k in range(len(names))]))
                given.append(np.concatenate([state.reshape(-1) for state in states]))
    return sqnr_db(np.stack(wanted), np.stack(given))


def _all(steps: list[Array]) -> Array:
    return np.concatenate(steps)
