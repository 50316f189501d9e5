"""TensorFlow's own converter: a function with fixed shapes to the bytes of a `.tflite`, in one format."""

from __future__ import annotations

import importlib
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from edgekit import _tf, registry
from edgekit.errors import ConversionError
from edgekit.keras.frameworks import Converter
from edgekit.tensors import Array
from edgekit_converters.tflite import formats
from edgekit_converters.tflite.biases import with_own_biases
from edgekit_converters.tflite.copies import with_true_copies
from edgekit_converters.tflite.islands import without_islands
from edgekit_converters.tflite.scalars import with_wide_scalars
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["convert_function"]

_PARTS = ("_convert_and_export_metrics", "_convert_from_saved_model", "_load_saved_model", "_set_original_model_type")


def convert_function(
    spec: ConvertSpec,
    serve: Callable[..., Mapping[str, Any]],
    specs: Mapping[str, Any],
    weights: Sequence[Any],
    feed: Callable[[], Iterator[Mapping[str, Array]]],
    *,
    autograph: bool,
) -> bytes:
    """Convert a function of tensors.

    Args:
        spec: Format and dtypes.
        serve: From named tensors to named tensors.
        specs: TensorSpec of each input, with batch 1: a free batch size breaks delegates and static memory plans.
        weights: The variables that it reads.
        feed: Calibration samples by input name, each with batch 1; asked only where the format needs them.
        autograph: Whether Python's control flow in what it calls is to be rewritten, as `needs_autograph` says.

    Raises:
        ConversionError: The converter cannot make it of builtin operators.
    """
    tf = _tf.tensorflow()
    module = registry.load(formats, spec.format)
    failure: Exception | None = None
    content = b""
    with tempfile.TemporaryDirectory() as folder, _tf.captured_output() as chatter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _save(serve, specs, weights, folder, autograph=autograph)
            converter = _converter_of(folder)
            module.configure(tf, converter)
            if module.NEEDS_CALIBRATION:
                converter.representative_dataset = feed
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
    return _repaired(content, spec)


def _repaired(content: bytes, spec: ConvertSpec) -> bytes:
    """The file without the faults that the converter is known for in its format."""
    if spec.format == "float16":
        return with_wide_scalars(content)
    if spec.format == "int16x8":
        content = with_own_biases(content)
    return with_true_copies(without_islands(content)) if spec.needs_calibration else content


def _save(
    serve: Callable[..., Any], specs: Mapping[str, Any], weights: Sequence[Any], folder: str, *, autograph: bool
) -> None:
    tf = _tf.tensorflow()
    function = tf.function(serve, autograph=autograph)
    module = tf.Module()
    module.kept = weights  # tracking the model would trace each layer again, which some wrappers refuse
    signature = function.get_concrete_function(**specs)  # a function that the module held were traced again
    tf.saved_model.save(module, folder, signatures={"serving_default": signature})


def _converter_of(folder: str) -> Converter:
    """TensorFlow's converter of a SavedModel that `_save` has written.

    Its own one loads the folder twice: to find signatures, and for the lines of Python that made each operator, which
    no message of ours shows; then it looks through all objects for what that left. The bytes are the same without, in
    four fifths of the time. Its parts are not public: where a release has others, its own one it is.
    """
    tf = _tf.tensorflow()
    lite: Any = importlib.import_module("tensorflow.lite.python.lite")
    base, kind = getattr(lite, "TFLiteConverterBase", None), getattr(lite, "TFLiteSavedModelConverterV2", None)
    if base is None or kind is None or not all(hasattr(kind, name) for name in _PARTS):
        return tf.lite.TFLiteConverter.from_saved_model(folder)

    def convert(self: Any) -> bytes:
        graph, _inputs, _outputs = self._load_saved_model(self.saved_model_dir, self._saved_model_tags)
        content: bytes = self._convert_from_saved_model(graph)
        return content

    direct = type("Direct", (kind,), {"convert": lambda self: self._convert_and_export_metrics(convert)})
    base._set_original_model_type(lite.conversion_metadata_fb.ModelType.TF_SAVED_MODEL)
    made: Converter = direct(folder, {"serve"}, ["serving_default"])
    return made


def _reason(error: Exception, chatter: list[str]) -> str:
    """The line that names the operator, if there is one; else the first line of the error."""
    text = [line.strip() for line in [*str(error).splitlines(), *chatter] if line.strip()]
    telling = [line for line in text if "error:" in line or "is neither a custom op nor a flex op" in line]
    return (telling or text or [type(error).__name__])[0][:300]
