"""float32: weights and activations in 32-bit floating point."""

from __future__ import annotations

from edgekit.keras.frameworks import Converter, TensorFlow

NEEDS_CALIBRATION = False
IO_DTYPES = ("float32",)


def configure(tf: TensorFlow, converter: Converter) -> None:
    """Set up the converter for float32."""
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    """What a converted file breaks of the format float32."""
    return [] if quantization == "float32" else [f"it is {quantization}"]
