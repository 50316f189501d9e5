"""From the operators of a `.tflite` to a program of steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgekit import tflite
from edgekit.errors import Finding, ModelError
from edgekit.tflite.ops import op_spec
from edgekit_converters.c.kernels import lower
from edgekit_converters.c.loops import Begin, Copy, Count, End, Flat, Item, Write, flat, targets
from edgekit_converters.c.refused import FINITE, REPLACE, Refused, not_finite
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import C_TYPES, Constant, Field, Loop, Program, Step
from edgekit_converters.c.variables import Variables, variables_of

__all__ = ["findings", "lowered"]


def lowered(model: tflite.Model) -> Program:
    """The program of a model's first graph, with the bodies of its loops.

    Raises:
        ModelError: Something of it has no kernel, or no fixed shape.
    """
    whole, lowering = _begun(model)
    for item in whole.order:
        lowering.add(item)
    return lowering.program()


def findings(model: tflite.Model) -> list[Finding]:
    """What stands against writing a model as C: every operator that is refused, not the first one alone."""
    try:
        whole, lowering = _begun(model)
    except Refused as error:
        return [error.found]
    except ModelError as error:
        return [error.finding]
    found = []
    for item in whole.order:
        try:
            lowering.add(item)
        except Refused as error:
            found.append(error.found)
    return found


def _begun(model: tflite.Model) -> tuple[Flat, _Lowering]:
    """What is to be lowered, in one line, and an empty program.

    Raises:
        ModelError: The model is none for C as a whole.
    """
    whole = flat(model)
    _check(whole.graph)
    _check_integers(whole.graph)
    _check_finite(whole.graph)
    return whole, _Lowering(whole, variables_of(model, whole.graph))


class _Lowering:
    """A program that grows by one item at a time."""

    def __init__(self, whole: Flat, variables: Variables) -> None:
        self._graph, self._variables, self._carried = whole.graph, variables, targets(whole.order)
        self._steps: list[Step] = []
        self._alias: dict[int, int] = {}
        self._constants: dict[int, Constant] = {}
        self._loops: list[Loop] = []
        self._begun: tuple[int, int] | None = None
        self._known = _known(whole.graph)

    def add(self, item: Item) -> None:
        """The steps of an operator, or what a loop adds."""
        match item:
            case Begin(turns):
                self._begun = (len(self._steps), turns)
            case End() if self._begun:
                first, turns = self._begun
                self._loops.append(Loop(first, len(self._steps) - 1, turns))
                self._begun = None
            case Copy(source, target):
                self._copy(source, target)
            case Count(target, by):
                self._step("count", {"count": len(by), "by": Constant(np.array(by, np.int32))}, (), target)
            case Write(rows, start, target):
                self._write(rows, start, target)
            case int(place):
                site = Site(self._graph, place, self._variables)
                _check_order(site, self._known)
                _check_variables(site, turned=self._begun is not None)
                made = lower(site)
                self._steps += made.steps
                self._alias.update(made.alias)
                self._constants.update(made.constants)

    def program(self) -> Program:
        """The whole."""
        graph = self._graph
        stored = {i: Constant(np.asarray(d)) for i in graph.outputs if (d := graph.tensors[i].data) is not None}
        touched = {i for step in self._steps for i in (*step.inputs, *step.outputs)}
        touched |= {*graph.inputs, *graph.outputs, *self._alias, *self._alias.values()}
        return Program(
            tuple(self._steps),
            graph.inputs,
            graph.outputs,
            {i: _bytes(graph.tensors[i]) for i in sorted(touched)},
            self._alias,
            self._constants | stored,
            self._variables.variables,
            tuple(self._loops),
            {i: graph.tensors[i].dtype for i in sorted(touched)},
        )

    def _copy(self, source: int, target: int) -> None:
        self._known.add(target)
        tensor, root = self._graph.tensors[source], source
        while root in self._alias:
            root = self._alias[root]
        if tensor.data is not None:
            self._constants[source] = Constant(np.asarray(tensor.data))
        elif root in self._carried and self._begun:
            rule = "No value of a loop takes another one's place."
            raise Refused(Finding(rule, tensor.name, "Let the loop compute what it carries.", "WHILE"))
        self._step("copy", {"bytes": _bytes(tensor)}, (source,), target)

    def _write(self, rows: int, start: int, target: int) -> None:
        tensors = self._graph.tensors
        wide = _bytes(tensors[rows])
        count = tensors[rows].shape[0]
        last = tensors[target].shape[0] - count
        if (stored := tensors[rows].data) is not None:
            self._constants[rows] = Constant(np.asarray(stored))
        layer = {"bytes": wide, "row": wide // count, "last": last}
        self._step("write", layer, (rows, start), target)

    def _step(self, kernel: str, layer: Mapping[str, Field], inputs: tuple[int, ...], target: int) -> None:
        place = max((step.place for step in self._steps), default=0)
        self._steps.append(Step(place, "WHILE", kernel, layer, inputs, (target,)))


def _check(graph: tflite.Graph) -> None:
    """Refuse what no kernel can be asked about: open shapes, dtypes that C lacks, models without inputs or outputs."""
    if not graph.inputs or not graph.outputs:
        raise ModelError("A model has inputs and outputs.", received=f"{len(graph.inputs)} and {len(graph.outputs)}")
    for index in graph.used:
        tensor = graph.tensors[index]
        if -1 in tensor.signature[1:] or (tensor.signature[:1] == (-1,) and tensor.shape[:1] != (1,)):
            raise ModelError(
                "All shapes are fixed but for a batch, which is then 1.",
                received=f"{tensor.name!r} with {list(tensor.signature)}",
                remedy="Convert the model with fixed dimensions.",
            )
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        if tensor.dtype not in C_TYPES or 0 in tensor.shape:
            raise ModelError(
                "Inputs and outputs hold numbers of up to 64 bits.",
                received=f"{tensor.name!r} of {tensor.dtype} {list(tensor.shape)}",
            )


def _known(graph: tflite.Graph) -> set[int]:
    """Tensors that have a value before the first operator runs."""
    return {*graph.inputs, *(i for i in graph.used if graph.tensors[i].data is not None or graph.tensors[i].variable)}


def _check_order(site: Site, known: set[int]) -> None:
    """Operators read what has a value, and give each tensor its value once; `known` grows by their results.

    Raises:
        Refused: They do not.
    """
    operator = site.operator
    early = [site.graph.tensors[i].name for i in operator.inputs if i >= 0 and i not in known]
    site.check(not early, "Operators stand in the order in which they run.", early)
    twice = [site.graph.tensors[i].name for i in operator.outputs if i in known]
    site.check(not twice, "Every tensor gets its value once.", twice)
    known.update(operator.outputs)


def _check_variables(site: Site, *, turned: bool) -> None:
    """A variable tensor is the state of one fused LSTM, which begins afresh in each run.

    Raises:
        Refused: Something else reads or writes it, or a loop would let it go on from turn to turn.
    """
    graph, operator = site.graph, site.operator
    states = [i for i in operator.inputs if i >= 0 and graph.tensors[i].variable]
    fused = operator.name == "UNIDIRECTIONAL_SEQUENCE_LSTM" and not turned
    site.check(fused or not states, "Variable tensors are the states of LSTMs outside loops.", states)
    for i in states:
        alone = graph.readers(i) == (operator,) and operator.inputs.count(i) == 1 and graph.producer(i) is None
        site.check(alone and i not in (*graph.inputs, *graph.outputs), "An LSTM has its states for itself.", i)


def _check_integers(graph: tflite.Graph) -> None:
    """Refuse a model that multiplies real numbers, in one sentence and not in one for each operator."""
    floating = [
        operator.name
        for operator in graph.operators
        if op_spec(operator.name).multiplies and any(graph.tensors[i].floating for i in operator.inputs[:1] if i >= 0)
    ]
    if floating:
        raise ModelError(
            "Models that become C multiply integers: their activations are int8 or int16.",
            received=f"float32 activations of {', '.join(f'{floating.count(n)} x {n}' for n in sorted(set(floating)))}",
            remedy="Convert the model to int8.",
        )


def _check_finite(graph: tflite.Graph) -> None:
    """Refuse real constants that C has no literals for, where the first of them is read."""
    for index in sorted(graph.used):
        tensor = graph.tensors[index]
        if tensor.data is None or not tensor.floating or (wrong := not_finite(tensor.data)) is None:
            continue
        readers = graph.readers(index)
        where = Site(graph, graph.operators.index(readers[0])).where if readers else "an output"
        raise Refused(Finding(FINITE, f"{wrong} in {tensor.name!r}", REPLACE, where))


def _bytes(tensor: tflite.Tensor) -> int:
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
