"""Making each call of a Keras 3 graph on tf_keras tensors, and each layer once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras.bridge.emit import NATIVE_ACTIVATIONS, Emit, activation_emitter
from edgekit.keras.bridge.keras3 import Keras3Reader
from edgekit.keras.bridge.layers import Made, activation_name, has_equivalent, make_layer, transfer_weights
from edgekit.keras.bridge.opening import KeepsState, directly_used, opened_layer
from edgekit.keras.bridge.operations import emit_operation
from edgekit.keras.bridge.replay import Names, Step, inline, leaves, pack, reason
from edgekit.observer import logger

__all__ = ["Translation"]

_log = logger(__name__)


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
        if not has_equivalent(old):
            return self._opened(step)
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

    def _opened(self, step: Step) -> Any:
        """The calls that a custom layer makes, in its place; where its code calls TensorFlow, a layer that runs it."""
        layer = step.operation
        if id(layer) in self._made:
            return self._made[id(layer)].layer(*step.args, **step.kwargs)
        try:
            opened = opened_layer(layer, step.args, step.kwargs)
        except KeepsState:
            raise
        except ModelError as error:
            return self._carried(step, error)
        fixed = directly_used(layer) if id(layer) not in self._emitted else []
        self._emitted.add(id(layer))
        if fixed and layer.trainable:
            _log.info(f"{layer.name}: {', '.join(fixed)} of {type(layer).__name__} are constants from now on")
        outputs = inline(opened.model, opened.inputs, Keras3Reader(), self.call)
        shaped = opened.model._outputs_struct
        return pack(shaped, {id(old): new for old, new in zip(leaves(shaped), outputs, strict=True)})

    def _carried(self, step: Step, refusal: ModelError) -> Any:
        from edgekit.keras.bridge.carried import carried

        try:
            layer, weights = carried(step.operation, self.names.of(step.operation))
            outputs = layer(*step.args, **step.kwargs)
        except Exception:  # the author's code raises what it pleases, and what opening it up met says more
            raise refusal from None
        layer.set_weights(weights)
        layer.trainable = step.operation.trainable
        self._made[id(step.operation)] = Made(layer)
        _log.info(f"{layer.name}: {layer.kind} runs as it is; no pass changes what is inside")
        return outputs

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
