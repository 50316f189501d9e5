"""Operators that TensorFlow Lite 2.6 lacks, by their names."""

from __future__ import annotations

import re

from edgekit import tflite
from edgekit.errors import ModelRefused, RuntimeFailed

__all__ = ["explained"]

_LACKING = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_UNKNOWN = re.compile(r"Op builtin_code out of range: (\d+)")
_CUSTOM = re.compile(r"unresolved custom op: ([^.\s]+)")
_NEWER = "let the app ship a newer runtime"


def explained(error: RuntimeFailed, model: tflite.Model) -> RuntimeFailed:
    """The same failure, or where it is the lack of an operator, one that names the operator and its version."""
    said = str(error.received or "")
    lacking, unknown, custom = (pattern.search(said) for pattern in (_LACKING, _UNKNOWN, _CUSTOM))
    if lacking:
        received = f"{lacking[1]} version {lacking[2]}"
    elif unknown:
        received = _named(int(unknown[1]), model)
    elif custom:
        received = f"the custom operator {custom[1]}"
    else:
        return error
    return ModelRefused(
        "TensorFlow Lite 2.6, the runtime jvm, must have every operator of the model, in its version.",
        received=received,
        remedy=f"Convert to another format, replace the layer that needs it, or {_NEWER}.",
    )


def _named(number: int, model: tflite.Model) -> str:
    """The operator with this number in the file format, and the version in which the model has it."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    codes = {value: name for name, value in vars(BuiltinOperator).items() if not name.startswith("_")}
    name = codes.get(number, f"BUILTIN_{number}")
    versions = {operator.version for graph in model.graphs for operator in graph.operators if operator.name == name}
    return f"{name} version {max(versions, default=1)}"
