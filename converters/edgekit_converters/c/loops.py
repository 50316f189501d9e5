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

__all__ = ["Begin", "Copy", "Count", "End", "Flat", "Item", "Write", "flat", "targets"]

_MOST_NUMBERS = 8
"""Of a counter: one for each dimension of a sequence."""
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
    """A counter of int32 values grows by constants."""

    target: int
    by: tuple[int, ...]


@dataclass(frozen=True)
class Write:
    """Rows become those of a sequence from a place on, which is the first value of a tensor."""

    rows: int
    start: int
    target: int


Item: TypeAlias = "int | Begin | End | Copy | Count | Write"
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
        # What is written is so while counters still say where.
        for k in sorted(carried, key=lambda k: k in loop.counters):
            result = operator.outputs[k]
            if k in loop.counters:
                self._order.append(Count(result, loop.counters[k]))
            elif k in loop.written:
                rows, start = (places[i] for i in loop.written[k])
                self._order.append(Write(rows, start, result))
            else:
                self._order.append(Copy(places[loop.body.outputs[k]], result))
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
        written: Of each sequence that gets rows in every turn: the tensors of the body that are these rows, and where.
        operators: Those of the body that run: all but those that count and write.
        read: Places of the values that all of these but counters read.
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
        self.counters: Mapping[int, tuple[int, ...]] = {k: by for k, (_, by) in steps.items()}
        writing = dict(self._writes())
        self.written: Mapping[int, tuple[int, int]] = {k: rows for k, (_, rows) in writing.items()}
        apart = {number for number, _ in (*steps.values(), *writing.values())}
        self.operators = tuple(number for number in range(len(body.operators)) if number not in apart)
        used = {i for number in self.operators for i in body.operators[number].inputs}
        used.update(i for rows in self.written.values() for i in rows)
        self.read = frozenset(k for k, i in enumerate(body.inputs) if i in used)
        self.turns = self._turns(main, operator, condition)

    def _check_kinds(self, main: tflite.Graph, operator: tflite.Operator) -> None:
        for k in self.carried:
            first, last = (self.body.tensors[side[k]] for side in (self.body.inputs, self.body.outputs))
            before, after = (main.tensors[side[k]] for side in (operator.inputs, operator.outputs))
            kinds = {(tensor.dtype, tensor.shape, str(tensor.quant)) for tensor in (first, last, after)}
            same = len(kinds) == 1 and (before.dtype, before.elements) == (first.dtype, first.elements)
            self._check(same, "A value that a loop carries keeps its shape, dtype and scale.", first.name)

    def _steps(self) -> Iterator[tuple[int, tuple[int, tuple[int, ...]]]]:
        """Values that grow by constants: the operator that adds them, and how much. Nothing else reads the sum."""
        body = self.body
        for k in self.carried:
            number, adding = self._maker(k)
            if adding is None or adding.name != "ADD" or body.tensors[body.inputs[k]].dtype != "int32":
                continue
            others = [i for i in adding.inputs if i != body.inputs[k]]
            if len(others) == 1 and len(adding.inputs) == 2 and not body.readers(body.outputs[k]):
                by = self._numbers(body.tensors[others[0]])
                if by is not None and body.tensors[body.inputs[k]].elements == len(by):
                    yield k, (number, by)

    def _writes(self) -> Iterator[tuple[int, tuple[int, tuple[int, int]]]]:
        """Sequences that get rows: the operator that writes them, the rows, and where.

        Raises:
            Refused: They are not whole rows, or something else reads the sequence.
        """
        body = self.body
        for k in self.carried:
            number, writing = self._maker(k)
            if writing is None or writing.name != "DYNAMIC_UPDATE_SLICE" or len(writing.inputs) != 3:
                continue
            sequence, rows, start = (body.tensors[i] for i in writing.inputs)
            alone = body.readers(body.inputs[k]) == (writing,) and not body.readers(body.outputs[k])
            self._check(
                sequence.index == body.inputs[k] and rows.index != sequence.index and alone,
                "A loop reads nothing of a sequence that it writes.", sequence.name,
            )  # fmt: skip
            whole = rows.shape[1:] == sequence.shape[1:] and 0 < rows.elements <= sequence.elements
            kinds = {(tensor.dtype, str(tensor.quant)) for tensor in (sequence, rows)}
            self._check(whole and len(kinds) == 1, "A loop writes whole rows of a sequence, in its dtype and scale.",
                        [list(rows.shape), list(sequence.shape)])  # fmt: skip
            self._check(
                start.dtype == "int32" and start.elements == len(sequence.shape) > 0 and start.data is None,
                "A counter says where a loop writes.", start.name,
            )  # fmt: skip
            yield k, (number, (rows.index, start.index))

    def _maker(self, k: int) -> tuple[int, tflite.Operator | None]:
        """The one operator that makes a value for the next turn, and its place."""
        makers = [number for number, o in enumerate(self.body.operators) if self.body.outputs[k] in o.outputs]
        return (makers[0], self.body.operators[makers[0]]) if len(makers) == 1 else (-1, None)

    def _turns(self, main: tflite.Graph, operator: tflite.Operator, condition: tflite.Graph) -> int:
        """How often the condition holds: a counter from a constant on, by a constant, below a constant."""
        only = condition.operators[0] if len(condition.operators) == 1 else None
        rule = "A loop's condition is that a counter is below a constant."
        if only is None or only.name != "LESS" or only.inputs[0] not in condition.inputs:
            raise self._refused(rule, [o.name for o in condition.operators])
        k = condition.inputs.index(only.inputs[0])
        limit = self._numbers(condition.tensors[only.inputs[1]])
        first, by = self._numbers(main.tensors[operator.inputs[k]]), self.counters.get(k)
        numbers = limit and first and by and [*limit, *first, *by]
        if not numbers or len(numbers) != 3 or numbers[2] <= 0 or condition.outputs != only.outputs:
            raise self._refused(rule, [o.name for o in condition.operators])
        turns = -(-(numbers[0] - numbers[1]) // numbers[2])
        self._check(turns > 0, "A loop turns at least once.", turns)
        return turns

    @staticmethod
    def _numbers(tensor: tflite.Tensor) -> tuple[int, ...] | None:
        """The values of a constant of few int32 values; None for anything else."""
        known = tensor.data is not None and 0 < tensor.data.size <= _MOST_NUMBERS and tensor.dtype == "int32"
        return tuple(int(value) for value in np.asarray(tensor.data).reshape(-1)) if known else None

    def _check(self, holds: bool, rule: str, received: object = None) -> None:
        if not holds:
            raise self._refused(rule, received)

    def _refused(self, rule: str, received: object) -> Refused:
        return Refused(Finding(rule, received, _KNOWN, self._where))


def targets(order: Iterable[Item]) -> set[int]:
    """Tensors that loops carry."""
    return {item.target for item in order if isinstance(item, Copy | Count | Write)}
