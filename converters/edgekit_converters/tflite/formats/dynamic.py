"""dynamic: int8 weights, activations quantised on the fly; weights of fewer than 1,024 values stay float."""

from __future__ import annotations

from edgekit.keras.frameworks import Converter, TensorFlow

NEEDS_CALIBRATION = False
IO_DTYPES = ("float32",)


def configure(tf: TensorFlow, converter: Converter) -> None:
    """Set up the converter for dynamic."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    """What a converted file breaks of the format dynamic."""
    return [] if quantization in ("dynamic", "float32") else [f"it is {quantization}"]
