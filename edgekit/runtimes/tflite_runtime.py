"""tflite-runtime 2.14, the last TensorFlow Lite interpreter of its name: what older devices and images carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.runtimes import InterpreterExecutor, Runtime, op_resolvers

__all__ = ["EXECUTOR", "RUNTIME"]


def _load() -> tuple[Any, Mapping[str, Any]]:
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    return Interpreter, op_resolvers(OpResolverType)


EXECUTOR = InterpreterExecutor(
    "tflite_runtime", _load, "It needs Python 3.11 or older and numpy below 2: pip install tflite-runtime 'numpy<2'"
)
RUNTIME = Runtime("tflite_runtime", EXECUTOR.probe, executor=EXECUTOR)
