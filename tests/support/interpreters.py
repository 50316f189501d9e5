"""TFLite's other interpreters: tflite-runtime, where it can be installed, and TensorFlow's own."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

EXISTS = sys.version_info < (3, 12)
"""Whether tflite-runtime has a wheel for this Python."""


def has_tflite_runtime() -> bool:
    """Whether it is installed; in the gate it must be, wherever it exists."""
    try:
        version("tflite-runtime")
    except PackageNotFoundError:
        if EXISTS and os.environ.get("CI"):
            pytest.fail("The gate needs tflite-runtime: pip install '.[dev]'")
        return False
    return True


def need(runtime: str) -> None:
    """Skip a test of tflite-runtime where that is not installed, by choice or because there is none for this Python."""
    if runtime == "tflite_runtime" and not has_tflite_runtime():
        pytest.skip("needs tflite-runtime: pip install 'edgekit[tflite-runtime]' (Python up to 3.11, NumPy below 2)")


def other_interpreter() -> str:
    """A runtime beside `litert` that has the same kind of interpreter."""
    return "tflite_runtime" if has_tflite_runtime() else "tensorflow"
