"""The interpreter inside TensorFlow (tf.lite), as most tutorials run a `.tflite`. Its child starts in 5 to 12 s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit import _tf
from edgekit.runtimes import Runtime
from edgekit.runtimes._interpreter import InterpreterRuntime, op_resolvers

__all__ = ["RUNTIME"]


def _load() -> tuple[Any, Mapping[str, Any]]:
    lite = _tf.tensorflow().lite
    return lite.Interpreter, op_resolvers(lite.experimental.OpResolverType)


RUNTIME: Runtime = InterpreterRuntime(
    name="tensorflow",
    package="tensorflow",
    load=_load,
    remedy="Install it with: pip install 'edgekit[train]'",
)
