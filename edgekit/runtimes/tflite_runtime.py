"""tflite-runtime 2.14, the last TensorFlow Lite interpreter of its name: what older devices and images carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.runtimes import Runtime
from edgekit.runtimes._interpreter import InterpreterRuntime, op_resolvers

__all__ = ["RUNTIME"]


def _load() -> tuple[Any, Mapping[str, Any]]:
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    return Interpreter, op_resolvers(OpResolverType)


RUNTIME: Runtime = InterpreterRuntime(
    name="tflite_runtime",
    package="tflite-runtime",
    load=_load,
    remedy="It needs Python 3.11 or older and numpy below 2: pip install tflite-runtime 'numpy<2'",
)
