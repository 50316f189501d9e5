"""Rewriting a tf_keras model: every call of its graph is made again, on copies of the layers or on other layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.replay import Graph, Names, Step, inline, leaves, pack, reason
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["Copies", "TfKerasReader", "copied", "replayed", "reserved_names"]


def replayed(model: KerasModel, call: Callable[[Step], Any]) -> Any:
    """The model that comes of making every call of another one again by `call`; inputs keep names and dtypes.

    Args:
        model: A built tf_keras Functional or Sequential model; nested models are opened up.
        call: Makes one call on new tensors and gives what came of it.

    Returns:
        A tf_keras Functional model, not compiled.

    Raises:
        ModelError: The model has no graph: it is subclassed or not built.
    """
    keras, reader = _tf.tf_keras(), TfKerasReader()
    graph = reader.graph(model)
    old_inputs, old_outputs = leaves(graph.inputs), leaves(graph.outputs)
    inputs = [
        keras.Input(batch_shape=tuple(t.shape), dtype=t.dtype, name=t._keras_history.layer.name) for t in old_inputs
    ]
    outputs = inline(model, inputs, reader, call)
    return keras.Model(
        inputs=pack(graph.inputs, {id(old): new for old, new in zip(old_inputs, inputs, strict=True)}),
        outputs=pack(graph.outputs, {id(old): new for old, new in zip(old_outputs, outputs, strict=True)}),
        name=model.name,
    )


def reserved_names(model: KerasModel) -> Names:
    """Names for copies of all layers of a model: their own, or "outer_inner" where those of nested models clash."""
    names, reader = Names(), TfKerasReader()
    for tensor in leaves(reader.graph(model).inputs):
        names.fresh(tensor._keras_history.layer.name)
    names.reserve(model, reader)
    return names


class TfKerasReader:
    """tf_keras's words for a graph; see `replay.Reader`."""

    def is_model(self, operation: Any) -> bool:
        """Whether a layer is a model of its own."""
        return isinstance(operation, _tf.tf_keras().Model)

    def graph(self, model: KerasModel) -> Graph:
        if not getattr(model, "_is_graph_network", False):
            unbuilt = isinstance(model, _tf.tf_keras().Sequential)
            raise ModelError(
                "The model and the models inside it must be Functional, or Sequential with a known input shape.",
                received=f"{type(model).__name__} {model.name!r}, {'not built' if unbuilt else 'a subclassed model'}",
                remedy="Begin it with tf_keras.Input(shape=...)."
                if unbuilt
                else "Rebuild it with the functional API: tf_keras.Model(inputs, outputs).",
            )
        steps = []
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if not node.is_input:
                    kwargs = {k: v for k, v in node.call_kwargs.items() if k != "training"}
                    training = node.call_kwargs.get("training")
                    steps.append(Step(node.layer, tuple(node.call_args), kwargs, leaves(node.outputs), training))
        return Graph(model._nested_inputs, model._nested_outputs, steps)


@dataclass
class Copies:
    """Copies each layer once, with its weights, and makes its calls again; names are those that `names` gives."""

    names: Names
    made: dict[int, Any] = field(default_factory=dict)

    def call(self, step: Step) -> Any:
        old = step.operation
        kwargs = dict(step.kwargs)
        if step.training is not None and old._call_spec.expects_training_arg:
            kwargs["training"] = step.training
        if id(old) in self.made:
            return self.made[id(old)](*step.args, **kwargs)
        new = self.made[id(old)] = copied(old, self.names.of(old))
        outputs = new(*step.args, **kwargs)
        new.set_weights(old.get_weights())
        return outputs


def copied(layer: KerasLayer, name: str | None = None) -> Any:
    """A layer made again from its config, without weights, under its own or another name.

    Raises:
        ModelError: It cannot be.
    """
    tf_keras, name = _tf.tf_keras(), name or layer.name
    is_lambda = type(layer) is tf_keras.layers.Lambda
    if is_lambda:  # its function is in memory already; a config would marshal it
        return tf_keras.layers.Lambda(
            layer.function, layer._output_shape, layer.mask, layer.arguments, name=name, dtype=layer.dtype_policy
        )
    try:
        return type(layer).from_config({**layer.get_config(), "name": name})
    except Exception as error:  # a custom layer's constructor raises what it pleases
        raise ModelError(
            "Every layer must be able to be made again from its config.",
            received=f"layer {layer.name!r} of type {type(layer).__name__}: {reason(error)}",
            remedy="Give it get_config(), and register what it holds with tf_keras.utils.register_keras_serializable.",
        ) from error
