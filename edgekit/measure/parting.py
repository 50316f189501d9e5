"""Where a file and its Keras model part: the first layer whose output is another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgekit import tflite
from edgekit.measure.parity import LEAST_DB, run
from edgekit.measure.statistics import sqnr_db
from edgekit.tensors import Array
from edgekit.tflite.writing import opened, packed

__all__ = ["parting_layer"]


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
    graph = model.graphs[0]
    computed = {int(t): n for n, operator in enumerate(graph.operators) for t in operator.outputs}
    found: list[tuple[str, Array, int]] = []
    outputs = model.signatures[0].outputs
    for name, wanted in layers:
        named = [t for t in computed if f"/{name}/" in f"/{graph.tensors[t].name}/"]
        if name.removeprefix("quant_") in outputs:
            named = [outputs[name.removeprefix("quant_")]]
        fitting = [t for t in named if graph.tensors[t].elements * len(wanted) == wanted.size]
        if fitting:
            found.append((name, wanted, max(fitting, key=lambda t: computed.get(t, 0))))
    if not found:
        return None
    changed = opened(model.content)
    changed.subgraphs[0].outputs = np.array([tensor for _, _, tensor in found], np.int32)
    answers, _ = run(packed(changed), model, samples)
    for (name, wanted, _), given in zip(found, answers, strict=True):
        if np.ptp(wanted) > 0 and sqnr_db(wanted, given.reshape(wanted.shape)) < LEAST_DB[kind]:
            return name
    return None
