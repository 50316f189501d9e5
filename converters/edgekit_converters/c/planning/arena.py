"""One arena: an offset for every block, so that those that are needed together do not disturb each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgekit_converters.c.planning.lifetimes import Block, Lives, Scratch

__all__ = ["ALIGNMENT", "Arena", "planned"]

ALIGNMENT = 4
"""Bytes that every offset is a multiple of."""
_EXACT = 14
"""Blocks up to which all orders are searched, within a number of tries."""
_TRIES = 3_000
_BORDERS = 32
"""Borders between early and late steps that are tried."""


@dataclass(frozen=True)
class Arena:
    """A plan.

    Attributes:
        offsets: Offsets of each block, in bytes.
        size: Bytes of the whole.
        bound: Bytes that no plan without overlaps could do with less: the most that is needed in one step.
    """

    offsets: Mapping[Block, int]
    size: int
    bound: int


def planned(lives: Lives) -> Arena:
    """A plan by size, largest first, each block at the lowest offset where it fits; improved by trying other orders.

    Source: Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", section 5.2 (greedy by
    size for offsets). Orders are then searched depth first, with what is placed so far as the bound.
    """
    blocks = sorted(lives.sizes, key=lambda block: (-lives.sizes[block], lives.spans[block], str(block)))
    backwards = sorted(blocks, key=lambda block: lives.spans[block], reverse=True)
    orders = (blocks, backwards, *_split(lives))
    best = min((_placed(lives, order) for order in orders), key=lambda offsets: _top(lives, offsets))
    if len(blocks) <= _EXACT:
        best = _Search(lives, blocks, best).best
    elif any(isinstance(block, Scratch) for block in blocks):
        best = min(best, _tensors_first(lives), key=lambda offsets: _top(lives, offsets))
    return Arena(best, _rounded(_top(lives, best)), _bound(lives))


def _split(lives: Lives) -> Iterator[list[Block]]:
    """Orders for chains of tensors that lie on each other, each a little before the one that it is made from.

    Scratch memory then has room behind early tensors, or before late ones: tensors are placed from the last to first,
    scratch memory of early steps before all of them, that of late steps after them. Every step is tried as the border.
    """
    tensors = sorted((b for b in lives.sizes if not isinstance(b, Scratch)), key=lambda b: lives.spans[b], reverse=True)
    scratch = [block for block in lives.sizes if isinstance(block, Scratch)]
    scratch.sort(key=lambda block: -lives.sizes[block])
    borders = sorted(block.step for block in scratch)
    for border in borders[:: len(borders) // _BORDERS + 1]:
        early = [block for block in scratch if block.step < border]
        yield [*early, *tensors, *(block for block in scratch if block.step >= border)]


def _tensors_first(lives: Lives) -> dict[Block, int]:
    """Tensors as if there were no scratch memory, which is needed for one step each; then that where there is room."""
    tensors: dict[Block, int] = {b: size for b, size in lives.sizes.items() if not isinstance(b, Scratch)}
    rest = sorted(set(lives.sizes) - set(tensors), key=lambda block: (-lives.sizes[block], str(block)))
    spans: dict[Block, tuple[int, int]] = {block: lives.spans[block] for block in tensors}
    return _placed(lives, rest, planned(Lives(tensors, spans, lives.distances)).offsets)


class _Search:
    """Depth first over all orders; every optimal plan is the result of some order, since blocks can be pushed down."""

    def __init__(self, lives: Lives, blocks: Sequence[Block], best: dict[Block, int]) -> None:
        self.best, self._lives, self._tries = best, lives, _TRIES
        self._top, self._floor = _top(lives, best), max(_bound_with_overlaps(lives), 0)
        self._go({}, list(blocks))

    def _go(self, offsets: dict[Block, int], left: list[Block]) -> None:
        if not left:
            self.best, self._top = dict(offsets), _top(self._lives, offsets)
            return
        for block in left:
            if self._tries <= 0 or self._top <= self._floor:
                return
            self._tries -= 1
            offset = _lowest(self._lives, block, offsets)
            if offset + self._lives.sizes[block] < self._top:
                self._go({**offsets, block: offset}, [other for other in left if other != block])


def _placed(lives: Lives, order: Sequence[Block], there: Mapping[Block, int] | None = None) -> dict[Block, int]:
    offsets: dict[Block, int] = dict(there or {})
    for block in order:
        offsets[block] = _lowest(lives, block, offsets)
    return offsets


def _lowest(lives: Lives, block: Block, offsets: Mapping[Block, int]) -> int:
    """The lowest offset where a block fits beside those that have theirs: 0, behind one, or as far as one allows."""
    near = {other: at for other, at in offsets.items() if lives.together(block, other)}
    candidates = {0}
    for other, at in near.items():
        candidates.add(_rounded(at + lives.sizes[other]))
        below, above = lives.distances.get((block, other)), lives.distances.get((other, block))
        if below is not None:
            candidates.add(_rounded(max(at + below, 0)))
        if above is not None and at - above >= 0:
            candidates.add((at - above) // ALIGNMENT * ALIGNMENT)
    return next(
        offset
        for offset in sorted(candidates)
        if all(lives.fits(block, offset, other, at) for other, at in near.items())
    )


def _top(lives: Lives, offsets: Mapping[Block, int]) -> int:
    return max((at + lives.sizes[block] for block, at in offsets.items()), default=0)


def _bound(lives: Lives) -> int:
    """The most bytes that are needed in one step, if nothing lay on anything."""
    steps = range(min((begin for begin, _ in lives.spans.values()), default=0), _last(lives) + 1)
    return max(
        (sum(lives.sizes[b] for b, (begin, end) in lives.spans.items() if begin <= s <= end) for s in steps), default=0
    )


def _bound_with_overlaps(lives: Lives) -> int:
    """What no plan can go below: the same, with whatever may lie on something counted as if it did wholly."""
    lying = {b for pair in lives.distances for b in pair}
    steps = range(-1, _last(lives) + 1)
    most = 0
    for step in steps:
        there = [b for b, (begin, end) in lives.spans.items() if begin <= step <= end]
        most = max(
            most,
            sum(lives.sizes[b] for b in there if b not in lying)
            + max((lives.sizes[b] for b in there if b in lying), default=0),
        )
    return most


def _last(lives: Lives) -> int:
    return max((end for _, end in lives.spans.values()), default=0)


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
