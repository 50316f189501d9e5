"""Reading the graph of a Keras 3 model."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.opening import opened_model
from edgekit.keras.bridge.replay import Graph, Step, leaves
from edgekit.keras.types import Keras3Node, KerasModel

__all__ = ["Keras3Reader"]


class Keras3Reader:
    """Keras 3's words for a graph; see `replay.Reader`."""

    def __init__(self) -> None:
        self._opened: dict[int, Any] = {}
        """Subclassed models, by id: each is opened up once, so that its layers and operations stay the same objects."""

    def is_model(self, operation: Any) -> bool:
        """Whether a layer is a model of its own."""
        return isinstance(operation, _tf.keras3().Model)

    def graph(self, model: KerasModel) -> Graph:
        functional = self._functional(model)
        steps = []
        for depth in sorted(functional._nodes_by_depth, reverse=True):
            for node in functional._nodes_by_depth[depth]:
                if not node.is_input and node.operation is not None:
                    args, kwargs = _arguments(node)
                    steps.append(Step(node.operation, args, kwargs, list(node.outputs)))
        return Graph(functional._inputs_struct, functional._outputs_struct, steps)

    def _functional(self, model: KerasModel) -> Any:
        keras = _tf.keras3()
        if isinstance(model, keras.Sequential):
            if model._functional is not None:
                return model._functional
            raise ModelError(
                "A Sequential model must know its input shape.",
                received=f"model {model.name!r}, which is not built",
                remedy="Begin it with keras.Input(shape=...), or call it once on data.",
            )
        if hasattr(model, "_nodes_by_depth"):
            return model
        if id(model) not in self._opened:
            self._opened[id(model)] = opened_model(model)
        if self._opened[id(model)] is None:
            raise ModelError(
                "A subclassed model must know the shape of its one input.",
                received=f"{type(model).__name__} {model.name!r}, which was never called, or has several inputs",
                remedy="Call it once on data, or rebuild it with the functional API: keras.Model(inputs, outputs).",
            )
        return self._opened[id(model)]


def _arguments(node: Keras3Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A node's arguments as its author wrote them.

    Keras 3 adds `training` (always, and overrides it when the model runs, so it carries no meaning) and the masks that
    tensors carry. tf_keras finds those masks on its own tensors again.
    """
    args = tuple(node.arguments.args)
    kwargs = {k: v for k, v in node.arguments.kwargs.items() if k != "training" and v is not None}
    for name in [k for k in kwargs if k == "mask" or k.endswith("_mask")]:
        carried = [
            getattr(t, "_keras_mask", None) for t in leaves(_masked(node, name.removesuffix("mask").rstrip("_")))
        ]
        given = leaves(kwargs[name])
        if all(mask is None for mask in given):
            del kwargs[name]
        elif len(given) == len(carried) and all(a is b for a, b in zip(given, carried, strict=True)):
            del kwargs[name]
    return args, kwargs


def _masked(node: Keras3Node, argument: str) -> Any:
    """The tensors that a mask argument speaks of: those of `query` for `query_mask`, the first ones for `mask`."""
    kwargs = node.arguments.kwargs
    if argument in kwargs:
        return kwargs[argument]
    names = list(getattr(node.operation, "call_signature_parameters", ())) if argument else []
    position = names.index(argument) if argument in names else 0
    return node.arguments.args[position] if position < len(node.arguments.args) else None
