"""What an estimate is a sum of: numbers of a candidate's operators, by figure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from edgekit.searching.costs.arena import planned_bytes
from edgekit.searching.costs.operators import Graph, Operator

__all__ = ["FEATURES"]

_KERNELS = {("CONV_2D", (1, 1)): "CONV_2D.1x1", ("DEPTHWISE_CONV_2D", (3, 3)): "DEPTHWISE_CONV_2D.3x3"}
"""Windows for which runtimes have code of its own."""
_MOVING = ("ADD", "MEAN", "AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "RESHAPE", "MUL", "RELU")
_PLANNING = (64, 58)
"""Bytes that TFLite Micro needs while it plans, and more for each tensor: where activations later lie, so that they
count only where those are fewer. Measured with the wheel for 64-bit hosts."""
_PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _model_bytes(graph: Graph) -> dict[str, float]:
    kinds = Counter(operator.kind for operator in graph.operators)
    found: dict[str, float] = {"file": 1.0, **{f"operators.{kind}": float(n) for kind, n in kinds.items()}}
    found["kinds"] = float(len(kinds))
    products = [operator for operator in graph.operators if operator.kind in _PRODUCTS]
    found["weights"] = float(sum(-(-operator.weights // 16) * 16 for operator in products))
    found["channels"] = float(sum(operator.channels for operator in products))
    found["names"] = float(sum(operator.names for operator in graph.operators))
    found["constants"] = float(graph.constants)
    return found


def _arena_bytes(graph: Graph) -> dict[str, float]:
    kinds = Counter(operator.kind for operator in graph.operators)
    products = [operator for operator in graph.operators if operator.kind in _PRODUCTS]
    return {
        "interpreter": 1.0,
        "plan": float(max(planned_bytes(graph.sizes, graph.spans()), _PLANNING[0] + _PLANNING[1] * graph.tensors)),
        "channels": float(sum(operator.channels for operator in products)),
        **{f"operators.{kind}": float(n) for kind, n in kinds.items()},
    }


def _instructions(graph: Graph) -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    found["call"] = 1.0
    for operator in graph.operators:
        kind, outputs = operator.kind, operator.places * operator.channels
        if kind in _PRODUCTS:
            name = _KERNELS.get((kind, operator.window), kind)
            found[f"{name}.macs"] += operator.macs
            found[f"{name}.outputs"] += outputs
            found[f"{name}.tiles"] += _tiles(operator)
            if name == "CONV_2D":  # the values of each window are put in a row first
                found["CONV_2D.windows"] += operator.macs / operator.channels
            if kind == "DEPTHWISE_CONV_2D":
                found[f"{name}.inputs"] += graph.sizes[operator.inputs[0]]
        elif kind in _MOVING:
            found[kind] += max(outputs, *(graph.sizes[i] for i in operator.inputs))
        else:
            found[kind] += outputs
        found["operators"] += 1
    return dict(found)


def _tiles(operator: Operator) -> int:
    """Multiply-accumulates in whole blocks, as vector kernels compute them: 16 channels, for products 4 places by 8."""
    taps, channels = operator.window[0] * operator.window[1], _up(operator.channels, 16)
    if operator.kind == "DEPTHWISE_CONV_2D":
        return operator.places * taps * channels
    return _up(operator.places, 4) * taps * _up(operator.weights // (taps * operator.channels), 8) * channels


def _up(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


FEATURES: Mapping[str, Callable[[Graph], dict[str, float]]] = {
    "model_bytes": _model_bytes,
    "arena_bytes": _arena_bytes,
    "instructions": _instructions,
}
"""By figure, what its estimate is a sum of: names and numbers; a number that is not there is 0."""
