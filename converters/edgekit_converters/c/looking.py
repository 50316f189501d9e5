"""What GATHER and EMBEDDING_LOOKUP share: blocks of a table by their numbers."""

from __future__ import annotations

from edgekit import tflite
from edgekit_converters.c.elementwise import constants_of
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.moving import width
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Step

__all__ = ["gathered"]


def gathered(
    site: Site,
    table: tflite.Tensor,
    places: tflite.Tensor,
    *,
    batches: int,
    outer: int,
    size: int,
    count: int,
    run: int,
) -> Lowered:
    """One step, which ends the run with an error where a number is outside the table.

    Args:
        site: The operator.
        table: What is read, computed or in flash.
        places: Numbers of blocks, int32.
        batches, outer: How often the numbers change, and how often the same are used with each.
        size: Blocks that there are in each.
        count: Numbers for each batch.
        run: Bytes of a block.

    Raises:
        Refused: A number that the file holds is outside the table.
    """
    y = site.output()
    site.check(0 not in (batches, outer, size, count, run), "The table, the numbers and the result are not empty.")
    site.check(batches * outer * count * run == y.elements * width(y), "The result has the shape that is read.")
    if places.data is not None:
        low, high = int(places.data.min()), int(places.data.max())
        site.check(0 <= low and high < size, f"Numbers of blocks are 0 to {size - 1}.", [low, high])
    site.check(places.data is None or table.data is None, "The table or the numbers are computed.")
    step = Step(
        site.place,
        site.operator.name,
        "gather",
        {"batches": batches, "outer": outer, "size": size, "count": count, "run": run},
        inputs=(table.index, places.index),
        outputs=(y.index,),
        fails=True,
    )
    return Lowered((step,), constants=constants_of(table, places))
