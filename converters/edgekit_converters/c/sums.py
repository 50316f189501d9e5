"""What ADD, SUB and SQUARED_DIFFERENCE share: both operands are lifted and brought to one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgekit import tflite
from edgekit_converters.c.elementwise import HEADROOM, constants_of
from edgekit_converters.c.fixed_point import Multiplier
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.linear_sums import Summed, linear
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Field, Overlap, Step

__all__ = ["alike", "lifted", "linear_fields", "operands", "zero_points"]


def operands(site: Site) -> tuple[tflite.Tensor, tflite.Tensor, tflite.Tensor]:
    """Both operands and the result: int8, or int16 with zero points of 0.

    Raises:
        Refused: They are of other dtypes, or of two.
    """
    a = site.operand(0, "int8", "int16")
    b, y = site.operand(1, a.dtype), site.output()
    site.dtype(y, a.dtype)
    zero_points(site, a, b, y)
    return a, b, y


def zero_points(site: Site, *tensors: tflite.Tensor) -> None:
    """What is asked of int16: a zero point of 0.

    Raises:
        Refused: It is another.
    """
    for tensor in tensors:
        if tensor.dtype == "int16":
            site.check(site.zero_point(tensor) == 0, "Zero points of int16 are 0.", site.zero_point(tensor))


def lifted(site: Site, lift: int, a: tflite.Tensor, b: tflite.Tensor, halves: tuple[float, float]) -> dict[str, Field]:
    """The fields of the operands.

    Args:
        site: The operator.
        lift: Bits that both are shifted to the left by.
        a, b: The operands.
        halves: Their scales by twice the larger one.

    Raises:
        Refused: Their lifted values could leave 32 bits.
    """
    left, right = (site.multiplier(half, 0) for half in halves)
    largest = 255 if a.dtype == "int8" else 1 << 15
    site.check(largest << lift < HEADROOM, "Lifted values fit into 32 bits.")
    fields: dict[str, Field] = {}
    for name, tensor, multiplier in (("a", a, left), ("b", b, right)):
        fields |= _scaled(name, site.zero_point(tensor), multiplier)
    return fields


def _scaled(name: str, zero_point: int, by: Multiplier) -> dict[str, Field]:
    return {f"{name}_zero_point": zero_point, f"{name}_multiplier": by.mantissa, f"{name}_shift": by.shift}


def linear_fields(layer: Mapping[str, Field], lift: int, *, minus: bool = False) -> dict[str, Field] | None:
    """The record of `add_linear.c` that stands for one of ADD or SUB of int8; None where there is no such.

    Args:
        layer: The record of the kernel that computes as TFLite does.
        lift: Bits that both operands are shifted to the left by.
        minus: The second operand is taken away.
    """
    n = {name: value for name, value in layer.items() if isinstance(value, int)}
    a, b, y = (Multiplier(n[f"{name}_multiplier"], n[f"{name}_shift"]) for name in "aby")
    summed = Summed(
        lift, (n["a_zero_point"], a), (n["b_zero_point"], b), minus, y, n["y_zero_point"], n["y_min"], n["y_max"]
    )
    found = linear(summed)
    if found is None:
        return None
    return {
        "a_factor": found.a_factor, "b_factor": found.b_factor, "offset": found.offset,
        "y_min": summed.low, "y_max": summed.high,
    }  # fmt: skip


def alike(
    site: Site, kernel: str, layer: Mapping[str, Field], a: tflite.Tensor, b: tflite.Tensor, *needs: str
) -> Lowered:
    """One step over two int8 operands of the result's shape, which may take the place of either.

    Raises:
        Refused: Both are constants.
    """
    y = site.output()
    site.check(a.data is None or b.data is None, "One operand at least is no constant.")
    step = Step(
        site.place,
        site.operator.name,
        kernel,
        {"count": math.prod(y.shape), **layer},
        inputs=(a.index, b.index),
        outputs=(y.index,),
        overlaps=tuple(Overlap(tensor.index, y.index, 0) for tensor in {a.index: a, b.index: b}.values()),
        needs=needs,
    )
    return Lowered((step,), constants=constants_of(a, b))
