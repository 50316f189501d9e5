"""Plans in which every result that may lie on an operand does, as far as its kernel allows."""

from __future__ import annotations

from dataclasses import replace

from edgekit_converters.c.firmware import Firmware
from edgekit_converters.c.planning.arena import ALIGNMENT, Arena
from edgekit_converters.c.planning.lifetimes import Block, lives_of

__all__ = ["overlapping", "tight"]


def overlapping(firmware: Firmware) -> dict[Block, tuple[Block, int]]:
    """For operands on which a result may lie: which one, and how many bytes before them it begins at least.

    Each block stands in one pair at most.
    """
    found: dict[Block, tuple[Block, int]] = {}
    for (first, second), distance in lives_of(firmware.program).distances.items():
        if not {first, second} & {*found, *(result for result, _ in found.values())}:
            found[first] = second, distance
    return found


def tight(firmware: Firmware, *, nearer: int = 0) -> Firmware:
    """The same model, with all pairs one behind the other, each as tight as alignment allows.

    Args:
        firmware: The model.
        nearer: Bytes by which every result begins later than it may, which breaks it.
    """
    lives, pairs = lives_of(firmware.program), overlapping(firmware)
    offsets: dict[Block, int] = {}
    end = 0
    results = {result for result, _ in pairs.values()}
    for block in lives.sizes:
        if block in pairs:
            result, distance = pairs[block]
            before = -(-distance // ALIGNMENT) * ALIGNMENT - nearer  # of the result, seen from the operand
            offsets[block], offsets[result] = end + max(before, 0), end + max(-before, 0)
            end = max(offsets[b] + lives.sizes[b] for b in (block, result))
        elif block not in results:
            offsets[block] = end
            end += lives.sizes[block]
        end = -(-end // ALIGNMENT) * ALIGNMENT
    return replace(firmware, arena=Arena(offsets, end, firmware.arena.bound))
