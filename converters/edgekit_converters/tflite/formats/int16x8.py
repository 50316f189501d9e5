"""int16x8: 8-bit weights with 16-bit activations, for models that lose too much in int8."""

from __future__ import annotations

from typing import Any

NEEDS_CALIBRATION = True
IO_DTYPES = ("int16", "float32")


def configure(tf: Any, converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    found = [] if quantization == "int16x8" else [f"it is {quantization}"]
    if float_tensors:
        found.append(f"float tensors inside: {', '.join(float_tensors[:3])}")
    return found
