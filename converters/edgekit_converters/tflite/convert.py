"""Convert a tf_keras model, read the file back and check that it is what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import numpy as np

from edgekit import _tf, tflite
from edgekit.errors import ConversionError
from edgekit.keras.frameworks import Structure
from edgekit.keras.lowering.activations import rewrite_activations, with_integer_activations
from edgekit.keras.lowering.inputs import with_float_inputs, with_index_inputs, with_single_batch
from edgekit.keras.lowering.pooling import with_free_pooling_scale
from edgekit.keras.lowering.recurrent import distributed_loops, is_recurrent
from edgekit.keras.own import needs_autograph
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.tensors import Array
from edgekit_converters.tflite.calibration import Representative, bound_samples
from edgekit_converters.tflite.contract import check_contract, check_parity
from edgekit_converters.tflite.conversion import Conversion, written
from edgekit_converters.tflite.converter import convert_function
from edgekit_converters.tflite.headroom import with_headroom
from edgekit_converters.tflite.loops import Body, Loop, Outline, Record, convert_body, measured_db, spliced
from edgekit_converters.tflite.lstm import Unrepairable, has_fused_lstm, with_right_scales
from edgekit_converters.tflite.names import output_names, parameter_names
from edgekit_converters.tflite.reference import Held, layer_answers, reference_of
from edgekit_converters.tflite.spec import ConvertSpec
from edgekit_converters.tflite.trial import trial_db

__all__ = ["convert_keras", "converted"]

ENOUGH_DB = 25.0
"""SQNR with which the simplest form is taken; below it, 16 bits are tried in a loop, and loops beside LSTMs."""
FUSING = ("float32", "float16", "dynamic", "int8")
"""Formats in which TensorFlow's converter has an operator for a whole LSTM."""
GAIN_DB = 3.0
"""What 16 bits must win, for their kernels take about five times as many arm64 instructions."""


def convert_keras(
    model: KerasModel,
    path: Path,
    spec: ConvertSpec,
    *,
    representative: Representative | None = None,
    held: Held | None = None,
    accept_parity: float | None = None,
) -> Conversion:
    """Write a `.tflite` with batch size 1 and builtin operators only, which answers as the model does.

    A model that went through quantisation-aware training keeps the ranges that it learned; what it left out is
    calibrated.

    Args:
        model: A flat tf_keras model.
        path: Where to write; nothing is left there on failure.
        spec: Format and dtypes.
        representative: Preprocessed float samples of training data, for int8 and int16x8.
        held: Samples on which file and model are compared; None takes the representative ones, else random ones.
        accept_parity: dB that the file must reach in place of its format's bound.

    Returns:
        The file, and how near it is to the model.

    Raises:
        ConversionError: The converter cannot, its file breaks the contract, or it answers otherwise.
    """
    spec = spec.resolved()
    if held is None and representative is not None:
        held = Held(representative, "calibration")
    answers = cache(lambda: reference_of(model, held))
    made = tflite.read(converted(model, spec, representative))
    check_contract(made, spec)
    parity = check_parity(made, spec, answers(), accept_parity, lambda: layer_answers(model, answers()))
    return written(made, path, parity)


def converted(model: KerasModel, spec: ConvertSpec, representative: Representative | None) -> bytes:
    """A tf_keras model as a `.tflite`, not yet held to anything.

    Args:
        model, spec, representative: As for `convert_keras`.

    Raises:
        ConversionError: The converter cannot.
    """
    spec = spec.resolved()
    calibrated = spec.needs_calibration
    if calibrated and representative is None:
        raise ConversionError(f"{spec.format} needs calibration samples.", remedy="Give samples of the training data.")
    model = with_float_inputs(model)
    if calibrated:
        model = with_free_pooling_scale(with_index_inputs(model))
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    _check_shapes(model, names)
    shapes = {n: tuple(t.shape[1:]) for n, t in zip(names, model.inputs, strict=True)}
    dtypes = {n: t.dtype.name for n, t in zip(names, model.inputs, strict=True)}
    samples = bound_samples(representative, shapes, dtypes) if calibrated and representative is not None else None
    if calibrated and (wrapped := distributed_loops(model)):
        raise ConversionError(
            "Inside TimeDistributed, an integer file takes LSTMs with Keras's default options.",
            received=f"another recurrent layer in {wrapped[0]!r}",
            remedy="Use such an LSTM there, or convert to float32, float16 or dynamic.",
        )
    content = (_recurrent if is_recurrent(model) else _plain)(model, names, spec, samples)
    if samples is None or any(type(layer).__name__.startswith("Quantize") for layer in model.layers):
        return content  # training has set the ranges of the second
    return with_headroom(content, min(map(len, samples.values())))


def _plain(model: KerasModel, names: Sequence[str], spec: ConvertSpec, samples: Mapping[str, Array] | None) -> bytes:
    """The whole model by TensorFlow's converter."""
    if spec.needs_calibration:
        model = with_integer_activations(model)
    parameters, specs = _signature(model, names)

    def serve(**inputs: KerasTensor) -> dict[str, KerasTensor]:
        return _named_outputs(model, model(_ordered(inputs, parameters), training=False))

    def feed() -> Iterator[dict[str, Array]]:
        yield from _one_by_one({parameters[n]: array for n, array in (samples or {}).items()})

    try:
        autograph = needs_autograph(model)
        return with_right_scales(convert_function(spec, serve, specs, model.weights, feed, autograph=autograph))
    except Unrepairable as error:
        raise ConversionError(
            "An integer file must compute an LSTM inside TimeDistributed as Keras does.",
            received=str(error),
            remedy="Convert to float32, float16 or dynamic.",
        ) from None


def _recurrent(
    model: KerasModel, names: Sequence[str], spec: ConvertSpec, samples: Mapping[str, Array] | None
) -> bytes:
    """LSTMs by TensorFlow's one operator for them where that is right, all other loops by ours.

    The fused operator of integer files loses much for some weights: where it does, a loop is tried beside it, on the
    calibration samples, for validation may have a handful.
    """
    try:
        content = _with_loops(model, names, spec, samples, fused=spec.format in FUSING)
    except Unrepairable:
        return _with_loops(model, names, spec, samples, fused=False)
    if samples is None or not has_fused_lstm(content):
        return content
    answers = reference_of(model, Held(samples, "calibration"))
    reached = trial_db(content, answers)
    if reached is None or reached >= ENOUGH_DB:
        return content
    other = _with_loops(model, names, spec, samples, fused=False)
    gained = trial_db(other, answers)
    return other if gained is not None and gained > reached + GAIN_DB else content


def _with_loops(
    model: KerasModel, names: Sequence[str], spec: ConvertSpec, samples: Mapping[str, Array] | None, *, fused: bool
) -> bytes:
    """The model around its loops and each loop's step by TensorFlow's converter, then put together.

    Raises:
        Unrepairable: A fused LSTM would compute something else.
    """
    tf = _tf.tensorflow()
    model = with_single_batch(model)
    if spec.needs_calibration:
        rewrite_activations(model)
    given = [samples[n] if samples is not None else _any_sample(t) for n, t in zip(names, model.inputs, strict=True)]
    outline = Outline(model, fused=fused, calibrates=samples is not None)
    records, taken = outline.record(given)
    parameters, specs = _signature(model, names)
    specs |= {n: tf.TensorSpec(array.shape[1:], array.dtype, name=n) for n, array in taken.items()}

    def serve(**inputs: KerasTensor) -> dict[str, KerasTensor]:
        outputs, handed = outline.trace(_ordered(inputs, parameters), inputs)
        return {**_named_outputs(model, outputs), **handed}

    def feed() -> Iterator[dict[str, Array]]:
        samples = _one_by_one({parameters[n]: a for n, a in zip(names, given, strict=True)})
        for i, sample in enumerate(samples):
            yield {**sample, **{name: array[i] for name, array in taken.items()}}

    autograph = needs_autograph(model)
    around = with_right_scales(convert_function(spec, serve, specs, model.weights, feed, autograph=autograph))
    pairs = zip(outline.loops, records, strict=True)
    bodies = [_body(loop, record, spec, autograph=autograph) for loop, record in pairs]
    return spliced(around, bodies, outline.maskings)


def _body(loop: Loop, record: Record, spec: ConvertSpec, *, autograph: bool) -> Body:
    """A loop's step in the model's format, or with states of 16 bits where those of 8 leave noise.

    The rounding of every step adds up where states move slowly, as those of an LSTM with relu that counts upwards.
    """
    own = ConvertSpec(format=spec.format).resolved()
    body = convert_body(loop, record, partial(convert_function, own, autograph=autograph))
    if spec.format != "int8" or (reached := measured_db(body, record)) >= ENOUGH_DB:
        return body
    with suppress(ConversionError):  # some activations have no kernel of 16 bits
        states = ConvertSpec(format="int16x8").resolved()
        wide = convert_body(loop, record, partial(convert_function, states, autograph=autograph))
        return wide if measured_db(wide, record) > reached + GAIN_DB else body
    return body


def _check_shapes(model: KerasModel, names: Sequence[str]) -> None:
    """A free size breaks delegates and static memory plans."""
    for name, tensor in zip(names, model.inputs, strict=True):
        if None in tensor.shape[1:]:
            raise ConversionError(
                "A shipped model has fixed input shapes.",
                received=f"{list(tensor.shape[1:])} for the input {name!r}",
                remedy="Build the model with a full input shape.",
            )


def _signature(model: KerasModel, names: Sequence[str]) -> tuple[dict[str, str], dict[str, KerasTensor]]:
    """What a signature calls each input, and its shape with batch 1 and dtype."""
    tf, parameters = _tf.tensorflow(), parameter_names(names)
    pairs = zip(parameters.values(), model.inputs, strict=True)
    return parameters, {n: tf.TensorSpec([1, *t.shape[1:]], t.dtype, name=n) for n, t in pairs}


def _ordered(inputs: Mapping[str, KerasTensor], parameters: Mapping[str, str]) -> Structure:
    ordered = [inputs[n] for n in parameters.values()]
    return ordered if len(ordered) > 1 else ordered[0]


def _named_outputs(model: KerasModel, outputs: Structure) -> dict[str, KerasTensor]:
    answers = _tf.tensorflow().nest.flatten(outputs)  # dicts in the order of their keys, as Keras numbers its outputs
    return dict(zip(output_names(model), answers, strict=True))


def _one_by_one(samples: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    for i in range(min(len(array) for array in samples.values()) if samples else 0):
        yield {name: array[i : i + 1] for name, array in samples.items()}


def _any_sample(tensor: KerasTensor) -> Array:
    """A sample of a model's input, where only the shapes of what comes of it matter."""
    return np.zeros((1, *tensor.shape[1:]), tensor.dtype.as_numpy_dtype)
