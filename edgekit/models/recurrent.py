"""Recurrent layers written out step by step, for integer files: calibrating the loops that TensorFlow would make of a
GRU or SimpleRNN ends the process with a segmentation fault (TensorFlow 2.21). LSTMs become an operator of their own.

Every gate has a matrix product of its own. One product for all gates, cut apart by SPLIT, must have one scale for all
of them, and for some weights the converter then leaves parts of it in float.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.models.cloning import cloned

__all__ = ["with_unrolled_loops"]

LOOPS = ("GRU", "SimpleRNN")
MOST_STEPS = 128
"""Written out, every step costs its operators in the file."""


def with_unrolled_loops(model: Any) -> Any:
    """The same function without loops.

    Args:
        model: A flat tf_keras model.

    Returns:
        A copy, or the model itself where there is no loop.

    Raises:
        ModelError: A loop has too many steps, or their number is open.
    """
    if not any(_loop(layer) for layer in model.layers):
        return model

    def change(layer: Any) -> Any | None:
        if not _loop(layer):
            return None
        config, steps = layer.get_config(), layer.input_shape[1]
        if steps is None or steps > MOST_STEPS:
            raise ModelError(
                f"Recurrent layers of an integer file have at most {MOST_STEPS} steps.",
                received=f"{steps or 'an open number of'} steps in the layer {layer.name!r}",
                remedy="Use an LSTM, a shorter sequence, or the format float16 or dynamic.",
            )
        for part in filter(None, (config.get("layer"), config.get("backward_layer"))):
            name = f"Steps{part['class_name'].rpartition('>')[2]}"
            part |= {"module": None, "class_name": name, "registered_name": name}
        kind = type(layer) if "layer" in config else _written_out()[f"Steps{type(layer).__name__}"]
        return kind.from_config(config)

    with _tf.tf_keras().utils.custom_object_scope(_written_out()):
        return cloned(model, change)


def _loop(layer: Any) -> bool:
    inner = layer.forward_layer if type(layer).__name__ == "Bidirectional" else layer
    return type(inner).__name__ in LOOPS


@cache
def _written_out() -> dict[str, Any]:
    """Layers with the weights and configuration of GRU and SimpleRNN, whose call has no loop and no state."""
    layers = _tf.tf_keras().layers

    class StepsGRU(layers.GRU):  # type: ignore[misc, name-defined]
        def call(self, sequences: Any, **_: Any) -> Any:
            return _steps(self, sequences, _gru_step)

    class StepsSimpleRNN(layers.SimpleRNN):  # type: ignore[misc, name-defined]
        def call(self, sequences: Any, **_: Any) -> Any:
            return _steps(self, sequences, _simple_step)

    return {"StepsGRU": StepsGRU, "StepsSimpleRNN": StepsSimpleRNN}


def _steps(layer: Any, sequences: Any, step: Any) -> Any:
    """Outputs [B, units], or [B, steps, units] where the layer returns sequences; the first state is zero."""
    tf = _tf.tensorflow()
    inputs = tf.unstack(sequences, axis=1)
    state, states = None, []
    for x in reversed(inputs) if layer.go_backwards else inputs:
        state = step(layer.cell, x, state)
        states.append(state)
    return tf.stack(states, axis=1) if layer.return_sequences else state


def _gru_step(cell: Any, x: Any, state: Any) -> Any:
    """One step, after Cho et al. 2014 (arXiv:1406.1078, section 2.3), in Keras's two orders of reset and product."""
    gates = range(3)
    w, u = _columns(cell, cell.kernel), _columns(cell, cell.recurrent_kernel)
    bias = cell.bias if cell.use_bias else np.zeros((2, 3 * cell.units), np.float32)
    bias = bias if cell.reset_after else [bias if cell.use_bias else bias[0], np.zeros(3 * cell.units, np.float32)]
    b, b_state = _columns(cell, bias[0]), _columns(cell, bias[1])
    of_x = [x @ w[gate] + b[gate] for gate in gates]
    if state is None:  # products with a state of zeros would be constants
        of_state = [b_state[gate] for gate in gates]
    else:
        of_state = [state @ u[gate] + b_state[gate] for gate in gates[:2]]
    update = cell.recurrent_activation(of_x[0] + of_state[0])
    reset = cell.recurrent_activation(of_x[1] + of_state[1])
    if state is None:
        candidate = of_x[2] + (reset * of_state[2] if cell.reset_after else of_state[2])
        return (1.0 - update) * cell.activation(candidate)
    after = reset * (state @ u[2] + b_state[2]) if cell.reset_after else (reset * state) @ u[2]
    return update * state + (1.0 - update) * cell.activation(of_x[2] + after)


def _simple_step(cell: Any, x: Any, state: Any) -> Any:
    value = x @ cell.kernel
    if cell.use_bias:
        value = value + cell.bias
    return cell.activation(value if state is None else value + state @ cell.recurrent_kernel)


def _columns(cell: Any, values: Any) -> list[Any]:
    """What belongs to each gate, along the last axis: update, reset, candidate."""
    return [values[..., i * cell.units : (i + 1) * cell.units] for i in range(3)]
