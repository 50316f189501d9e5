"""A model with its loops taken out: Keras's one function for loops over time is replaced while the model is called.

All recurrent layers of tf_keras (LSTM, GRU, SimpleRNN, RNN over cells and stacks, ConvLSTM, also inside Bidirectional)
compute their steps in `backend.rnn`. What it is handed (sequence, first states, mask) and what it must give says all
about a loop, whatever options the layer has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data.dataset import Array
from edgekit.errors import ConversionError
from edgekit.models.recurrent import is_plain_lstm, keeps_state, recurrent_layers

__all__ = ["PREFIX", "Loop", "Masking", "Outline", "Record"]

PREFIX = "edgekit_loop"


@dataclass(frozen=True)
class Loop:
    """One loop over time.

    Attributes:
        number: Its place in the order of the calls.
        layer: Name of the layer.
        step: From the values of one step [1, ...] and the states to the output and the next states.
        steps: Their number.
        value_shape: Of one step's input, with batch 1.
        backwards: The last step comes first; outputs are in the order of the computation.
        masked: Steps can be masked: they keep states and output.
        zero_masked: A masked step's output is zero.
        sequences: Every step's output is wanted, not the last one's alone.
        output_shape: Of one step's output, with batch 1.
        output_state: The state that is the output, if one is.
        state_shapes: Of the states, with batch 1.
        states: Of the first step: "zeros", "given" by the model, or "kept" from call to call.
        pack: Makes the structure of states that `step` takes of a flat list.
        returns: The model takes the last states.
        weights: The layer's variables.
    """

    number: int
    layer: str
    step: Callable[[Any, Any], Any]
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
    pack: Callable[[Sequence[Any]], Any]
    returns: bool
    weights: Sequence[Any]

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
    """A call of the layer Masking, whose comparisons the converter leaves in float.

    Attributes:
        number: Its place in the order of the calls.
        layer: Its name.
        value: A step counts where not all of its values are this one.
        shape: Of its input, with batch 1.
    """

    number: int
    layer: str
    value: float
    shape: tuple[int, ...]

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


class Outline:
    """Calls of a model in which loops are taken out.

    Args:
        model: A tf_keras model of the converter's own (its layers are changed), with batch 1 where it is stateful.
        fused: Leave those LSTMs in it that become one operator, unless the model keeps states from call to call.
        calibrates: What is recorded has to be true; else only shapes count, and each loop takes a single step.
    """

    def __init__(self, model: Any, *, fused: bool = True, calibrates: bool = True) -> None:
        self.model = model
        self._calibrates = calibrates
        self.loops: list[Loop] = []
        self.maskings: list[Masking] = []
        self._layers: list[Any] = []  # that are being called
        self._defaults: list[Any] = []
        self._mask: Callable[[Any, Any, Any], Any] = lambda layer, call, inputs: call(inputs)
        self._refused: ConversionError | None = None
        self._keeps_state = keeps_state(model)
        self._fuses = fused and not self._keeps_state
        for layer in recurrent_layers(model):
            self._watch(layer)
        for layer in model.layers:
            if type(layer) is _tf.tf_keras().layers.Masking:
                self._watch_masking(layer)

    def record(self, samples: Sequence[Array]) -> tuple[list[Record], dict[str, Array]]:
        """Run the model on samples [N, ...] of each input; stateful models take them one after the other.

        Returns:
            What went through each loop; and what loops and maskings give the rest, by the names for it, [N, elements].
        """
        tf = _tf.tensorflow()
        records: list[list[Record]] = []
        masked: list[dict[str, Array]] = []
        size = 1 if self._keeps_state else len(samples[0])
        for start in range(0, len(samples[0]), size):
            rows, given = list[Record](), dict[str, Array]()
            loop, mask = partial(self._recorded, rows), partial(self._recorded_masking, given)
            with self._replaced(loop, mask):
                inputs = [tf.constant(array[start : start + size]) for array in samples]
                self.model(inputs if len(inputs) > 1 else inputs[0], training=False)
            records.append(rows)
            masked.append(given)
        joined = [_joined(parts) for parts in zip(*records, strict=True)]
        taken = {name: np.concatenate([part[name] for part in masked]) for name in masked[0]}
        for at, row in zip(self.loops, joined, strict=True):
            outputs = np.stack(row.outputs, axis=1) if at.sequences else row.outputs[-1]
            taken[at.name("output")] = outputs
            taken |= {at.name(f"state_{k}"): row.states[-1][k] for k in range(len(at.state_shapes)) if at.returns}
        return joined, {name: array.reshape(len(array), -1) for name, array in taken.items()}

    def trace(self, inputs: Any, taken: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Call the model symbolically.

        Args:
            inputs: Its inputs with batch 1.
            taken: What loops and maskings give, by the names for it, each in one dimension: RESHAPE then stands
                between them and the model's outputs, without which the converter would not quantise these.

        Returns:
            The model's outputs, and what loops and maskings are handed.
        """
        tf = _tf.tensorflow()
        handed: dict[str, Any] = {}
        numbers, places = iter(self.loops), iter(self.maskings)

        def loop(step: Any, sequence: Any, states: Any, **options: Any) -> Any:
            at = next(numbers)
            handed[at.name("input")] = tf.reshape(sequence, [at.steps, *at.value_shape[1:]])
            if at.masked:
                handed[at.name("mask")] = tf.reshape(tf.cast(options["mask"], tf.bool), [at.steps, 1])
            if at.states == "given":
                handed.update({at.name(f"given_{k}"): s for k, s in enumerate(tf.nest.flatten(states))})
            left = at.pack(
                [
                    tf.reshape(taken[at.name(f"state_{k}")], shape) if at.returns else tf.zeros(shape)
                    for k, shape in enumerate(at.state_shapes)
                ]
            )
            single, *rest = at.output_shape
            output = tf.reshape(taken[at.name("output")], [single, *([at.steps] if at.sequences else []), *rest])
            if at.sequences:
                return output[:, -1], output, left
            return output, output[:, tf.newaxis], left

        def mask(layer: Any, call: Any, sequence: Any) -> Any:
            place = next(places)
            handed[place.name("input")] = tf.reshape(sequence, place.shape[1:])
            output = tf.reshape(taken[place.name("output")], place.shape)
            output._keras_mask = tf.reshape(taken[place.name("flags")], place.shape[:-1])
            return output

        for layer in recurrent_layers(self.model):
            layer.stateful = False  # the finished file keeps the states, not the model around the loops
        with self._replaced(loop, mask):
            outputs = self.model(inputs, training=False)
        return outputs, handed

    def _watch(self, layer: Any) -> None:
        """Note which layer a loop belongs to, and which states are a layer's zeros."""
        tf = _tf.tensorflow()
        call, first = layer.call, layer.get_initial_state

        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def watched(*args: Any, **kwargs: Any) -> Any:
            if hasattr(layer, "_could_use_gpu_kernel"):
                layer._could_use_gpu_kernel = self._fuses and _is_fused(layer, args, kwargs)
            self._refused = _refusal(layer, args, kwargs)
            if self._refused is not None:
                raise self._refused
            self._layers.append(layer)
            try:
                return call(*args, **kwargs)
            finally:
                self._layers.pop()

        def initial(*args: Any, **kwargs: Any) -> Any:
            states = first(*args, **kwargs)
            self._defaults.extend(tf.nest.flatten(states))
            return states

        layer.call, layer.get_initial_state = watched, initial
        for cell in _cells(layer.cell):
            if hasattr(cell, "implementation"):
                cell.implementation = 1  # gates apart: one product for all would have one scale for all

    def _watch_masking(self, layer: Any) -> None:
        call = layer.call

        @_tf.tensorflow().autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def watched(inputs: Any) -> Any:
            return self._mask(layer, call, inputs)

        layer.call = watched

    @contextmanager
    def _replaced(self, loop: Callable[..., Any], mask: Callable[..., Any]) -> Iterator[None]:
        """Hand calls of loops over time and of Masking to these functions."""
        backend, tf = _backend(), _tf.tensorflow()
        original, self._mask = backend.rnn, mask

        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def rnn(step: Any, inputs: Any, initial_states: Any, *args: Any, **options: Any) -> Any:
            layer = self._layers[-1] if self._layers else None
            unrolled = options.get("unroll") and options.get("mask") is None and not self._keeps_state
            if layer is None or unrolled or getattr(layer, "_could_use_gpu_kernel", False):
                return original(step, inputs, initial_states, *args, **options)
            return loop(step, inputs, initial_states, **options)

        backend.rnn = rnn
        self._defaults.clear()
        try:
            yield
        except ConversionError as error:  # into whose text Keras writes what the layer was called with
            raise self._refused or error from None
        finally:
            backend.rnn = original

    def _recorded(self, rows: list[Record], step: Any, sequence: Any, states: Any, **options: Any) -> Any:
        """Compute a loop as Keras does, writing down what goes through it."""
        tf = _tf.tensorflow()
        layer, row = self._layers[-1], Record()
        steps, mask = int(sequence.shape[1]), options.get("mask")
        taken = steps if self._calibrates else 1
        values = tf.unstack(sequence[:, :taken], axis=1)
        flags = None
        if mask is not None:
            flags = tf.unstack(tf.reshape(tf.cast(mask, tf.bool), sequence.shape[:2])[:, :taken], axis=1)
        if options.get("go_backwards"):
            values.reverse()
            if flags is not None:
                flags.reverse()
        flat = tf.nest.flatten(states)
        zeros = all(any(state is default for default in self._defaults) for state in flat)
        kind = "kept" if layer.stateful else "zeros" if zeros else "given"
        shown: Any = None
        output_state = None
        for number, value in enumerate(values):
            row.values.append(value.numpy())
            row.states.append([state.numpy() for state in flat])
            output, after = step(value, tuple(tf.nest.pack_sequence_as(states, flat)))
            new = tf.nest.flatten(after)
            output_state = next((k for k, state in enumerate(new) if state is output), None)
            if flags is not None:
                row.mask.append(flags[number].numpy())
                before = tf.zeros_like(output) if shown is None or options.get("zero_output_for_mask") else shown
                output = tf.where(_wide(flags[number], output), output, before)
                new = [tf.where(_wide(flags[number], a), a, b) for a, b in zip(new, flat, strict=True)]
            shown, flat = output, new
            row.outputs.append(output.numpy())
        row.states.append([state.numpy() for state in flat])
        row.outputs *= steps // taken
        if len(rows) == len(self.loops):
            self.loops.append(
                Loop(
                    number=len(rows),
                    layer=layer.name,
                    step=step,
                    steps=steps,
                    value_shape=(1, *values[0].shape[1:]),
                    backwards=bool(options.get("go_backwards")),
                    masked=flags is not None,
                    zero_masked=bool(options.get("zero_output_for_mask")),
                    sequences=bool(options.get("return_all_outputs", True)),
                    output_shape=(1, *shown.shape[1:]),
                    output_state=output_state,
                    state_shapes=tuple((1, *state.shape[1:]) for state in flat),
                    states=kind,
                    pack=lambda parts: tf.nest.pack_sequence_as(states, list(parts)),
                    returns=bool(layer.return_state),
                    weights=layer.weights,
                )
            )
        rows.append(row)
        return shown, tf.constant(np.stack(row.outputs, axis=1)), tf.nest.pack_sequence_as(states, flat)

    def _recorded_masking(self, given: dict[str, Array], layer: Any, call: Any, sequence: Any) -> Any:
        output = call(sequence)
        number = len(given) // 2
        place = Masking(number, layer.name, float(layer.mask_value), (1, *sequence.shape[1:]))
        if number == len(self.maskings):
            self.maskings.append(place)
        given[place.name("output")], given[place.name("flags")] = output.numpy(), output._keras_mask.numpy()
        return output


def _refusal(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> ConversionError | None:
    """The error that names layer and option, where no loop can be made of a layer's call."""
    sequence = args[0]
    listed = isinstance(sequence, list) and len(sequence) > 1
    given = listed or kwargs.get("initial_state") is not None
    found = ""
    if isinstance(sequence, tuple | dict):
        found = "several sequences at once"
    elif layer._num_constants or kwargs.get("constants"):
        found = "constants beside its sequence"
    elif layer.stateful and given:
        found = "stateful=True and an initial_state, of which one must win in each call"
    elif getattr(layer, "time_major", False):
        found = "time_major=True, where the first axis is time, which a file of batch 1 has not"
    if not found:
        return None
    return ConversionError(
        "A recurrent layer takes one sequence [batch, steps, ...], and states that are zeros, given or kept.",
        received=f"the layer {layer.name!r} with {found}",
        remedy="Build the layer without that, or write the model another way.",
    )


def _is_fused(layer: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether TensorFlow makes one operator of an LSTM's call: a plain one, without mask, from states of zeros."""
    masked = kwargs.get("mask") is not None or len(args) > 1
    listed = isinstance(args[0], list) and len(args[0]) > 1
    return is_plain_lstm(layer) and not masked and not listed and kwargs.get("initial_state") is None


def _cells(cell: Any) -> Iterator[Any]:
    yield cell
    for inner in getattr(cell, "cells", []):
        yield from _cells(inner)


def _backend() -> Any:
    import importlib

    _tf.tf_keras()
    return importlib.import_module("tf_keras.src.backend")


def _wide(flags: Any, like: Any) -> Any:
    """bool [N] with dimensions of 1, so that it says of each sample whether it is taken."""
    return _tf.tensorflow().reshape(flags, [-1] + [1] * (like.shape.rank - 1))


def _joined(parts: Sequence[Record]) -> Record:
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
