"""A model with its loops taken out: Keras's one function for loops over time is replaced while the model is called.

All recurrent layers of tf_keras (LSTM, GRU, SimpleRNN, RNN over cells and stacks, ConvLSTM, also inside Bidirectional)
compute their steps in `backend.rnn`. What it is handed (sequence, first states, mask) and what it must give says all
about a loop, whatever options the layer has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import numpy as np

from edgekit import _tf
from edgekit.errors import ConversionError
from edgekit.keras.frameworks import Structure
from edgekit.keras.lowering.recurrent import is_plain_lstm, keeps_state, recurrent_layers
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor
from edgekit.tensors import Array
from edgekit_converters.tflite.loops.parts import Loop, Masking, Record, joined

__all__ = ["Outline"]

Called = Callable[[KerasTensor], KerasTensor]
Stepped = Callable[[KerasTensor, tuple[KerasTensor, ...]], tuple[KerasTensor, Structure]]
"""From a step's values and the states to the output and the next states."""
Taken = Callable[[KerasTensor, list[KerasTensor]], tuple[KerasTensor, list[KerasTensor]]]
"""The same with the states in one list."""
Looped = tuple[KerasTensor, KerasTensor, Structure]
"""What `backend.rnn` gives: the last output, all of them, and the last states."""
LONG = 50
"""Steps, of all calls of a layer together, above which it pays to trace a step into a graph."""


class Recurrent(KerasLayer, Protocol):
    """A recurrent layer of tf_keras."""

    get_initial_state: Callable[..., Structure]
    time_major: bool
    _could_use_gpu_kernel: bool
    _num_constants: int | None


class Backend(Protocol):
    """The module of tf_keras in which layers find the function for loops."""

    rnn: Callable[..., Looped]


class Outline:
    """Calls of a model in which loops are taken out.

    Args:
        model: A tf_keras model of the converter's own (its layers are changed), with batch 1 where it is stateful.
        fused: Leave those LSTMs in it that become one operator, unless the model keeps states from call to call.
        calibrates: What is recorded has to be true; else only shapes count, and each loop takes a single step.
    """

    def __init__(self, model: KerasModel, *, fused: bool = True, calibrates: bool = True) -> None:
        self.model = model
        self._calibrates = calibrates
        self.loops: list[Loop] = []
        self.maskings: list[Masking] = []
        self._layers: list[KerasLayer] = []  # that are being called
        self._defaults: list[KerasTensor] = []
        self._mask: Callable[[KerasLayer, Called, KerasTensor], KerasTensor] = lambda layer, call, inputs: call(inputs)
        self._refused: ConversionError | None = None
        self._calls = 1
        self._traced: dict[int, Taken] = {}  # a loop's step, of the calls that are being recorded
        self._keeps_state = keeps_state(model)
        self._fuses = fused and not self._keeps_state
        for layer in recurrent_layers(model):
            self._watch(layer)
        for layer in model.layers:
            if type(layer) is _tf.tf_keras().layers.Masking:
                layer.call = self._watched_mask(layer, layer.call)
            elif _compares_with_zero(layer):
                layer.compute_mask = self._watched_mask(layer, layer.compute_mask)

    def record(self, samples: Sequence[Array]) -> tuple[list[Record], dict[str, Array]]:
        """Run the model on samples [N, ...] of each input; stateful models take them one after the other.

        Returns:
            What went through each loop; and what loops and maskings give the rest, by the names for it, [N, elements].
        """
        tf = _tf.tensorflow()
        records: list[list[Record]] = []
        masked: list[dict[str, Array]] = []
        size = 1 if self._keeps_state else len(samples[0])
        self._calls, self._traced = -(-len(samples[0]) // size), {}
        for start in range(0, len(samples[0]), size):
            rows, given = list[Record](), dict[str, Array]()
            loop, mask = partial(self._recorded, rows), partial(self._recorded_masking, given)
            with self._replaced(loop, mask):
                inputs = [tf.constant(array[start : start + size]) for array in samples]
                self.model(inputs if len(inputs) > 1 else inputs[0], training=False)
            records.append(rows)
            masked.append(given)
        whole = [joined(parts) for parts in zip(*records, strict=True)]
        taken = {name: np.concatenate([part[name] for part in masked]) for name in masked[0]}
        for at, row in zip(self.loops, whole, strict=True):
            outputs = np.stack(row.outputs, axis=1) if at.sequences else row.outputs[-1]
            taken[at.name("output")] = outputs
            taken |= {at.name(f"state_{k}"): row.states[-1][k] for k in range(len(at.state_shapes)) if at.returns}
        return whole, {name: array.reshape(len(array), -1) for name, array in taken.items()}

    def trace(self, inputs: Structure, taken: dict[str, KerasTensor]) -> tuple[Structure, dict[str, KerasTensor]]:
        """Call the model symbolically.

        Args:
            inputs: Its inputs with batch 1.
            taken: What loops and maskings give, by the names for it, each in one dimension: RESHAPE then stands
                between them and the model's outputs, without which the converter would not quantise these.

        Returns:
            The model's outputs, and what loops and maskings are handed.
        """
        tf = _tf.tensorflow()
        handed: dict[str, KerasTensor] = {}
        numbers, places = iter(self.loops), iter(self.maskings)

        def loop(step: Stepped, sequence: KerasTensor, states: Structure, **options: Any) -> Looped:
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

        def mask(layer: KerasLayer, call: Called, sequence: KerasTensor) -> KerasTensor:
            place = next(places)
            handed[place.name("input")] = tf.reshape(sequence, place.shape[1:])
            flags = tf.reshape(taken[place.name("flags")], place.flags_shape)
            if place.indices:
                return flags
            output = tf.reshape(taken[place.name("output")], place.shape)
            output._keras_mask = flags
            return output

        for layer in recurrent_layers(self.model):
            layer.stateful = False  # the finished file keeps the states, not the model around the loops
        with self._replaced(loop, mask):
            outputs = self.model(inputs, training=False)
        return outputs, handed

    def _watch(self, layer: Recurrent) -> None:
        """Note which layer a loop belongs to, and which states are a layer's zeros."""
        tf = _tf.tensorflow()
        call, first = layer.call, layer.get_initial_state

        @tf.autograph.experimental.do_not_convert
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

    def _watched_mask(self, layer: KerasLayer, call: Called) -> Called:
        tf = _tf.tensorflow()

        @tf.autograph.experimental.do_not_convert
        def watched(inputs: KerasTensor, mask: KerasTensor | None = None) -> KerasTensor:
            del mask
            indices = isinstance(layer, _tf.tf_keras().layers.Embedding)
            return call(inputs) if indices and inputs.dtype != tf.int32 else self._mask(layer, call, inputs)

        return watched

    @contextmanager
    def _replaced(self, loop: Callable[..., Looped], mask: Callable[..., KerasTensor]) -> Iterator[None]:
        """Hand calls of loops over time and of Masking to these functions."""
        backend, tf = _backend(), _tf.tensorflow()
        original, self._mask = backend.rnn, mask

        @tf.autograph.experimental.do_not_convert
        def rnn(step: Stepped, inputs: KerasTensor, initial_states: Structure, *args: Any, **options: Any) -> Looped:
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

    def _recorded(
        self, rows: list[Record], step: Stepped, sequence: KerasTensor, states: Structure, **options: Any
    ) -> Looped:
        """Compute a loop as Keras does, writing down what goes through it."""
        tf = _tf.tensorflow()
        layer, row = self._layers[-1], Record()
        steps = int(sequence.shape[1])
        taken = steps if self._calibrates else 1
        values, flags = _in_order(sequence, options.get("mask"), taken, backwards=bool(options.get("go_backwards")))
        flat = tf.nest.flatten(states)
        zeros = all(any(state is default for default in self._defaults) for state in flat)
        kind = "kept" if layer.stateful else "zeros" if zeros else "given"
        shown = None
        output_state = None

        def taken_step(value: KerasTensor, flat: list[KerasTensor]) -> tuple[KerasTensor, list[KerasTensor]]:
            output, after = step(value, tuple(tf.nest.pack_sequence_as(states, flat)))
            return output, tf.nest.flatten(after)

        known = self._traced.get(len(rows))
        later = known or (tf.function(taken_step) if taken * self._calls > LONG else taken_step)
        if later is not taken_step:
            self._traced[len(rows)] = later
        for number, value in enumerate(values):
            row.values.append(value.numpy())
            row.states.append([state.numpy() for state in flat])
            output, new = (later if known or number else taken_step)(value, flat)
            if not number:
                output_state = next((k for k, state in enumerate(new) if state is output), None)
            if flags is not None:
                row.mask.append(flags[number].numpy())
                before = tf.zeros_like(output) if shown is None or options.get("zero_output_for_mask") else shown
                output = tf.where(_wide(flags[number], output), output, before)
                new = [tf.where(_wide(flags[number], a), a, b) for a, b in zip(new, flat, strict=True)]
            shown, flat = output, new
            row.outputs.append(output.numpy())
        assert shown is not None  # a loop has at least one step
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

    def _recorded_masking(
        self, given: dict[str, Array], layer: KerasLayer, call: Called, sequence: KerasTensor
    ) -> KerasTensor:
        result = call(sequence)
        number = sum(name.endswith("_flags") for name in given)
        indices = isinstance(layer, _tf.tf_keras().layers.Embedding)
        value = 0.0 if indices else float(layer.mask_value)
        place = Masking(number, layer.name, value, (1, *sequence.shape[1:]), indices)
        if number == len(self.maskings):
            self.maskings.append(place)
        given[place.name("flags")] = (result if indices else result._keras_mask).numpy()
        if not indices:
            given[place.name("output")] = result.numpy()
        return result


def _in_order(
    sequence: KerasTensor, mask: KerasTensor | None, taken: int, *, backwards: bool
) -> tuple[list[KerasTensor], list[KerasTensor] | None]:
    """The first steps of a sequence [N, steps, ...] in the order in which a loop takes them, and their mask's flags."""
    tf = _tf.tensorflow()
    order = -1 if backwards else 1
    values = tf.unstack(sequence[:, :taken], axis=1)[::order]
    if mask is None:
        return values, None
    flags = tf.reshape(tf.cast(mask, tf.bool), sequence.shape[:2])[:, :taken]
    return values, tf.unstack(flags, axis=1)[::order]


def _refusal(layer: Recurrent, args: Sequence[Any], kwargs: dict[str, Any]) -> ConversionError | None:
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


def _compares_with_zero(layer: KerasLayer) -> bool:
    """Whether it is an Embedding that masks index 0, as Keras's own does."""
    embedding = _tf.tf_keras().layers.Embedding
    return isinstance(layer, embedding) and type(layer).compute_mask is embedding.compute_mask and layer.mask_zero


def _is_fused(layer: KerasLayer, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether TensorFlow makes one operator of an LSTM's call: a plain one, without mask, from states of zeros."""
    masked = kwargs.get("mask") is not None or len(args) > 1
    listed = isinstance(args[0], list) and len(args[0]) > 1
    return is_plain_lstm(layer) and not masked and not listed and kwargs.get("initial_state") is None


def _cells(cell: KerasLayer) -> Iterator[KerasLayer]:
    yield cell
    for inner in getattr(cell, "cells", []):
        yield from _cells(inner)


def _backend() -> Backend:
    import importlib

    _tf.tf_keras()
    backend: Backend = vars(importlib.import_module("tf_keras.src"))["backend"]
    return backend


def _wide(flags: KerasTensor, like: KerasTensor) -> KerasTensor:
    """bool [N] with dimensions of 1, so that it says of each sample whether it is taken."""
    return _tf.tensorflow().reshape(flags, [-1] + [1] * (len(like.shape) - 1))
