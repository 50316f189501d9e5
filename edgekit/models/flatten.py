"""Opening up the models nested in a tf_keras model, because TF-MOT takes only flat ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.models.bridge.compare import assert_same_outputs
from edgekit.models.bridge.replay import Graph, Names, Step, inline, leaves, pack, reason

__all__ = ["flatten"]


def flatten(model: Any) -> Any:
    """Rebuild a tf_keras model without nested models.

    The layers are copies that keep their names ("outer_inner" where two clash), weights and trainability; a layer that
    is called twice stays one layer. Where a nested model was called with `training=False`, its layers are. Both
    models are run on seeded random inputs before the new one is returned.

    Args:
        model: A built tf_keras Functional or Sequential model.

    Returns:
        A tf_keras Functional model, not compiled; the model itself if nothing is nested in it.

    Raises:
        ModelError: The model or one inside it is subclassed or not built, a layer cannot be copied from its config, or
            the outputs differ.
    """
    tf_keras, reader = _tf.tf_keras(), TfKerasReader()
    if not isinstance(model, tf_keras.Model):
        raise ModelError(
            "flatten takes a tf_keras model.",
            received=f"{type(model).__module__.partition('.')[0]} {type(model).__name__}",
            remedy="A Keras 3 model becomes one by edgekit.models.bridge.",
        )
    graph = reader.graph(model)
    if not any(reader.is_model(layer) for layer in model.layers):
        return model
    names = Names()
    old_inputs, inputs = leaves(graph.inputs), []
    for tensor in old_inputs:
        name = names.fresh(tensor._keras_history.layer.name)
        inputs.append(tf_keras.Input(batch_shape=tuple(tensor.shape), dtype=tensor.dtype, name=name))
    names.reserve(model, reader)
    outputs = inline(model, inputs, reader, _Copies(names).call)
    old_outputs = leaves(graph.outputs)
    flat = tf_keras.Model(
        inputs=pack(graph.inputs, {id(old): new for old, new in zip(old_inputs, inputs, strict=True)}),
        outputs=pack(graph.outputs, {id(old): new for old, new in zip(old_outputs, outputs, strict=True)}),
        name=model.name,
    )
    assert_same_outputs(model, flat)
    return flat


class TfKerasReader:
    """tf_keras's words for a graph; see `replay.Reader`."""

    def is_model(self, operation: Any) -> bool:
        return isinstance(operation, _tf.tf_keras().Model)

    def graph(self, model: Any) -> Graph:
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
class _Copies:
    """Copies each layer once and makes its calls again."""

    names: Names
    made: dict[int, Any] = field(default_factory=dict)

    def call(self, step: Step) -> Any:
        old = step.operation
        kwargs = dict(step.kwargs)
        if step.training is not None and old._call_spec.expects_training_arg:
            kwargs["training"] = step.training
        if id(old) in self.made:
            return self.made[id(old)](*step.args, **kwargs)
        new = self.made[id(old)] = _copy(old, self.names.of(old))
        outputs = new(*step.args, **kwargs)
        new.set_weights(old.get_weights())
        return outputs


def _copy(layer: Any, name: str) -> Any:
    tf_keras = _tf.tf_keras()
    if type(layer) is tf_keras.layers.Lambda:  # its function is in memory already; a config would marshal it
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
