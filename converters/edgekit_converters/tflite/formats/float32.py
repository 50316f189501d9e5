"""float32: weights and activations in 32-bit floating point."""

from __future__ import annotations

from typing import Any

NEEDS_CALIBRATION = False
IO_DTYPES = ("float32",)


def configure(tf: Any, converter: Any) -> None:
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    return [] if quantization == "float32" else [f"it is {quantization}"]
