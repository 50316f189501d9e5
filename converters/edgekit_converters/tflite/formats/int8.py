"""int8: full-integer; weights per-channel, activations per-tensor, no float tensor but where asked."""

from __future__ import annotations

from edgekit.keras.frameworks import Converter, TensorFlow

NEEDS_CALIBRATION = True
IO_DTYPES = ("int8", "uint8", "float32")


def configure(tf: TensorFlow, converter: Converter) -> None:
    """Set up the converter for int8."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    """What a converted file breaks of the format int8."""
    found = [] if quantization == "int8" else [f"it is {quantization}"]
    if float_tensors:
        found.append(f"float tensors inside: {', '.join(float_tensors[:3])}")
    return found
