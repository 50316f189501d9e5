"""The interpreter inside TensorFlow (tf.lite), as most tutorials run a `.tflite`. Its child starts in 5 to 12 s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit import _tf
from edgekit.runtimes import InterpreterExecutor, Runtime, op_resolvers

__all__ = ["EXECUTOR", "RUNTIME"]


def _load() -> tuple[Any, Mapping[str, Any]]:
    lite = _tf.tensorflow().lite
    return lite.Interpreter, op_resolvers(lite.experimental.OpResolverType)


EXECUTOR = InterpreterExecutor("tensorflow", _load, "Install it with: pip install 'edgekit[train]'", heavy=True)
RUNTIME = Runtime("tensorflow", EXECUTOR.probe, executor=EXECUTOR)
