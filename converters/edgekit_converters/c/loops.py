"""Loops of a known number of turns, laid out in one line: what recurrent layers become.

A WHILE whose condition is "a counter is below a constant" turns a fixed number of times. Its body then stands in the
main graph, between a mark that begins the loop and one that ends it; what it carries from turn to turn lies in the
results of the WHILE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from edgekit import tflite
from edgekit.errors import Finding
from edgekit.tflite.options import While
from edgekit_converters.c.refused import Refused

__all__ = ["Begin", "Copy", "Count", "End", "Flat", "Item", "flat", "targets"]

_KNOWN = "EdgeKit converts recurrent layers to loops of this kind: convert the Keras model to int8 with it."


@dataclass(frozen=True)
class Begin:
    """What follows runs so many times."""

    turns: int


@dataclass(frozen=True)
class End:
    """The end of what runs several times."""


@dataclass(frozen=True)
class Copy:
    """A tensor's bytes become another's."""

    source: int
    target: int


@dataclass(frozen=True)
class Count:
    """A counter, int32, grows by a constant."""

    target: int
    by: int


Item: TypeAlias = "int | Begin | End | Copy | Count"
"""An operator by its place, or what a loop adds."""


@dataclass(frozen=True)
class Flat:
    """A graph without loops.

    Attributes:
        graph: The model's first graph; tensors of bodies follow its own, operators of bodies stand among its own.
        order: What runs.
    """

    graph: tflite.Graph
    order: tuple[Item, ...]


def flat(model: tflite.Model) -> Flat:
    """The first graph with the bodies of its loops in it.

    Raises:
        Refused: A loop's number of turns is not known, or it carries its values otherwise than one by one.
    """
    main = model.graphs[0]
    if all(operator.loop is None for operator in main.operators):
        return Flat(main, tuple(range(len(main.operators))))
    layout = _Layout(model, main)
    for place, operator in enumerate(main.operators):
        if operator.loop is None:
            layout.add(operator)
        else:
            layout.loop(place, operator, operator.loop)
    return layout.done()


class _Layout:
    def __init__(self, model: tflite.Model, main: tflite.Graph) -> None:
        self._model, self._main = model, main
        self._tensors, self._operators = list(main.tensors), list[tflite.Operator]()
        self._order: list[Item] = []
        self._read = {i for operator in main.operators for i in operator.inputs}.union(main.outputs)
        self._same: dict[int, int] = {}

    def add(self, operator: tflite.Operator) -> None:
        """An operator of the main graph; it reads what a loop left as it was from where it always was."""
        self._order.append(len(self._operators))
        self._operators.append(replace(operator, inputs=tuple(self._same.get(i, i) for i in operator.inputs)))

    def done(self) -> Flat:
        """All that was laid out."""
        outputs = tuple(self._same.get(i, i) for i in self._main.outputs)
        graph = replace(self._main, tensors=tuple(self._tensors), operators=tuple(self._operators), outputs=outputs)
        return Flat(graph, tuple(self._order))

    def loop(self, place: int, operator: tflite.Operator, options: While) -> None:
        """The turns of one WHILE."""
        loop = _Loop(self._model, self._main, place, operator, options)
        operands = [self._same.get(i, i) for i in operator.inputs]
        places = self._placed(loop, operands)
        carried = [k for k in loop.carried if k in loop.read or operator.outputs[k] in self._read]
        self._order += [Copy(operands[k], operator.outputs[k]) for k in carried]
        self._order.append(Begin(loop.turns))
        for number in loop.operators:
            inner = loop.body.operators[number]
            inputs, outputs = (tuple(places.get(i, i) for i in side) for side in (inner.inputs, inner.outputs))
            self._order.append(len(self._operators))
            self._operators.append(replace(inner, inputs=inputs, outputs=outputs))
        for k in carried:
            result = operator.outputs[k]
            copy = Copy(places[loop.body.outputs[k]], result)
            self._order.append(Count(result, loop.counters[k]) if k in loop.counters else copy)
        self._order.append(End())

    def _placed(self, loop: _Loop, operands: Sequence[int]) -> dict[int, int]:
        """Where each tensor of a body stands in the whole."""
        places: dict[int, int] = {}
        for k, index in enumerate(loop.body.inputs):
            places[index] = loop.results[k] if k in loop.carried else operands[k]
            if k not in loop.carried:
                self._same[loop.results[k]] = operands[k]
        for tensor in loop.body.tensors:
            if tensor.index not in places:
                places[tensor.index] = len(self._tensors)
                self._tensors.append(replace(tensor, index=len(self._tensors)))
        return places


class _Loop:
    """One WHILE, checked.

    Attributes:
        body: Its body.
        results: Its results in the main graph.
        turns: How often it runs.
        carried: Places of the values that change; the others stay what they are.
        counters: By how much each value grows that is a counter.
        operators: Those of the body that run: all but those that count.
        read: Places of the values that these operators read.
    """

    def __init__(
        self, model: tflite.Model, main: tflite.Graph, place: int, operator: tflite.Operator, options: While
    ) -> None:
        self._where = f"WHILE (operator {place})"
        self.body, self.results = model.graphs[options.body_subgraph_index], operator.outputs
        condition = model.graphs[options.cond_subgraph_index]
        body = self.body
        sizes = {len(side) for side in (operator.inputs, operator.outputs, body.inputs, body.outputs, condition.inputs)}
        self._check(len(sizes) == 1, "A loop's condition, body and results have one number of values.", sizes)
        self._check(len(set(body.inputs)) == len(body.inputs), "A loop's values are tensors of their own.")
        self._check(not any(o.loop for o in body.operators), "A loop has no loop in it.")
        self.carried = tuple(k for k, i in enumerate(body.inputs) if body.outputs[k] != i)
        crossed = [k for k in self.carried if body.outputs[k] in body.inputs]
        self._check(not crossed, "No value of a loop takes another one's place.", crossed)
        constant = [k for k in self.carried if body.tensors[body.outputs[k]].data is not None]
        self._check(not constant, "A loop's values are computed.", constant)
        self._check_kinds(main, operator)
        steps = dict(self._steps())
        self.counters: Mapping[int, int] = {k: by for k, (_, by) in steps.items()}
        counting = {number for number, _ in steps.values()}
        self.operators = tuple(number for number in range(len(body.operators)) if number not in counting)
        used = {i for number in self.operators for i in body.operators[number].inputs}
        self.read = frozenset(k for k, i in enumerate(body.inputs) if i in used)
        self.turns = self._turns(main, operator, condition)

    def _check_kinds(self, main: tflite.Graph, operator: tflite.Operator) -> None:
        for k in self.carried:
            first, last = (self.body.tensors[side[k]] for side in (self.body.inputs, self.body.outputs))
            before, after = (main.tensors[side[k]] for side in (operator.inputs, operator.outputs))
            kinds = {(tensor.dtype, tensor.shape, str(tensor.quant)) for tensor in (first, last, after)}
            same = len(kinds) == 1 and (before.dtype, before.elements) == (first.dtype, first.elements)
            self._check(same, "A value that a loop carries keeps its shape, dtype and scale.", first.name)

    def _steps(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Values that grow by a constant: the operator that adds it, and how much. Nothing else reads the sum."""
        body = self.body
        for k in self.carried:
            makers = [number for number, o in enumerate(body.operators) if body.outputs[k] in o.outputs]
            adding = body.operators[makers[0]] if len(makers) == 1 else None
            if adding is None or adding.name != "ADD" or body.tensors[body.inputs[k]].dtype != "int32":
                continue
            others = [i for i in adding.inputs if i != body.inputs[k]]
            if len(others) == 1 and len(adding.inputs) == 2 and not body.readers(body.outputs[k]):
                by = self._number(body.tensors[others[0]])
                if by is not None and body.tensors[body.inputs[k]].elements == 1:
                    yield k, (makers[0], by)

    def _turns(self, main: tflite.Graph, operator: tflite.Operator, condition: tflite.Graph) -> int:
        """How often the condition holds: a counter from a constant on, by a constant, below a constant."""
        only = condition.operators[0] if len(condition.operators) == 1 else None
        rule = "A loop's condition is that a counter is below a constant."
        if only is None or only.name != "LESS" or only.inputs[0] not in condition.inputs:
            raise self._refused(rule, [o.name for o in condition.operators])
        k = condition.inputs.index(only.inputs[0])
        limit, first = self._number(condition.tensors[only.inputs[1]]), self._number(main.tensors[operator.inputs[k]])
        by = self.counters.get(k)
        if limit is None or first is None or by is None or by <= 0 or condition.outputs != only.outputs:
            raise self._refused(rule, [o.name for o in condition.operators])
        turns = -(-(limit - first) // by)
        self._check(turns > 0, "A loop turns at least once.", turns)
        return turns

    @staticmethod
    def _number(tensor: tflite.Tensor) -> int | None:
        known = tensor.data is not None and tensor.data.size == 1 and tensor.dtype == "int32"
        return int(np.asarray(tensor.data).reshape(-1)[0]) if known else None

    def _check(self, holds: bool, rule: str, received: object = None) -> None:
        if not holds:
            raise self._refused(rule, received)

    def _refused(self, rule: str, received: object) -> Refused:
        return Refused(Finding(rule, received, _KNOWN, self._where))


def targets(order: Iterable[Item]) -> set[int]:
    """Tensors that loops carry."""
    return {item.target for item in order if isinstance(item, Copy | Count)}
