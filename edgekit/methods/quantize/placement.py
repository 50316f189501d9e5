"""Where ranges belong in a canonical model: after every value that the integer file stores, and nowhere else.

A value inside a fused operator (a convolution before its batch normalisation and ReLU, an addition before its ReLU) is
never stored, so it is not rounded; operators with one scale for input and output need no range of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from edgekit import _tf
from edgekit.keras.bridge.replay import Step, leaves, steps_of
from edgekit.keras.kinds import kind_of
from edgekit.keras.rewriting import TfKerasReader
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor
from edgekit.methods.quantize.kinds import activation_name, fixed_range, is_fused_relu

__all__ = ["Placement", "has_mask", "place", "unrounded_inputs"]


@dataclass(frozen=True)
class Placement:
    """What happens to one layer.

    Attributes:
        weights: The attribute that is rounded, or "".
        ranged: Its output gets a range from data.
        fixed: Its output has this range, (lowest, highest), or None.
        by_converter: What the converter calibrates: "" nothing, "inside" all but the output, "all".
    """

    weights: str = ""
    ranged: bool = False
    fixed: tuple[float, float] | None = None
    by_converter: Literal["", "inside", "all"] = ""


def place(model: KerasModel, leave: Callable[[str], bool]) -> dict[str, Placement]:
    """What happens to each layer, by name.

    Args:
        model: A canonical tf_keras model.
        leave: Whether a layer of that name is left to the converter.
    """
    graph = TfKerasReader().graph(model)
    consumers: dict[int, list[Any]] = {}
    producers: dict[int, Any] = {}
    steps = steps_of(graph)
    for step in steps:
        for tensor in leaves((step.args, step.kwargs)):
            consumers.setdefault(id(tensor), []).append(step)
        for tensor in step.outputs:
            producers[id(tensor)] = step.operation
    ends = {id(t) for t in leaves(graph.outputs)}
    around = _Around(consumers, producers, ends)
    found: dict[str, Placement] = {}
    for step in steps:
        layer = step.operation
        if leave(layer.name) or has_mask(step):
            found.setdefault(
                layer.name,
                Placement(by_converter="all" if kind_of(layer).scale != "same" or layer.weights else ""),
            )
            continue
        placement = _of(step, around)
        before = found.get(layer.name)
        found[layer.name] = placement if before is None or placement.ranged else before
    return found


def unrounded_inputs(model: KerasModel, placements: dict[str, Placement]) -> set[str]:
    """Names of inputs that meet an operator which the converter calibrates: it cannot take a rounded input there."""
    graph = TfKerasReader().graph(model)
    steps = steps_of(graph)
    reached = {id(t): t._keras_history.layer.name for t in leaves(graph.inputs)}
    found = set()
    for step in steps:
        origins = {reached[id(t)] for t in leaves((step.args, step.kwargs)) if id(t) in reached}
        placement = placements[step.operation.name]
        if not origins:
            continue
        if kind_of(step.operation).scale == "same" and not placement.weights:
            reached.update({id(t): origin for t in step.outputs for origin in origins})
        elif placement.by_converter or (kind_of(step.operation).channels == "dense" and not placement.ranged):
            found |= origins
    return found


def has_mask(step: Step) -> bool:
    """Whether a Keras mask comes in or goes out: wrappers would lose it, and with it the layer's meaning."""
    tensors = [*leaves((step.args, step.kwargs)), *step.outputs]
    return any(getattr(t, "_keras_mask", None) is not None for t in tensors)


@dataclass(frozen=True)
class _Around:
    consumers: dict[int, list[Any]]
    producers: dict[int, Any]
    ends: set[int]

    def next_of(self, tensor: KerasTensor) -> list[Any]:
        """The layers that a value goes to, dropouts looked through; None stands for the model's output."""
        found: list[Any] = [None] if id(tensor) in self.ends else []
        for step in self.consumers.get(id(tensor), []):
            if kind_of(step.operation).is_gone:
                found += self.next_of(step.outputs[0])
            else:
                found.append(step.operation)
        return found


def _of(step: Step, around: _Around) -> Placement:
    layer, kind = step.operation, kind_of(step.operation)
    weights = kind.rounded
    if kind.indices_key and step.args and step.args[0].dtype != _tf.tensorflow().int32:
        weights = ""
    if kind.scales == "depthwise" and layer.data_format != "channels_last":
        weights = ""
    if kind.scale == "same":
        return Placement(weights, by_converter="all" if layer.weights and not weights else "")
    if len(step.outputs) != 1 or not step.outputs[0].dtype.is_floating or kind.calibrated == "all":
        return Placement(by_converter="all")
    after = around.next_of(step.outputs[0])
    if _inside_hard_swish(step, after, around) or _relu_of_pool(step, around):
        return Placement()
    fixed = fixed_range(layer)
    if fixed is not None:
        return Placement(fixed=None if None in after else fixed)
    ranged = not _fused_into(layer, after)
    inside = ranged and not weights and (layer.weights or kind.calibrated == "inside")
    if kind.is_batch_norm and _folded(step, around):
        inside = False
    return Placement(weights, ranged, by_converter="inside" if inside else "")


def _folded(step: Step, around: _Around) -> bool:
    """Whether a batch normalisation's own producer takes it in."""
    tensor = step.args[0]
    producer = around.producers.get(id(tensor))
    return producer is not None and _fused_into(producer, around.next_of(tensor))


def _fused_into(layer: KerasLayer, after: list[Any]) -> bool:
    """Whether the value that a layer makes is in no file, or comes in the scale of what follows."""
    if len(after) != 1 or after[0] is None:
        return False
    if kind_of(after[0]).scale == "shared":
        return True
    if activation_name(layer) != "linear":
        return False
    if kind_of(after[0]).is_batch_norm:
        return kind_of(layer).folds_batch_norm
    return is_fused_relu(after[0]) and kind_of(layer).fuses_relu


def _relu_of_pool(step: Step, around: _Around) -> bool:
    """A ReLU that the converter fuses into a pooling, whose scale is that of its input."""
    if not is_fused_relu(step.operation):
        return False
    producer = around.producers.get(id(step.args[0]))
    return producer is not None and kind_of(producer).is_pool


def _inside_hard_swish(step: Step, after: list[Any], around: _Around) -> bool:
    """A ReLU6 between bare operations, x * relu6(x + 3) / 6: the converter makes HARD_SWISH of the whole."""
    if not is_fused_relu(step.operation) or not step.args:
        return False
    before = around.producers.get(id(step.args[0]))
    return type(before).__name__ == "TFOpLambda" and all(type(a).__name__ == "TFOpLambda" for a in after)
