"""Convert a tf_keras model, read the file back and check that it is what was asked for."""

from __future__ import annotations

import keyword
import re
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit import _tf, registry
from edgekit.artifact import write_atomically
from edgekit.errors import ConversionError
from edgekit.models.inputs import with_float_inputs
from edgekit.models.pooling import with_free_pooling_scale
from edgekit.models.recurrent import with_unrolled_loops
from edgekit_converters.tflite import formats
from edgekit_converters.tflite.calibration import Representative, representative_dataset
from edgekit_converters.tflite.contract import check_contract
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["convert_keras"]


def convert_keras(model: Any, path: Path, spec: ConvertSpec, *, representative: Representative | None = None) -> None:
    """Write a `.tflite` with batch size 1 and builtin operators only.

    A model that went through quantisation-aware training keeps the ranges that it learned; what it left out is
    calibrated.

    Args:
        model: A flat tf_keras model.
        path: Where to write; nothing is left there on failure.
        spec: Format and dtypes.
        representative: Preprocessed float samples of training data, for int8 and int16x8.

    Raises:
        ConversionError: The converter cannot, or its file breaks the contract.
    """
    spec = spec.resolved()
    tf = _tf.tensorflow()
    module = registry.load(formats, spec.format)
    model = with_float_inputs(model)
    if module.NEEDS_CALIBRATION:
        model = with_unrolled_loops(with_free_pooling_scale(model))
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    parameters = _parameters(names)
    shapes = {n: tuple(t.shape[1:]) for n, t in zip(names, model.inputs, strict=True)}
    dtypes = {n: t.dtype.name for n, t in zip(names, model.inputs, strict=True)}
    failure: Exception | None = None
    content = b""
    with tempfile.TemporaryDirectory() as folder, _tf.captured_output() as chatter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _save_with_batch_1(tf, model, parameters, folder)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            module.configure(tf, converter)
            if module.NEEDS_CALIBRATION:
                if representative is None:
                    raise ConversionError(f"{spec.format} needs calibration samples.", remedy="Give --data SPEC.")
                converter.representative_dataset = representative_dataset(representative, shapes, dtypes, parameters)
                converter.inference_input_type = tf.as_dtype(spec.input_dtype)
                converter.inference_output_type = tf.as_dtype(spec.output_dtype)
            content = converter.convert()
        except ConversionError:
            raise
        except Exception as error:  # the converter raises many kinds, and says the reason on descriptor 2
            failure = error
    if failure is not None:
        raise ConversionError(
            f"The TensorFlow Lite converter must be able to make {spec.format} with builtin operators only.",
            received=_reason(failure, chatter),
            remedy="Replace the layer that makes this operator, or choose another format.",
        ) from failure
    with write_atomically(path) as temporary:
        temporary.write_bytes(content)
        check_contract(temporary, spec)


def _save_with_batch_1(tf: Any, model: Any, parameters: dict[str, str], folder: str) -> None:
    """A SavedModel whose signature has batch 1: a free batch size breaks delegates and static memory plans."""

    def serve(**inputs: Any) -> dict[str, Any]:
        ordered = [inputs[n] for n in parameters.values()]
        outputs = model(ordered if len(ordered) > 1 else ordered[0], training=False)
        answers = tf.nest.flatten(outputs)  # dicts in the order of their keys, as Keras numbers its outputs
        return dict(zip(_output_names(model), answers, strict=True))

    for name, tensor in zip(parameters, model.inputs, strict=True):
        if None in tensor.shape[1:]:
            raise ConversionError(
                "A shipped model has fixed input shapes.",
                received=f"{list(tensor.shape[1:])} for the input {name!r}",
                remedy="Build the model with a full input shape.",
            )
    inputs = zip(parameters.values(), model.inputs, strict=True)
    specs = {n: tf.TensorSpec([1, *t.shape[1:]], t.dtype, name=n) for n, t in inputs}
    module = tf.Module()
    module.kept = model.weights  # tracking the model would trace each layer again, which some wrappers refuse
    module.serve = tf.function(serve)
    tf.saved_model.save(module, folder, signatures={"serving_default": module.serve.get_concrete_function(**specs)})


def _parameters(names: Sequence[str]) -> dict[str, str]:
    """For each input's name a name that a function's parameter can have, as TensorFlow's signatures need it."""
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not plain.isidentifier() or keyword.iskeyword(plain) or plain == "self":
            plain = f"input_{plain}"
        taken = {*found.values(), *(other for other in names if other != name)}
        found[name] = f"{plain}_{number}" if plain in taken else plain
    return found


def _output_names(model: Any) -> list[str]:
    """Layer names of the outputs, made unique; a wrapper's prefix would leak the way the model was made."""
    names: list[str] = []
    for name in (n.removeprefix("quant_") for n in model.output_names):
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def _reason(error: Exception, chatter: list[str]) -> str:
    """The line that names the operator, if there is one; else the first line of the error."""
    text = [line.strip() for line in [*str(error).splitlines(), *chatter] if line.strip()]
    telling = [line for line in text if "error:" in line or "is neither a custom op nor a flex op" in line]
    return (telling or text or [type(error).__name__])[0][:300]
