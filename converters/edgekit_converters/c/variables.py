"""What a model keeps from one run to the next: its resource variables, and what they hold at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from edgekit import tflite
from edgekit.errors import Finding
from edgekit.tflite.options import CallOnce, Other
from edgekit_converters.c.refused import FINITE, REPLACE, Refused, not_finite
from edgekit_converters.c.steps import C_TYPES, Variable

__all__ = ["Variables", "variables_of"]

_KNOWN = "Let the model set each variable to a constant before its first run, as Keras's stateful layers do."


@dataclass(frozen=True)
class Variables:
    """The variables of a model.

    Attributes:
        variables: In the order in which the first graph names them.
        handles: For each tensor of the first graph that names one: its place among them.
    """

    variables: tuple[Variable, ...] = ()
    handles: Mapping[int, int] = field(default_factory=dict)


def variables_of(model: tflite.Model, graph: tflite.Graph) -> Variables:
    """All variables that a graph of a model names, with what its CALL_ONCE gives them.

    Raises:
        Refused: A variable has no constant to begin with, or the graph that runs once does something else.
    """
    names = dict(_handles(graph))
    first: dict[str, Variable] = {}
    for place, operator in enumerate(graph.operators):
        if operator.name == "CALL_ONCE" and isinstance(operator.options, CallOnce):
            where = f"CALL_ONCE (operator {place})"
            first |= _first_values(model.graphs[operator.options.init_subgraph_index], where)
    order = list(dict.fromkeys(names.values()))
    for name in order:
        if name not in first:
            raise _refused("Every variable has a first value.", f"{name!r} without one", "VAR_HANDLE")
    return Variables(
        tuple(first[name] for name in order), {tensor: order.index(name) for tensor, name in names.items()}
    )


def _handles(graph: tflite.Graph) -> Iterator[tuple[int, str]]:
    """Tensors that name variables, and whose: container and name make one key."""
    for operator in graph.operators:
        if operator.name == "VAR_HANDLE" and len(operator.outputs) == 1:
            options = operator.options
            fields = options.fields if isinstance(options, Other) else {}
            container, name = (str(fields.get(key) or "") for key in ("container", "shared_name"))
            yield operator.outputs[0], f"{container}/{name}" if container else name


def _first_values(graph: tflite.Graph, where: str) -> dict[str, Variable]:
    """What the graph that runs once assigns."""
    names, found = dict(_handles(graph)), dict[str, Variable]()
    for operator in graph.operators:
        if operator.name == "VAR_HANDLE":
            continue
        if operator.name != "ASSIGN_VARIABLE" or len(operator.inputs) != 2 or operator.inputs[0] not in names:
            raise _refused("The graph that runs once assigns constants to variables.", operator.name, where)
        name, value = names[operator.inputs[0]], graph.tensors[operator.inputs[1]]
        if value.data is None or value.sparse or value.dtype not in C_TYPES or 0 in value.shape:
            raise _refused("A variable begins as a constant.", f"{name!r} with {value.name!r}", where)
        if (wrong := not_finite(value.data)) is not None:
            raise Refused(Finding(FINITE, f"{wrong} in {value.name!r}", REPLACE, where))
        found[name] = Variable(name, value.dtype, np.asarray(value.data))
    return found


def _refused(rule: str, received: object, where: str) -> Refused:
    return Refused(Finding(rule, received, _KNOWN, where))
