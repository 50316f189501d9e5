"""What a recipe's passes do to costs, as far as it is known before training.

`channel_prune` with a budget of MACs meets it; which channels go, data decides, so that the rest is estimated as if
every layer gave up the same share. Ranks by energy are chosen by weights: `low_rank` leaves figures as they were,
marked. `sparsify` and `qat` change no shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit.keras.plain import Description, narrowed
from edgekit.passes import Pass
from edgekit.passes.channel_prune import DEFAULT_MACS, ChannelPrune
from edgekit.passes.distill import Distill
from edgekit.passes.low_rank import LowRank
from edgekit.passes.qat import Qat
from edgekit.passes.sparsify import Sparsify
from edgekit.searching.costs.estimate import Estimator
from edgekit.searching.costs.figures import Costs

__all__ = ["after_passes"]

_KEEP_SHAPES = (Qat, Sparsify)
_SIZES = frozenset({"model_bytes", "arena_bytes", "instructions"})
_TRIES = 12
"""Halvings of a share of channels: to one in four thousand."""


def after_passes(description: Description, passes: Sequence[Pass], estimator: Estimator) -> Costs:
    """Estimated costs of a candidate after its passes.

    Args:
        description: Of the network that the recipe trains.
        passes: Of the recipe, in their order.
        estimator: Of costs.

    Returns:
        Figures, with those marked that data or weights decide in the end. Nothing is told after a pass that trains
        another network (`distill` with a student or a width).
    """
    marked: set[str] = set()
    macs: float = description.macs
    for item in passes:
        if isinstance(item, Distill) and (item.student or item.width):
            return Costs()
        if isinstance(item, ChannelPrune):
            description, macs = _pruned(description, macs, item)
            marked |= _SIZES if item.macs or item.ratio or not _other(item) else {*_SIZES, "macs"}
        elif isinstance(item, LowRank) and item.macs:
            macs *= item.macs
            marked |= _SIZES
        elif not isinstance(item, (*_KEEP_SHAPES, Distill)):
            marked |= {*_SIZES, "macs"}
    costs = estimator.estimate(description)
    figures = {**costs.figures, "macs": round(macs)}
    estimated = costs.estimated | ({"macs"} if marked else set())
    return Costs(figures, estimated, costs.hang_on_weights | marked & figures.keys())


def _other(item: ChannelPrune) -> bool:
    """Whether it prunes to another budget than one of MACs."""
    return bool(item.params or item.bytes or item.instructions or item.ratios)


def _pruned(description: Description, macs: float, item: ChannelPrune) -> tuple[Description, float]:
    """The network with equal shares of its channels gone, and its MACs; as it was where that depends on data alone."""
    if item.ratio:
        smaller = narrowed(description, 1 - item.ratio)
    elif budget := item.params or item.bytes:
        smaller = _narrowest(description, lambda d: d.parameters / description.parameters, budget)
    elif _other(item):  # by layer, or counted on converted files
        return description, macs
    else:
        wanted = item.macs or DEFAULT_MACS
        return _narrowest(description, lambda d: d.macs / description.macs, wanted), macs * wanted
    return smaller, macs * smaller.macs / description.macs


def _narrowest(description: Description, left: Callable[[Description], float], wanted: float) -> Description:
    """The widest network with equal shares of channels of which no more than this is left; else the narrowest."""
    low, high = 0.0, 1.0
    for _ in range(_TRIES):
        middle = (low + high) / 2
        low, high = (middle, high) if left(narrowed(description, middle)) <= wanted else (low, middle)
    return narrowed(description, low or high)
