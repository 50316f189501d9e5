"""Consistency of a read graph: what runtimes assume of it without looking."""

from __future__ import annotations

from edgekit.errors import ModelError
from edgekit.models.tflite.model import Subgraph, TfliteModel, called_subgraphs

__all__ = ["check_graph", "fail", "in_range"]


def fail(rule: str, received: object) -> ModelError:
    """The error of a file that contradicts itself."""
    return ModelError(
        rule, received=received, remedy="The file is damaged or its writer is faulty; convert or download it again."
    )


def in_range(index: int, count: int, what: str) -> None:
    """Refuse an index that is not one of `count`.

    Raises:
        ModelError: It is not.
    """
    if not 0 <= index < count:
        raise fail("Every index in a .tflite file names something that exists.", f"{what} is {index} of {count}")


def check_graph(model: TfliteModel) -> None:
    """Check what holds between operators: order, outputs of their own, subgraphs that end.

    Raises:
        ModelError: An operand that nothing computes, an output written over, or subgraphs that call themselves.
    """
    calls: list[set[int]] = []
    for index, subgraph in enumerate(model.subgraphs):
        _check_order(subgraph, index)
        called = {c for op in subgraph.operators for c in called_subgraphs(op)}
        for other in called:
            in_range(other, len(model.subgraphs), f"a subgraph that subgraph {index} calls")
        calls.append(called)
    _check_no_recursion(calls)


def _check_order(subgraph: Subgraph, index: int) -> None:
    # A tensor without elements has no bytes in the file even where it is a constant.
    ready = {t.index for t in subgraph.tensors if t.constant or t.variable or t.elements == 0}
    ready |= set(subgraph.inputs)
    for place, op in enumerate(subgraph.operators):
        missing = [i for i in op.inputs if i >= 0 and i not in ready]
        if missing:
            what = f"tensor {missing[0]} of operator {place} ({op.name}) in subgraph {index}"
            raise fail("Every operand is a constant, an input, or the output of an operator before.", what)
        if any(subgraph.tensors[i].constant for i in op.outputs):
            raise fail("No operator writes to a constant.", f"operator {place} ({op.name}) in subgraph {index}")
        if set(op.outputs) & set(op.inputs):
            raise fail("No operator writes to its own operand.", f"operator {place} ({op.name}) in subgraph {index}")
        ready.update(op.outputs)
    missing = [i for i in subgraph.outputs if i not in ready]
    if missing:
        raise fail("Every output is computed.", f"output tensor {missing[0]} of subgraph {index}")


def _check_no_recursion(calls: list[set[int]]) -> None:
    """Remove subgraphs that call none that is left until none is left; a loop never empties."""
    left = dict(enumerate(calls))
    while left:
        done = [index for index, called in left.items() if not called & left.keys()]
        if not done:
            raise fail("Subgraphs call each other without a loop.", f"subgraphs {sorted(left)} do")
        for index in done:
            del left[index]
