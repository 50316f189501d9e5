"""Multiply-accumulates of a Keras model, counted from its layers' shapes; the `.tflite` has a count of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgekit import _tf
from edgekit.keras.kinds import kind_of
from edgekit.keras.mac_rules import MacRule, Shape
from edgekit.keras.types import KerasLayer, KerasModel, KerasNode

__all__ = ["layer_macs", "model_macs", "uncounted"]


def model_macs(model: KerasModel) -> int | None:
    """MACs of one inference at batch 1; a layer that is called twice counts twice.

    Counts the products of dense layers, convolutions, attention and recurrent layers, as `count_macs` does on a
    `.tflite`; biases, normalisation, element-wise products and pooling are not counted. Wrappers of quantisation and
    pruning are looked through. Layers of other kinds count nothing; `uncounted` names those with a kernel.

    Args:
        model: A built, flat tf_keras Functional or Sequential model.

    Returns:
        The MACs, or None where a shape is open.
    """
    total = 0
    nodes = {id(n): n for depth in model._nodes_by_depth.values() for n in depth}
    for node in nodes.values():
        macs = _node_macs(node.layer, node)
        if macs is None:
            return None
        total += macs
    return total


def layer_macs(
    layer: KerasLayer, *, inputs: Sequence[int] | None = None, outputs: int | None = None, heads: int | None = None
) -> int | None:
    """MACs of one call of a layer, as it is or as it would be with other widths.

    Args:
        layer: A tf_keras layer that stands in a model; its first call gives the shapes.
        inputs: Channels of each input in place of its own; query, value and key for MultiHeadAttention.
        outputs: Filters or units in place of its own.
        heads: Attention heads in place of its own.

    Returns:
        The MACs, 0 for kinds of layers that multiply nothing worth counting, or None where a shape is open.
    """
    return _node_macs(layer, layer.inbound_nodes[0], inputs, outputs, heads) if layer.inbound_nodes else 0


def uncounted(model: KerasModel) -> list[str]:
    """Layers with a kernel whose products `model_macs` leaves out, as "name (Class)"."""
    left = []
    for layer in model.layers:
        inner = layer
        while kind_of(inner).is_wrapper:
            inner = inner.layer
        if _rule(inner) is None and any(len(w.shape) >= 2 and "kernel" in w.name for w in inner.weights):
            left.append(f"{inner.name} ({type(inner).__name__})")
    return left


def _node_macs(
    layer: KerasLayer,
    node: KerasNode,
    inputs: Sequence[int] | None = None,
    outputs: int | None = None,
    heads: int | None = None,
) -> int | None:
    while kind_of(layer).is_wrapper:
        layer = layer.layer
    rule = _rule(layer)
    if rule is None:
        return 0
    shapes_in, shapes_out = _shapes(node.input_shapes), _shapes(node.output_shapes)
    if kind_of(layer).channels == "attention":
        shapes_in = _attention_shapes(node, shapes_in)
    if inputs is not None:
        shapes_in = [(*s[:-1], w) for s, w in zip(shapes_in, inputs, strict=True)]
    if outputs is not None:
        shapes_out = [(*s[:-1], outputs) for s in shapes_out[:1]]
    try:
        return rule(layer, shapes_in, shapes_out, heads)
    except TypeError:  # an open dimension is None, which does not multiply
        return None


def _rule(layer: KerasLayer) -> MacRule | None:
    """Of the layer's kind, or of what it holds: once for each direction, or once for each step."""
    if not kind_of(layer).holds:
        return kind_of(layer).macs
    inner = [getattr(layer, name) for name in kind_of(layer).holds.values()]
    rules = [(part, kind_of(part).macs) for part in inner if isinstance(part, _tf.tf_keras().layers.Layer)]
    steps = isinstance(layer, _tf.tf_keras().layers.TimeDistributed)

    def rule(layer: KerasLayer, x: list[Shape], y: list[Shape], heads: int | None) -> int:
        times = x[0][0] if steps else 1
        x, y = ([s[1:] for s in x], [s[1:] for s in y]) if steps else (x, y)
        return times * sum(count(part, x, y, heads) for part, count in rules if count)

    return rule if any(count for _, count in rules) else None


def _shapes(found: Any) -> list[Shape]:
    """Shapes without the batch, whatever structure Keras keeps them in."""
    if isinstance(found, dict):
        return [s for key in sorted(found) for s in _shapes(found[key])]
    if isinstance(found, list):
        return [s for item in found for s in _shapes(item)]
    return [tuple(found[1:])]


def _attention_shapes(node: KerasNode, shapes: list[Shape]) -> list[Shape]:
    """Of query, value and key; Keras lists a tensor that is given twice once or twice, and the mask too."""
    arguments = [*node.call_args, *([node.call_kwargs["value"]] if "value" in node.call_kwargs else [])][:3]
    given = [a for a in arguments if a is not None]
    key = node.call_kwargs.get("key")
    ordered = [*given[:2], key if key is not None else given[-1]]
    return [tuple(t.shape[1:]) for t in ordered]
