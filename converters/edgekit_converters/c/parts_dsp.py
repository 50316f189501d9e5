"""Which optional parts of the texts for the DSP extension a layer needs: those that no layer needs are not written out.

A part stands between `#ifdef EK_PART_NAME` and `#endif` in a text; `Step.parts` names those that its texts keep.
"""

from __future__ import annotations

from edgekit_converters.c.scratch_dsp import BLOCKS_FROM, PIXELS, Planes
from edgekit_converters.c.window import Window

__all__ = ["parts_of_conv_2d", "parts_of_depthwise_conv_2d", "parts_of_fully_connected"]


def parts_of_fully_connected(depth: int, batches: int, short: bool) -> frozenset[str]:
    """Of `products_dsp.c`.

    Args:
        depth: Values of one product.
        batches: Rows of the input.
        short: Every channel is scaled in the short way.
    """
    return _of_products(depth, [batches], short)


def parts_of_conv_2d(
    rows: Window, columns: Window, depth: int, groups: int, short: bool, *, blocks: list[int] | None = None
) -> frozenset[str]:
    """Of `conv_2d_dsp.c`, and of `products_dsp.c`.

    Args:
        rows, columns: The windows.
        depth: Channels of a filter.
        groups: Of channels.
        short: Every channel is scaled in the short way.
        blocks: Numbers of results that are made in one go; default those of an image, or of a row for groups.
    """
    if blocks is None:
        blocks = [columns.outputs if groups > 1 else rows.outputs * columns.outputs]
    taps = rows.size * columns.size
    found = _of_products(taps * depth, blocks, short)
    if taps == rows.stride == columns.stride == 1:
        return found | {"SINGLE"}
    found |= {"WINDOWS"}
    if taps == 1:
        return found | {"POINTS"}
    if groups > 1 or columns.dilation > 1:
        return found | {"SCATTERED"}
    if depth % 4 == 0:
        return found | {"UNPACKED"}
    return found | ({"GATHERED", "UNPACKED"} if columns.size * depth % 4 == 0 else {"GATHERED"})


def parts_of_depthwise_conv_2d(columns: Window, x_depth: int, dsp: Planes, short: bool, clamps: bool) -> frozenset[str]:
    """Of `depthwise_conv_2d_dsp.c`, and of `products_dsp.c`.

    Args:
        columns: The window over columns.
        x_depth: Channels of the input.
        dsp: How the layer is gone about.
        short: Every channel is scaled in the short way.
        clamps: Results are cut off within int8.
    """
    found = frozenset({"FEW_CHANNELS"} if x_depth < 4 else ())
    if dsp.squares:
        return found | {"SQUARES", f"SQUARES_BY_{columns.stride}"}
    found |= {"ANY", "ANY_FOURS" if dsp.fours else "ANY_SINGLES"}
    if not short:
        found |= {"LONG_SCALING"}
    return found | ({"ANY_SLOWLY"} if clamps or not short else frozenset())


def _of_products(depth: int, results: list[int], short: bool) -> frozenset[str]:
    """Results are made in blocks; what is left of them may be too few for one."""
    found = frozenset(() if short else ("LONG_SCALING",))
    if any(count >= BLOCKS_FROM for count in results):
        found |= {"MANY", "SUMS"}
    if any(0 < count % PIXELS < BLOCKS_FROM for count in results):
        found |= {"ONE", "FOURS", *(("EIGHTS",) if depth % 8 == 0 else ())}
    return found
