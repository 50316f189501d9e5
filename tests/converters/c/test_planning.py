"""Plans of the arena: nothing is overwritten that a later read needs, in a simulation that knows every byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from edgekit_converters.c.planning.arena import ALIGNMENT, planned
from edgekit_converters.c.planning.lifetimes import Scratch, lives_of
from edgekit_converters.c.steps import Overlap, Program, Step
from edgekit_converters.c.window import Window, rows_distance


@dataclass(frozen=True)
class Rows:
    """A step that makes its result row by row from a window over its input's rows, as the kernels do."""

    window: Window
    input_row: int
    output_row: int

    def touches(self, row: int) -> tuple[range, range]:
        """Bytes of the input that one row of the result is made of, and bytes of that row."""
        window = self.window
        top = row * window.stride - window.before
        rows = [top + k * window.dilation for k in range(window.size)]
        inside = [k for k in rows if 0 <= k < window.inputs]
        read = range(min(inside) * self.input_row, (max(inside) + 1) * self.input_row) if inside else range(0)
        return read, range(row * self.output_row, (row + 1) * self.output_row)


def same(size: int, stride: int, inputs: int, dilation: int = 1) -> Window:
    outputs = -(-inputs // stride)
    total = max((outputs - 1) * stride + (size - 1) * dilation + 1 - inputs, 0)
    return Window(size, stride, dilation, total // 2, inputs, outputs)


def chain(kernels: list[Rows], scratch: int = 0) -> Program:
    """A network of one such step behind the other."""
    sizes = {0: kernels[0].window.inputs * kernels[0].input_row}
    steps = []
    for place, kernel in enumerate(kernels):
        sizes[place + 1] = kernel.window.outputs * kernel.output_row
        distance = rows_distance(kernel.window, kernel.input_row, kernel.output_row)
        overlaps = (Overlap(place, place + 1, distance),)
        steps.append(Step(place, "CONV_2D", "conv_2d", {}, (place,), (place + 1,), scratch, bool(scratch), overlaps))
    return Program(tuple(steps), (0,), (len(kernels),), sizes)


def broken(program: Program, kernels: list[Rows], offsets: dict[object, int]) -> bool:
    """Whether some read finds a byte that is not the one that was written for it."""
    top = max(offset for offset in offsets.values()) + max(program.sizes.values()) + 4096
    owner = np.full((top, 2), -1, np.int64)

    def write(block: int, inside: range) -> None:
        owner[offsets[block] + inside.start : offsets[block] + inside.stop] = [
            (block, byte) for byte in inside
        ] or np.empty((0, 2))

    def read(block: int, inside: range) -> bool:
        return all((owner[offsets[block] + byte] == (block, byte)).all() for byte in inside)

    write(0, range(program.sizes[0]))
    for place, kernel in enumerate(kernels):
        if (at := offsets.get(Scratch(place))) is not None:
            owner[at : at + program.steps[place].scratch] = -2
        for row in range(kernel.window.outputs):
            needed, made = kernel.touches(row)
            # Reads and writes of a row mix: what is written must not hit what the row still reads.
            write(place + 1, made)
            if not read(place, needed):
                return True
    return not read(len(kernels), range(program.sizes[len(kernels)]))


def networks() -> list[list[Rows]]:
    random = np.random.default_rng(0)
    found = []
    for _ in range(40):
        height, kernels = int(random.integers(1, 12)), []
        row = int(random.integers(1, 40))
        for _ in range(int(random.integers(1, 6))):
            window = same(int(random.integers(1, 5)), int(random.integers(1, 3)), height, int(random.integers(1, 3)))
            wider = int(random.integers(1, 40))
            kernels.append(Rows(window, row, wider))
            height, row = window.outputs, wider
        found.append(kernels)
    return found


@pytest.mark.parametrize("kernels", networks(), ids=lambda kernels: f"{len(kernels)} steps")
@pytest.mark.parametrize("scratch", [0, 50])
def test_no_read_finds_what_something_else_has_written(kernels: list[Rows], scratch: int) -> None:
    program = chain(kernels, scratch)
    arena = planned(lives_of(program))
    assert not broken(program, kernels, dict(arena.offsets))
    assert arena.size <= max(arena.bound + ALIGNMENT * len(arena.offsets), 1)


def test_a_plan_with_one_row_too_many_is_found_out() -> None:
    """The simulation sees an overlap that is a row too close; else the test above would prove nothing."""
    seen = 0
    for kernels in networks():
        program = chain(kernels)
        near = tuple(
            replace(step, overlaps=tuple(replace(o, distance=o.distance - kernel.output_row) for o in step.overlaps))
            for step, kernel in zip(program.steps, kernels, strict=True)
        )
        arena = planned(lives_of(replace(program, steps=near)))
        seen += broken(program, kernels, dict(arena.offsets))
    assert seen > 20


def test_a_chain_of_equal_layers_costs_little_more_than_one_of_them() -> None:
    kernels = [Rows(same(3, 1, 25), 320, 320)] * 8
    arena = planned(lives_of(chain(kernels)))
    assert arena.size <= 8000 + 8 * 640 and arena.bound == 16000


def test_what_is_read_later_is_never_lain_on() -> None:
    """A residual block: the input is needed again by the addition."""
    size = 64
    overlaps = [Overlap(0, 1, 0), Overlap(1, 2, 0)]
    steps = (
        Step(0, "CONV_2D", "conv_2d", {}, (0,), (1,), overlaps=(overlaps[0],)),
        Step(1, "CONV_2D", "conv_2d", {}, (1,), (2,), overlaps=(overlaps[1],)),
        Step(2, "ADD", "add", {}, (0, 2), (3,), overlaps=(Overlap(0, 3, 0), Overlap(2, 3, 0))),
    )
    arena = planned(lives_of(Program(steps, (0,), (3,), dict.fromkeys(range(4), size))))
    offsets = arena.offsets
    for block in (1, 2):
        assert abs(offsets[0] - offsets[block]) >= size
    assert arena.size == 2 * size


def test_a_tensor_under_a_second_name_has_one_place() -> None:
    steps = (
        Step(0, "CONV_2D", "conv_2d", {}, (0,), (1,)),
        Step(2, "FULLY_CONNECTED", "fully_connected", {}, (2,), (3,)),
    )
    program = Program(steps, (0,), (3,), {0: 8, 1: 40, 2: 40, 3: 4}, alias={2: 1})
    arena = planned(lives_of(program))
    assert 2 not in arena.offsets and arena.size == 48


def test_the_search_finds_what_greedy_placement_misses() -> None:
    """Blocks whose largest-first placement wastes memory: the bound is reached all the same."""
    sizes = {0: 12, 1: 20, 2: 24, 3: 16, 4: 28, 5: 8}
    steps = tuple(
        Step(place, "ADD", "add", {}, (place,), (place + 1,)) for place, _ in enumerate(pairwise(range(len(sizes))))
    )
    arena = planned(lives_of(Program(steps, (0,), (5,), sizes)))
    assert arena.size == arena.bound
