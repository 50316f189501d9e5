"""Making tf_keras layers in place of an operation, or of an activation that tf_keras lacks or computes otherwise.

Whatever can be a layer becomes one, because TF-MOT knows layers and nothing else; what cannot becomes a call of a
public TensorFlow function, which tf_keras saves by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgekit import _tf
from edgekit.keras.bridge.replay import Names
from edgekit.keras.types import KerasTensor

__all__ = ["Emit", "NATIVE_ACTIVATIONS", "activation_emitter"]

NATIVE_ACTIVATIONS = frozenset(
    "elu exponential gelu linear mish relu selu sigmoid silu softmax softplus softsign tanh".split()
)
"""Names that mean the same in Keras 3 and tf_keras; `hard_sigmoid`, for one, does not."""


@dataclass(frozen=True)
class Emit:
    """Makes the layers that stand for one operation.

    Attributes:
        name: What the layer is called that gives the operation's result.
        names: Where the names of the layers on the way to it come from.
    """

    name: str
    names: Names

    def layer(self, kind: str, inputs: Any, config: dict[str, Any] | None = None, *, part: str = "") -> Any:
        """Call a new tf_keras layer of a kind; `part` names a step on the way to the result."""
        make = getattr(_tf.tf_keras().layers, kind)
        return make(name=self._called(part), **(config or {}))(inputs)

    def function(
        self, symbol: Callable[..., Any], *args: Any, options: dict[str, Any] | None = None, part: str = ""
    ) -> Any:
        """Call a public TensorFlow function as a layer."""
        module = importlib.import_module("tf_keras.src.layers.core.tf_op_layer")
        getitem = _tf.tensorflow().__operators__.getitem
        kind = module.SlicingOpLambda if symbol is getitem else module.TFOpLambda
        return kind(symbol, name=self._called(part))(*args, **(options or {}))

    def _called(self, part: str) -> str:
        return self.names.fresh(f"{self.name}_{part}") if part else self.name


def activation_emitter(name: str) -> Callable[[Emit, Any], Any] | None:
    """What applies a Keras 3 activation, called by its `keras.activations` name with its default arguments.

    Returns:
        A function of an Emit and a tensor, or None for an activation without a tf_keras equivalent.
    """
    if name in _LAYERS:
        kind, config = _LAYERS[name]
        return lambda emit, x: emit.layer(kind, x, config)
    if name in NATIVE_ACTIVATIONS:
        return lambda emit, x: emit.layer("Activation", x, {"activation": name})
    if name in _FUNCTIONS:
        return lambda emit, x: emit.function(_FUNCTIONS[name](_tf.tensorflow()), x)
    return _COMPOSED.get(name)


def _hard_sigmoid(emit: Emit, x: KerasTensor, part: str = "") -> Any:
    shifted = emit.layer("Rescaling", x, {"scale": 1.0, "offset": 3.0}, part="shift")
    clipped = emit.layer("ReLU", shifted, {"max_value": 6.0}, part="relu6")
    return emit.layer("Rescaling", clipped, {"scale": 1.0 / 6.0}, part=part)


def _hard_silu(emit: Emit, x: KerasTensor) -> Any:
    # The form that the TFLite converter fuses into one HARD_SWISH.
    return emit.layer("Multiply", [x, _hard_sigmoid(emit, x, part="gate")])


def _hard_tanh(emit: Emit, x: KerasTensor) -> Any:
    return emit.function(_tf.tensorflow().clip_by_value, x, -1.0, 1.0)


def _log_sigmoid(emit: Emit, x: KerasTensor) -> Any:
    return emit.function(_tf.tensorflow().math.log_sigmoid, x)


def _tanh_shrink(emit: Emit, x: KerasTensor) -> Any:
    return emit.layer("Subtract", [x, emit.layer("Activation", x, {"activation": "tanh"}, part="tanh")])


_LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("ReLU", {}),
    "relu6": ("ReLU", {"max_value": 6.0}),
    "leaky_relu": ("LeakyReLU", {"alpha": 0.2}),
    "softmax": ("Softmax", {}),
}

_FUNCTIONS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "log_softmax": lambda tf: tf.nn.log_softmax,
}

_COMPOSED: dict[str, Callable[[Emit, Any], Any]] = {
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_tanh": _hard_tanh,
    "log_sigmoid": _log_sigmoid,
    "tanh_shrink": _tanh_shrink,
}
