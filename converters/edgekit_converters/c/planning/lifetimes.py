"""From when until when each piece of memory is needed, and which of them may lie on which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit_converters.c.steps import Loop, Program

__all__ = ["Block", "Lives", "Scratch", "lives_of"]


@dataclass(frozen=True)
class Scratch:
    """The scratch memory of one step."""

    step: int


Block = int | Scratch
"""A piece of memory: the tensor that it belongs to (under its first name), or a step's scratch."""


@dataclass(frozen=True)
class Lives:
    """All pieces of memory of a program.

    Attributes:
        sizes: Bytes of each.
        spans: The first and the last step that each is needed in; inputs begin at -1, outputs last to the end.
        distances: For (first, second), where second is born in the step in which first dies, and may lie on it: how
            many bytes second must begin before first, at least.
    """

    sizes: Mapping[Block, int]
    spans: Mapping[Block, tuple[int, int]]
    distances: Mapping[tuple[Block, Block], int]

    def together(self, one: Block, other: Block) -> bool:
        """Whether both are needed in some step."""
        (begin, end), (start, stop) = self.spans[one], self.spans[other]
        return begin <= stop and start <= end

    def fits(self, one: Block, at: int, other: Block, place: int) -> bool:
        """Whether two blocks may have these offsets."""
        if not self.together(one, other):
            return True
        if at + self.sizes[one] <= place or place + self.sizes[other] <= at:
            return True
        below, above = self.distances.get((one, other)), self.distances.get((other, one))
        return (below is not None and at - place >= below) or (above is not None and place - at >= above)


def lives_of(program: Program) -> Lives:
    """The lives of all tensors in the arena, and of all scratch memory."""
    sizes: dict[Block, int] = {}
    spans: dict[Block, tuple[int, int]] = {}

    def needed(tensor: int, step: int) -> None:
        root = program.root(tensor)
        if root in program.constants:
            return
        begin, end = spans.get(root, (step, step))
        spans[root] = (min(begin, step), max(end, step))
        sizes[root] = max(sizes.get(root, 0), program.sizes[tensor])

    for tensor in program.inputs:
        needed(tensor, -1)
    for number, step in enumerate(program.steps):
        for tensor in (*step.inputs, *step.outputs):
            needed(tensor, number)
        if step.scratch:
            sizes[Scratch(number)], spans[Scratch(number)] = step.scratch, (number, number)
    for tensor in program.outputs:
        needed(tensor, len(program.steps))
    for loop in program.loops:
        _lengthen(program, loop, spans)
    return Lives(sizes, spans, _distances(program, spans))


def _lengthen(program: Program, loop: Loop, spans: dict[Block, tuple[int, int]]) -> None:
    """What a loop reads before it writes it is needed through all turns; the rest is made anew in each."""
    for block, (begin, end) in spans.items():
        if begin > loop.last or end < loop.first or isinstance(block, Scratch):
            continue
        within = loop.first <= begin and end <= loop.last
        made = within and block in map(program.root, program.steps[begin].outputs)
        if not made or block in map(program.root, program.steps[begin].inputs):
            spans[block] = (min(begin, loop.first), max(end, loop.last))


def _distances(program: Program, spans: Mapping[Block, tuple[int, int]]) -> dict[tuple[Block, Block], int]:
    """What the steps allow, where nothing else needs the input or has made part of the output."""
    found: dict[tuple[Block, Block], int] = {}
    for number, step in enumerate(program.steps):
        for overlap in step.overlaps:
            first, second = program.root(overlap.input), program.root(overlap.output)
            if first not in spans or first == second:
                continue
            dies, born = spans[first][1] == number, spans[second][0] == number
            if dies and born and step.inputs.count(overlap.input) == 1:
                found[first, second] = overlap.distance
    return found
