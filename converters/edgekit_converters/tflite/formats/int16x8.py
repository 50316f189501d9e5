"""int16x8: 8-bit weights with 16-bit activations, for models that lose too much in int8."""

from __future__ import annotations

from edgekit.keras.frameworks import Converter, TensorFlow

NEEDS_CALIBRATION = True
IO_DTYPES = ("int16", "float32")


def configure(tf: TensorFlow, converter: Converter) -> None:
    """Set up the converter for int16x8."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    """What a converted file breaks of the format int16x8."""
    found = [] if quantization == "int16x8" else [f"it is {quantization}"]
    if float_tensors:
        found.append(f"float tensors inside: {', '.join(float_tensors[:3])}")
    return found
