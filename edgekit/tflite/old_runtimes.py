"""What TensorFlow Lite 2.6, which apps of some years ago ship, takes and answers wrongly without a word.

Measured against 2.14 and LiteRT with the published Java library of 2.6.0; the list need not be complete.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.errors import Finding
from edgekit.tflite.model import Graph, Model, Operator

__all__ = ["RIGHT", "WRONG", "wrong_answers"]

WRONG, RIGHT = (2, 6), (2, 14)
"""The version that was measured to be wrong, and one that was measured to be right; between them nothing is known."""
_NEWER = "let the app ship a newer runtime"
_HIDDEN = 4
"""Which of an LSTM's intermediate tensors has the quantisation of its hidden state."""


def wrong_answers(model: Model) -> tuple[Finding, ...]:
    """One finding for each kind of operator in a model that TensorFlow Lite 2.6 answers wrongly without a word."""
    places: dict[tuple[str, str], list[str]] = {}
    for graph in model.running:
        for operator in graph.operators:
            for rule, remedy in _rules(operator, graph):
                places.setdefault((rule, remedy), []).append(graph.tensors[operator.outputs[0]].name)
    return tuple(
        Finding(rule, _listed(names), remedy, "TensorFlow Lite 2.6") for (rule, remedy), names in places.items()
    )


def _rules(operator: Operator, graph: Graph) -> Iterator[tuple[str, str]]:
    """What TensorFlow Lite 2.6 needs of an operator, where the operator lacks it, and the remedy."""
    if operator.custom:
        return
    if operator.name == "FULLY_CONNECTED" and _channels(operator, graph) > 1:
        yield (
            "FULLY_CONNECTED needs one scale for all its weights: "
            "with one per channel, TensorFlow Lite 2.6 gives the same answer for every input",
            f"Convert to float32 or float16, make a 1x1 convolution of the layer, or {_NEWER}",
        )
    if operator.name in ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM") and _zero_of_hidden_state(operator, graph) != 0:
        yield (
            f"{operator.name} of integers needs a hidden state whose zero point is 0: "
            "TensorFlow Lite 2.6 subtracts any other where it has to be added",
            f"Convert to float32, float16 or dynamic, or {_NEWER}",
        )


def _channels(operator: Operator, graph: Graph) -> int:
    weights = graph.tensors[operator.inputs[1]] if len(operator.inputs) > 1 and operator.inputs[1] >= 0 else None
    return len(weights.quant.scales) if weights is not None and weights.quant is not None else 0


def _zero_of_hidden_state(operator: Operator, graph: Graph) -> int:
    if len(operator.intermediates) <= _HIDDEN or operator.intermediates[_HIDDEN] < 0:
        return 0
    quant = graph.tensors[operator.intermediates[_HIDDEN]].quant
    return quant.zero_points[0] if quant is not None and quant.zero_points else 0


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
