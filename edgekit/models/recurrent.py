"""Recurrent layers written out step by step, for integer files: calibrating the loops that TensorFlow would make of a
GRU or SimpleRNN ends the process with a segmentation fault (TensorFlow 2.21). LSTMs become an operator of their own.
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError

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

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        if _loop(layer):
            steps = layer.input_shape[1]
            if steps is None or steps > MOST_STEPS:
                raise ModelError(
                    f"Recurrent layers of an integer file have at most {MOST_STEPS} steps.",
                    received=f"{steps or 'an open number of'} steps in the layer {layer.name!r}",
                    remedy="Use an LSTM, a shorter sequence, or the format float16 or dynamic.",
                )
            for part in (config, *(c["config"] for c in (config.get("layer"), config.get("backward_layer")) if c)):
                if "unroll" in part:
                    part["unroll"] = True
        return type(layer).from_config(config)

    with _tf.tfmot().quantization.keras.quantize_scope():
        clone = _tf.tf_keras().models.clone_model(model, clone_function=copy)
    clone.set_weights(model.get_weights())
    return clone


def _loop(layer: Any) -> bool:
    inner = layer.forward_layer if type(layer).__name__ == "Bidirectional" else layer
    return type(inner).__name__ in LOOPS and not inner.unroll
