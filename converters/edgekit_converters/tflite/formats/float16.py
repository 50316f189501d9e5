"""float16: weights stored in 16 bits, computed in 32 (or in 16 on GPUs and XNNPACK where told to)."""

from __future__ import annotations

from edgekit.keras.frameworks import Converter, TensorFlow

NEEDS_CALIBRATION = False
IO_DTYPES = ("float32",)


def configure(tf: TensorFlow, converter: Converter) -> None:
    """Set up the converter for float16."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    """What a converted file breaks of the format float16."""
    return [] if quantization == "float16" else [f"it is {quantization}"]
