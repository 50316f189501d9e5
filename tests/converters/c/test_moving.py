"""How far a result may lie on its input, in a memory in which every block is moved one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit_converters.c.moving import distance

BLOCKS = {
    "one block": ([0], [0], 6),
    "the same place": ([0, 4, 8], [0, 4, 8], 4),
    "pieces that grow apart": ([0, 4, 8], [2, 9, 16], 4),
    "pieces that draw together": ([1, 7, 13], [0, 3, 6], 3),
    "a turned matrix": ([0, 3, 6, 1, 4, 7, 2, 5, 8], list(range(9)), 1),
    "backwards": ([8, 6, 4, 2, 0], [0, 2, 4, 6, 8], 2),
    "rows that are read twice": ([0, 0, 4, 4], [0, 4, 8, 12], 4),
}


def arrives(reads: list[int], writes: list[int], run: int, before: int) -> bool:
    """Whether the result is right that begins so many bytes before its input."""
    memory = np.arange(200, dtype=np.int64)
    x, y = 80, 80 - before
    expected = [memory[x + read : x + read + run].tolist() for read in reads]
    for read, write in zip(reads, writes, strict=True):
        memory[y + write : y + write + run] = memory[x + read : x + read + run].copy()
    return expected == [memory[y + write : y + write + run].tolist() for write in writes]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_result_may_lie_so_far_and_no_further(name: str) -> None:
    reads, writes, run = BLOCKS[name]
    least = distance(np.array(reads), np.array(writes), run)
    assert all(arrives(reads, writes, run, before) for before in range(least, 70))
    if len(reads) > 1:
        assert not arrives(reads, writes, run, least - 1)


def test_bytes_that_are_filled_around_a_block_count_as_written() -> None:
    reads, writes = np.array([0, 4]), np.array([0, 6])
    assert distance(reads, writes, 4, 6) == distance(reads, writes, 4) + 2 == 2
