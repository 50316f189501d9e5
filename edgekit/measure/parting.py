"""Where a file and its Keras model part: how near each operator's output is to that of the layer that it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit import tflite
from edgekit.measure.parity import LEAST_DB, Answer, has_signal, run
from edgekit.measure.statistics import sqnr_db
from edgekit.tensors import Array
from edgekit.tflite.logits import softmax_input
from edgekit.tflite.writing import opened, packed

__all__ = ["operator_db", "parting_layer"]


@dataclass(frozen=True)
class _Pair:
    """An operator, the tensor that it makes, and what Keras has there.

    Attributes:
        operator, tensor: Their indices in the first graph.
        layer: The layer's name.
        wanted: Its output float32 [n, ...].
        centred: Only differences within a sample count, as of what goes into a softmax.
    """

    operator: int
    tensor: int
    layer: str
    wanted: Array
    centred: bool = False


def parting_layer(
    model: tflite.Model, samples: Mapping[str, Array], layers: Sequence[tuple[str, Array]], kind: str
) -> str | None:
    """The first layer whose output in the file is far from Keras's.

    Args:
        model: The file.
        samples: A few, by the names of its signature.
        layers: Name and output [N, ...] of each layer, in the order in which they run.
        kind: The file's format.
    """
    pairs = _pairs(model, layers, ())
    for pair, near in zip(pairs, _near(model, samples, pairs), strict=True):
        if near is not None and near < LEAST_DB[kind]:
            return pair.layer
    return None


def operator_db(
    model: tflite.Model, samples: Mapping[str, Array], layers: Sequence[tuple[str, Array]], answers: Sequence[Answer]
) -> tuple[float | None, ...]:
    """How near each operator's output is to Keras's (SQNR in dB); None where no layer has that output, or no signal.

    Args:
        model, samples, layers: As for `parting_layer`.
        answers: What Keras answers to these samples, for what goes into a final softmax.
    """
    pairs = _pairs(model, layers, answers)
    found: list[float | None] = [None] * len(model.graphs[0].operators)
    for pair, near in zip(pairs, _near(model, samples, pairs), strict=True):
        found[pair.operator] = near
    return tuple(found)


def _pairs(model: tflite.Model, layers: Sequence[tuple[str, Array]], answers: Sequence[Answer]) -> list[_Pair]:
    """What can be compared, in the order in which the operators run.

    The converter names a tensor after all that was fused into it, as "relu/Relu;bn/FusedBatchNormV3;conv/Conv2D": it is
    the output of the last of these layers. Of several operators that a layer becomes, the last gives its output. A
    constant that is shared brings the name of a layer to operators of others; never in the first place.
    """
    graph = model.graphs[0]
    order = {name: k for k, (name, _) in enumerate(layers)}
    named: dict[str, tuple[bool, _Pair]] = {}
    for number, operator in enumerate(graph.operators):
        for tensor in map(int, operator.outputs):
            first, *others = (f"/{part}/".replace("/quant_", "/") for part in graph.tensors[tensor].name.split(";"))
            for name, wanted in layers:
                inside = f"/{name.removeprefix('quant_')}/"
                fits = graph.tensors[tensor].elements * len(wanted) == wanted.size
                leads = inside in first
                if fits and (leads or any(inside in other for other in others)):
                    key = name.removeprefix("quant_")
                    if leads or not named.get(key, (False,))[0]:
                        named[key] = leads, _Pair(number, tensor, name, wanted)
    found = {key: pair for key, (_, pair) in named.items()}
    computed = {int(t): n for n, operator in enumerate(graph.operators) for t in operator.outputs}
    outputs = {
        name: t for name, t in (model.signatures[0].outputs if model.signatures else {}).items() if t in computed
    }
    for name, wanted in layers:
        tensor = outputs.get(name.removeprefix("quant_"), -1)
        if tensor >= 0 and graph.tensors[tensor].elements * len(wanted) == wanted.size:
            found[name.removeprefix("quant_")] = _Pair(computed[tensor], tensor, name, wanted)
    pairs = {pair.operator: pair for pair in sorted(found.values(), key=lambda pair: order[pair.layer])}
    for answer in answers:
        before = softmax_input(model, outputs[answer.name]) if answer.name in outputs else None
        if before in computed and answer.logits is not None:
            pairs[computed[before]] = _Pair(computed[before], before, answer.name, answer.logits, centred=True)
    return [pairs[number] for number in sorted(pairs)]


def _near(model: tflite.Model, samples: Mapping[str, Array], pairs: Sequence[_Pair]) -> list[float | None]:
    """SQNR of each pair; None where Keras's output has no signal."""
    if not pairs:
        return []
    changed = opened(model.content)
    changed.subgraphs[0].outputs = np.array([pair.tensor for pair in pairs], np.int32)
    outputs, specs = run(packed(changed), model, samples)
    found: list[float | None] = []
    for pair, output in zip(pairs, outputs, strict=True):
        given = output.reshape(pair.wanted.shape)
        if pair.centred:
            given = given - given.mean(axis=-1, keepdims=True)
        found.append(sqnr_db(pair.wanted, given) if has_signal(pair.wanted, specs[len(found)]) else None)
    return found
