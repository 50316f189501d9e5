"""What a `.tflite` remembers from one inference to the next."""

from __future__ import annotations

from typing import Literal

from edgekit.tflite.model import Model

__all__ = ["State", "state_of"]

State = Literal["none", "reset before each call", "kept"]
"""none: nothing. reset before each call: a fused LSTM leaves its state in variable tensors although its Keras layer
starts afresh, so `reset_all_variables` comes before each sample. kept: a stateful Keras layer's state lies in resource
variables, from call to call, and begins at zero with the interpreter."""


def state_of(model: Model) -> State:
    """What the operators that run keep."""
    if any(operator.name == "VAR_HANDLE" for graph in model.running for operator in graph.operators):
        return "kept"
    return "reset before each call" if any(t.variable for graph in model.running for t in graph.tensors) else "none"
