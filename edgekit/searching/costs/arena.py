"""The memory that activations need together: a plan by size, as TFLite Micro makes one."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ALIGNMENT", "planned_bytes"]

ALIGNMENT = 16
"""Bytes that TFLite Micro aligns every activation to."""


def planned_bytes(sizes: Sequence[int], spans: Sequence[tuple[int, int]]) -> int:
    """Bytes of a plan: largest first, each at the lowest offset where it fits beside those that live at the same time.

    Of blocks that are equally large, the last comes first, as in TFLite Micro, whose plans can depend on it.

    Source: Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", section 5.2.

    Args:
        sizes: Of each block, in bytes.
        spans: Of each block, the first and the last step in which it is needed.
    """
    placed: list[tuple[int, int, int, int]] = []  # offset, end, first, last
    most = 0
    aligned = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    for block in sorted(range(len(sizes)), key=lambda i: (-aligned[i], -i)):
        size = aligned[block]
        first, last = spans[block]
        offset = 0
        for low, high, begin, end in placed:  # sorted by offset
            if begin <= last and first <= end:
                if low - offset >= size:
                    break
                offset = max(offset, high)
        placed.append((offset, offset + size, first, last))
        placed.sort()
        most = max(most, offset + size)
    return most
