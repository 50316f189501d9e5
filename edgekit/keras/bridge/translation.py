"""Making each call of a Keras 3 graph on tf_keras tensors, and each layer once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras.bridge.emit import NATIVE_ACTIVATIONS, Emit, activation_emitter
from edgekit.keras.bridge.layers import Made, activation_name, make_layer, transfer_weights
from edgekit.keras.bridge.operations import emit_operation
from edgekit.keras.bridge.replay import Names, Step, reason

__all__ = ["Translation"]


@dataclass
class Translation:
    """The state of one bridging: which layers exist already.

    Attributes:
        names: Gives the layers' names.
        unsafe: Whether Python functions of the model's author are carried over.
        bridge: Turns a model that a wrapper layer holds into a tf_keras model.
    """

    names: Names
    unsafe: bool
    bridge: Callable[[Any], Any]
    _made: dict[int, Made] = field(default_factory=dict)
    _emitted: set[int] = field(default_factory=set)

    def call(self, step: Step) -> Any:
        """Make one call; `replay.inline` says of what.

        Raises:
            ModelError: The layer or operation has no equivalent, or cannot be called so in tf_keras.
        """
        try:
            return self._layer(step) if self._is_layer(step.operation) else emit_operation(step, self._emit(step))
        except EdgekitError:
            raise
        except Exception as error:  # tf_keras and TensorFlow raise what they please
            raise ModelError(
                "Every layer must take in tf_keras what it takes in Keras 3.",
                received=f"{step.operation.name!r} ({type(step.operation).__name__}): {reason(error)}",
                remedy="Replace it by another built-in layer.",
            ) from error

    def _layer(self, step: Step) -> Any:
        old = step.operation
        if type(old) is _tf.keras3().layers.Activation:
            activation = activation_name(old.activation)
            if activation is not None and activation not in NATIVE_ACTIVATIONS:
                return self._activate(activation, self._emit(step), step.args[0])
        made = self._made.get(id(old))
        if made is not None:
            outputs = made.layer(*step.args, **step.kwargs)
        else:
            made = make_layer(old, self.names.of(old), unsafe=self.unsafe, bridge=self.bridge)
            outputs = made.layer(*step.args, **step.kwargs)
            transfer_weights(old, made.layer)
            self._made[id(old)] = made
        if made.activation is None:
            return outputs
        if self._is_layer(made.activation):
            if not made.activation.built:  # Keras 3 builds it only when the layer first runs
                made.activation.build(tuple(step.outputs[0].shape))
            return self.call(Step(made.activation, (outputs,), {}, step.outputs))
        name = self.names.fresh(f"{made.layer.name}_{made.activation}")
        return self._activate(made.activation, Emit(name, self.names), outputs)

    def _activate(self, activation: str, emit: Emit, x: Any) -> Any:
        apply = activation_emitter(activation)
        if apply is None:
            raise ModelError(
                "An activation must have a tf_keras equivalent.",
                received=f"{activation!r} in layer {emit.name!r}",
                remedy="Use one of: " + ", ".join(sorted(NATIVE_ACTIVATIONS)) + ".",
            )
        return apply(emit, x)

    def _emit(self, step: Step) -> Emit:
        """What emits for an operation; one inside a nested model that is called twice needs a second name."""
        name = self.names.of(step.operation)
        if id(step.operation) in self._emitted:
            name = self.names.fresh(name)
        self._emitted.add(id(step.operation))
        return Emit(name, self.names)

    def _is_layer(self, operation: Any) -> bool:
        return isinstance(operation, _tf.keras3().layers.Layer)
