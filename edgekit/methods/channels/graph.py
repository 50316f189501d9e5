"""Which channels of a model must go together, after DepGraph (Fang et al. 2023, arXiv:2301.12900, section 3).

Every tensor carries one number for each entry of its last axis. Layers that make channels hand out new numbers, layers
that pass them on repeat or join them, and layers that need two to be the same channel tie them. What is tied in the end
goes or stays as one; what the analysis cannot follow is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.keras.bridge.replay import Step, leaves, steps_of
from edgekit.keras.rewriting import TfKerasReader
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor
from edgekit.methods.channels.rules import Call, Tracker, rule_for

__all__ = ["KEPT", "MAKES_OUTPUT", "Channels", "Cut", "Group", "Ids", "analyse"]

Ids = NDArray[np.int64]
MAKES_OUTPUT = "it makes the model's output"
"""Why channels stay that are what the model answers: which its user expects."""
KEPT = 0
"""The number of every channel that must stay; those that may go count from 1."""


@dataclass(frozen=True)
class Cut:
    """How one layer follows the channels around it.

    Attributes:
        layer: The tf_keras layer.
        weights: For each weight, in Keras's order, the channels along the axes that shrink.
        widths: Entries of the layer's config that hold a number of channels.
        inputs: Channels whose values the layer mixes, which end here; by the place of the tensor among its arguments.
        outputs: Channels that it makes, or None.
        heads: Attention heads, or None.
    """

    layer: KerasLayer
    weights: tuple[Mapping[int, Ids], ...]
    widths: Mapping[str, Ids]
    inputs: Mapping[int, Ids]
    outputs: Ids | None
    heads: Ids | None


@dataclass(frozen=True)
class Group:
    """Channels made by the same layers; each goes or stays in all of them.

    Attributes:
        layers: The layers that make them, in the order of the graph; heads of attention are called "layer.heads".
        channels: Their numbers.
        heads: They are heads of attention.
    """

    layers: tuple[str, ...]
    channels: Ids
    heads: bool = False

    @property
    def name(self) -> str:
        return ", ".join(self.layers)


@dataclass(frozen=True)
class Channels:
    """What is known of a model's channels.

    Attributes:
        steps: The model's calls, producers first.
        cuts: By layer name.
        groups: What may go, in the order of the graph.
        unsafe: Why channels of a layer must stay, for the layers of which none may go.
        count: How many numbers there are; a choice of channels is a boolean array [count], True for what stays.
    """

    steps: tuple[Step, ...]
    cuts: Mapping[str, Cut]
    groups: tuple[Group, ...]
    unsafe: Mapping[str, str]
    count: int

    def all_kept(self) -> NDArray[np.bool_]:
        """The choice that removes nothing."""
        return np.ones(self.count, bool)


def analyse(model: KerasModel) -> Channels:
    """Follow the channels through a model's graph.

    Args:
        model: A built tf_keras Functional or Sequential model. Models nested in it are kept as they are: flatten first.

    Raises:
        ModelError: The model is subclassed or not built.
    """
    graph = TfKerasReader().graph(model)
    steps = steps_of(graph)
    found = _Analysis()
    calls = Counter(id(step.operation) for step in steps)
    for tensor in leaves(graph.inputs):
        found.values[id(tensor)] = found.unknown(tensor, "it is the model's input")
    for step in steps:
        found.step(step, repeated=calls[id(step.operation)] > 1)
    for tensor in leaves(graph.outputs):
        made = found.values[id(tensor)].tolist()
        found.reasons.update(dict.fromkeys(made, MAKES_OUTPUT))  # which says more than an activation
    return found.result(steps)


@dataclass
class _Draft:
    layer: KerasLayer
    weights: list[dict[int, Ids]]
    widths: dict[str, Ids] = field(default_factory=dict)
    inputs: dict[int, Ids] = field(default_factory=dict)
    outputs: Ids | None = None
    heads: Ids | None = None


@dataclass
class _Analysis(Tracker):
    """Numbers channels, keeps what is tied in a forest of parents, and collects cuts."""

    values: dict[int, Ids] = field(default_factory=dict)
    parents: list[int] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    drafts: dict[str, _Draft] = field(default_factory=dict)

    def fresh(self, count: int) -> Ids:
        first = len(self.parents)
        self.parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def tie(self, one: Ids, other: Ids) -> None:
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            a, b = self.root(a), self.root(b)
            if a != b:
                self.parents[max(a, b)] = min(a, b)

    def freeze(self, ids: Ids, reason: str) -> None:
        for i in ids.tolist():
            self.reasons.setdefault(i, reason)

    def unknown(self, tensor: KerasTensor, reason: str) -> Ids:
        shape = tensor.shape
        ids = self.fresh(int(shape[-1]) if len(shape) and shape[-1] is not None else 0)
        self.freeze(ids, reason)
        return ids

    def cut(
        self,
        layer: KerasLayer,
        weights: list[dict[int, Ids]],
        *,
        widths: dict[str, Ids] | None = None,
        inputs: dict[int, Ids] | None = None,
        outputs: Ids | None = None,
        heads: Ids | None = None,
    ) -> None:
        missing = len(layer.weights) - len(weights)
        self.drafts[layer.name] = _Draft(
            layer, [*weights, *({} for _ in range(missing))], widths or {}, inputs or {}, outputs, heads
        )

    def step(self, step: Step, *, repeated: bool) -> None:
        layer = step.operation
        tensors = [t for t in leaves((step.args, step.kwargs)) if id(t) in self.values]
        inputs = [self.values[id(t)] for t in tensors]
        rule = rule_for(layer)
        given = None
        what = f"the layer {layer.name!r} ({type(layer).__name__})"
        reason = f"{what} is called twice" if repeated else f"{what} cannot be followed"
        if not repeated and rule is not None and len(step.outputs) == 1:
            given = rule(self, Call(layer, tuple(step.args), dict(step.kwargs), tensors, inputs, step.outputs[0]))
        if given is not None:
            self.values[id(step.outputs[0])] = given
            return
        for ids in inputs:
            self.freeze(ids, reason)
        for tensor in step.outputs:
            self.values[id(tensor)] = self.unknown(tensor, reason)
        made = [self.values[id(t)] for t in step.outputs]
        if layer.weights and layer.name not in self.drafts:
            self.drafts[layer.name] = _Draft(layer, [{} for _ in layer.weights], outputs=made[0])

    def root(self, i: int) -> int:
        while self.parents[i] != i:
            self.parents[i] = self.parents[self.parents[i]]
            i = self.parents[i]
        return i

    def result(self, steps: list[Step]) -> Channels:
        roots = np.array([self.root(i) for i in range(len(self.parents))], np.int64)
        frozen = {int(roots[i]): reason for i, reason in reversed(self.reasons.items())}
        free = [int(r) for r in np.unique(roots) if int(r) not in frozen]
        numbers = np.zeros(len(roots) + 1, np.int64)
        numbers[free] = np.arange(1, len(free) + 1)
        final = numbers[roots] if len(roots) else roots

        makers: dict[int, list[str]] = {}
        of_heads = set[int]()
        unsafe: dict[str, str] = {}
        cuts = {}
        for name, draft in self.drafts.items():
            for label, ids in ((name, draft.outputs), (f"{name}.heads", draft.heads)):
                if ids is None or not len(ids):
                    continue
                for number in np.unique(final[ids]).tolist():
                    if number != KEPT:
                        makers.setdefault(number, []).append(label)
                        of_heads |= {number} if ids is draft.heads else set()
                if not final[ids].any():
                    unsafe[label] = frozen[int(roots[ids[0]])]
            cuts[name] = _resolved(draft, final)
        grouped: dict[tuple[str, ...], list[int]] = {}
        for number, layers in sorted(makers.items()):
            grouped.setdefault(tuple(layers), []).append(number)
        groups = tuple(
            Group(layers, np.array(found, np.int64), of_heads.issuperset(found)) for layers, found in grouped.items()
        )
        return Channels(tuple(steps), cuts, groups, unsafe, len(free) + 1)


def _resolved(draft: _Draft, final: Ids) -> Cut:
    """The cut in final numbers; what was one array stays one, so that an axis can be told to be that of the outputs."""
    made: dict[int, Ids] = {}

    def number(ids: Ids) -> Ids:
        return made.setdefault(id(ids), final[ids])

    return Cut(
        draft.layer,
        tuple({axis: number(ids) for axis, ids in axes.items()} for axes in draft.weights),
        {key: number(ids) for key, ids in draft.widths.items()},
        {place: number(ids) for place, ids in draft.inputs.items()},
        None if draft.outputs is None else number(draft.outputs),
        None if draft.heads is None else number(draft.heads),
    )
