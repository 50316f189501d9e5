"""float16: weights stored in 16 bits, computed in 32 (or in 16 on GPUs and XNNPACK where told to)."""

from __future__ import annotations

from typing import Any

NEEDS_CALIBRATION = False
IO_DTYPES = ("float32",)


def configure(tf: Any, converter: Any) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]


def problems(quantization: str, float_tensors: list[str]) -> list[str]:
    return [] if quantization == "float16" else [f"it is {quantization}"]
