"""Consistency of a read graph: what runtimes assume of it without looking, and what is merely unusual."""

from __future__ import annotations

from edgekit.errors import ModelError
from edgekit.tflite.model import Graph, Model, Operator, called_graphs

__all__ = ["Oddities", "check_graph", "fail", "in_range"]

_SHOWN = 3  # subgraphs that a message names
_NPU = "ethos-u"  # the operator that Vela puts in the place of those that the NPU runs


class Oddities:
    """What is unusual in a file that runtimes take all the same: each kind once, with the first place of it."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def note(self, what: str, where: str = "") -> None:
        """Add one.

        Args:
            what: A whole sentence without its last stop, such as "A constant is longer than its shape asks".
            where: The place, such as "tensor 3 ('bias')".
        """
        first, count = self._seen.get(what, (where, 0))
        self._seen[what] = first, count + 1

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each kind, in the order in which they were noted."""
        return tuple(_sentence(what, *seen) for what, seen in self._seen.items())


def _sentence(what: str, where: str, count: int) -> str:
    more = f" and {count - 1:,} more" if count > 1 else ""
    return f"{what}: {where}{more}." if where else f"{what}."


def fail(rule: str, received: object) -> ModelError:
    """The error of a file that contradicts itself."""
    return ModelError(
        rule,
        received=received,
        remedy="Such a file makes runtimes fail or read foreign memory; convert or download it again.",
    )


def in_range(index: int, count: int, what: str) -> None:
    """Refuse an index that is not one of `count`.

    Raises:
        ModelError: It is not.
    """
    if not 0 <= index < count:
        raise fail("Every index in a .tflite file names something that exists.", f"{what} is {index} of {count}")


def check_graph(model: Model, odd: Oddities) -> None:
    """Check what holds between operators: order, outputs of their own, subgraphs that end.

    Raises:
        ModelError: An operand that nothing computes, an output written over, or subgraphs that call themselves.
    """
    calls: list[set[int]] = []
    for index, subgraph in enumerate(model.graphs):
        _check_order(subgraph, index, odd)
        called = {c for op in subgraph.operators for c in called_graphs(op)}
        for other in called:
            in_range(other, len(model.graphs), f"a subgraph that subgraph {index} calls")
        calls.append(called)
    _check_no_recursion(calls)


def _check_order(subgraph: Graph, index: int, odd: Oddities) -> None:
    # A tensor without elements has no bytes in the file even where it is a constant.
    ready = {t.index for t in subgraph.tensors if t.constant or t.variable or t.elements == 0}
    ready.update(subgraph.inputs)
    computed = {i for op in subgraph.operators for i in op.outputs}
    for place, op in enumerate(subgraph.operators):
        missing = [i for i in op.inputs if i >= 0 and i not in ready]
        if missing:
            _check_missing(op, f"operator {place} ({op.name}) in subgraph {index}", missing, computed, odd)
        if any(subgraph.tensors[i].constant for i in op.outputs):
            raise fail("No operator writes to a constant.", f"operator {place} ({op.name}) in subgraph {index}")
        if not set(op.outputs).isdisjoint(op.inputs):
            raise fail("No operator writes to its own operand.", f"operator {place} ({op.name}) in subgraph {index}")
        ready.update(op.outputs)
    missing = [i for i in subgraph.outputs if i not in ready]
    if missing:
        raise fail("Every output is computed.", f"output tensor {missing[0]} of subgraph {index}")


def _check_missing(op: Operator, where: str, missing: list[int], computed: set[int], odd: Oddities) -> None:
    """Look at operands without a value when their operator runs."""
    nowhere = [i for i in missing if i not in computed]
    if not nowhere:
        odd.note("An operator stands before the one that computes its operand, which some runtimes refuse", where)
    elif op.name == _NPU:
        pass  # scratch memory of the NPU, which its driver gives
    elif op.custom:
        odd.note("Nothing computes an operand of a custom operator, so that it must be scratch memory", where)
    else:
        raise fail(
            "Every operand is a constant, an input, or the output of another operator.",
            f"tensor {nowhere[0]} of {where}, which has no value",
        )


def _check_no_recursion(calls: list[set[int]]) -> None:
    """Take away subgraphs that call none that is left, until none is left; those of a loop stay."""
    callers: dict[int, list[int]] = {}
    for caller, called in enumerate(calls):
        for other in called:
            callers.setdefault(other, []).append(caller)
    open_calls = [len(called) for called in calls]
    done = [index for index, count in enumerate(open_calls) if count == 0]
    for index in done:  # grows on the way
        for caller in callers.get(index, []):
            open_calls[caller] -= 1
            if open_calls[caller] == 0:
                done.append(caller)
    if len(done) < len(calls):
        loop = [index for index, count in enumerate(open_calls) if count]
        names = ", ".join(map(str, loop[:_SHOWN])) + (f" and {len(loop) - _SHOWN} more" if len(loop) > _SHOWN else "")
        raise fail("Subgraphs call each other without a loop.", f"a loop through subgraph {names}")
