"""Multiply-accumulates of a Keras model, counted from its layers' shapes; the `.tflite` has a count of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from edgekit.keras.types import KerasModel

__all__ = ["layer_macs", "model_macs"]


def model_macs(model: KerasModel) -> int | None:
    """MACs of one inference at batch 1; a layer that is called twice counts twice.

    Counts the products of dense layers, convolutions, attention and recurrent layers, as `count_macs` does on a
    `.tflite`; biases, normalisation, element-wise products and pooling are not counted. Wrappers of quantisation and
    pruning are looked through. Layers of other kinds count nothing.

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
    layer: Any, *, inputs: Sequence[int] | None = None, outputs: int | None = None, heads: int | None = None
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


def _node_macs(
    layer: Any,
    node: Any,
    inputs: Sequence[int] | None = None,
    outputs: int | None = None,
    heads: int | None = None,
) -> int | None:
    while hasattr(layer, "layer") and type(layer).__name__ in _TRANSPARENT:
        layer = layer.layer
    rule = _RULES.get(type(layer).__name__)
    if rule is None:
        return 0
    shapes_in, shapes_out = _shapes(node.input_shapes), _shapes(node.output_shapes)
    if type(layer).__name__ == "MultiHeadAttention":
        shapes_in = _attention_shapes(node, shapes_in)
    if inputs is not None:
        shapes_in = [(*s[:-1], w) for s, w in zip(shapes_in, inputs, strict=True)]
    if outputs is not None:
        shapes_out = [(*s[:-1], outputs) for s in shapes_out[:1]]
    try:
        return rule(layer, shapes_in, shapes_out, heads)
    except TypeError:  # an open dimension is None, which does not multiply
        return None


Shape = tuple[int, ...]
Rule = Callable[[Any, list[Shape], list[Shape], int | None], int]

_TRANSPARENT = ("QuantizeWrapper", "QuantizeWrapperV2", "PruneLowMagnitude")


def _shapes(found: Any) -> list[Shape]:
    """Shapes without the batch, whatever structure Keras keeps them in."""
    if isinstance(found, dict):
        return [s for key in sorted(found) for s in _shapes(found[key])]
    if isinstance(found, list):
        return [s for item in found for s in _shapes(item)]
    return [tuple(found[1:])]


def _attention_shapes(node: Any, shapes: list[Shape]) -> list[Shape]:
    """Of query, value and key; Keras lists a tensor that is given twice once or twice, and the mask too."""
    arguments = [*node.call_args, *([node.call_kwargs["value"]] if "value" in node.call_kwargs else [])][:3]
    given = [a for a in arguments if a is not None]
    key = node.call_kwargs.get("key")
    ordered = [*given[:2], key if key is not None else given[-1]]
    return [tuple(t.shape[1:]) for t in ordered]


def _dense(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    return math.prod(x[0]) * y[0][-1]


def _conv(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    return int(math.prod(y[0]) * math.prod(layer.kernel_size) * (x[0][-1] // layer.groups))


def _transposed(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    return int(math.prod(x[0]) * math.prod(layer.kernel_size) * y[0][-1])  # each input is spread over the filter


def _depthwise(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    return int(math.prod(y[0][:-1]) * math.prod(layer.kernel_size) * x[0][-1] * layer.depth_multiplier)


def _separable(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    wide = x[0][-1] * layer.depth_multiplier
    return int(math.prod(y[0][:-1]) * (math.prod(layer.kernel_size) * wide + wide * y[0][-1]))


def _attention(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    config = layer.get_config()
    key_width, heads = config["key_dim"], config["num_heads"] if heads is None else heads
    value_width = config["value_dim"] or key_width
    query, value, key = x
    steps, memory = math.prod(query[:-1]), math.prod(value[:-1])
    projections = math.prod(query) * key_width + math.prod(key) * key_width + math.prod(value) * value_width
    mixed = steps * memory * (key_width + value_width)
    return int(heads * (projections + mixed + steps * value_width * y[0][-1]))


def _recurrent(gates: int) -> Rule:
    def rule(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
        return int(math.prod(x[0][:-1]) * gates * layer.units * (x[0][-1] + layer.units))

    return rule


def _bidirectional(layer: Any, x: list[Shape], y: list[Shape], heads: int | None) -> int:
    rule = _RULES.get(type(layer.forward_layer).__name__)
    return 2 * rule(layer.forward_layer, x, y, heads) if rule else 0


_RULES: dict[str, Rule] = {
    "Bidirectional": _bidirectional,
    "Conv1D": _conv,
    "Conv1DTranspose": _transposed,
    "Conv2D": _conv,
    "Conv2DTranspose": _transposed,
    "Conv3D": _conv,
    "Dense": _dense,
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "GRU": _recurrent(3),
    "LSTM": _recurrent(4),
    "MultiHeadAttention": _attention,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
    "SimpleRNN": _recurrent(1),
}
