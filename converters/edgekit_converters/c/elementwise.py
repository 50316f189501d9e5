"""What operators share that compute each value of a result from one value of each operand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit import tflite
from edgekit_converters.c.fixed_point import Multiplier
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Field, Overlap, Step

__all__ = ["HEADROOM", "Broadcast", "binary", "broadcast", "constants_of", "factor", "loops", "per_dtype", "ratio"]

HEADROOM = (1 << 31) - (1 << 16)
"""What a scaled value may reach, so that a zero point can still be added in 32 bits."""
_LOOPS = 4
"""Dimensions that the kernels have loops for, after those are joined that are one in memory."""


@dataclass(frozen=True)
class Broadcast:
    """The loops of a binary operator.

    Attributes:
        sizes: Elements of each of four dimensions of the result, the last one innermost.
        a_steps, b_steps: How many elements an operand goes on by; 0 where it is repeated.
    """

    sizes: tuple[int, ...]
    a_steps: tuple[int, ...]
    b_steps: tuple[int, ...]

    @property
    def fields(self) -> dict[str, Field]:
        """Of a layer's record."""
        return {
            "rows": math.prod(self.sizes[:-1]), "size_1": self.sizes[1], "size_2": self.sizes[2],
            "count": self.sizes[3],
            **{f"a_{place}": step for place, step in enumerate(self.a_steps)},
            **{f"b_{place}": step for place, step in enumerate(self.b_steps)},
        }  # fmt: skip


def broadcast(site: Site, a: Sequence[int], b: Sequence[int], y: Sequence[int]) -> Broadcast:
    """How two shapes become a third one, as NumPy has it.

    Raises:
        Refused: They do not, or in more ways than the kernels have loops.
    """
    sizes, (a_steps, b_steps) = loops(site, (a, b), y)
    return Broadcast(sizes, a_steps, b_steps)


def loops(
    site: Site, operands: Sequence[Sequence[int]], y: Sequence[int]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The loops of an operator whose operands are repeated to its result's shape.

    Returns:
        Elements of four dimensions of the result, the last one innermost; and how many elements each operand goes on
        by in each, 0 where it is repeated.

    Raises:
        Refused: The shapes do not fit, or in more ways than the kernels have loops.
    """
    rank = max(map(len, (*operands, y)))
    shapes = [(1,) * (rank - len(shape)) + tuple(shape) for shape in (*operands, y)]
    fits = all(max(sizes[:-1]) == sizes[-1] and {*sizes} <= {1, sizes[-1]} for sizes in zip(*shapes, strict=True))
    received = [list(shape) for shape in (*operands, y)]
    site.check(fits and len(y) == rank, "The operands' shapes make that of the result.", received)
    joined: list[tuple[int, ...]] = []
    for size, *steps in _innermost_first(shapes):
        if joined and steps == [step * joined[-1][0] for step in joined[-1][1:]]:
            joined[-1] = (joined[-1][0] * size, *joined[-1][1:])
        else:
            joined.append((size, *steps))
    site.check(
        len(joined) <= _LOOPS, f"Operands are repeated along at most {_LOOPS} groups of dimensions.", len(joined)
    )
    joined += [(1, *(0 for _ in operands))] * (_LOOPS - len(joined))
    sizes, *steps_of_each = zip(*reversed(joined), strict=True)
    return sizes, steps_of_each


def _innermost_first(shapes: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Sizes of a result's dimensions of more than one element, each with the steps of the operands before it."""
    found: list[tuple[int, ...]] = []
    steps = [1] * (len(shapes) - 1)
    for *sizes, whole in zip(*(reversed(shape) for shape in shapes), strict=True):
        if whole > 1:
            found.append((whole, *(step if size > 1 else 0 for size, step in zip(sizes, steps, strict=True))))
        steps = [step * size for step, size in zip(steps, sizes, strict=True)]
    return found


def binary(
    site: Site,
    kernel: str,
    layer: Mapping[str, Field],
    a: tflite.Tensor,
    b: tflite.Tensor,
    *needs: str,
    narrow: bool = True,
) -> Lowered:
    """One step over two operands, either of which may be a constant; the result may take the place of one of its size.

    The loops read the operands at a place no later than they write the result there, and never again: an operand that
    is not repeated may lie where the result does.

    Args:
        site: The operator.
        kernel: Its text, for values of 8 bits.
        layer: Fields of the record beside those of the loops.
        a, b: The operands.
        needs: Texts that this one is written on, beside those that all are.
        narrow: Whether the text is written on `fixed_point`.

    Raises:
        Refused: The shapes do not fit.
    """
    y = site.output()
    loops = broadcast(site, a.shape, b.shape, y.shape)
    site.check(a.data is None or b.data is None, "One operand at least is no constant.")
    whole = {tensor.index: tensor for tensor in (a, b) if tensor.elements == y.elements and tensor.dtype == y.dtype}
    step = Step(
        site.place,
        site.operator.name,
        kernel,
        {**loops.fields, **layer},
        inputs=(a.index, b.index),
        outputs=(y.index,),
        overlaps=tuple(Overlap(index, y.index, 0) for index in whole),
        needs=("fixed_point", "broadcast", *needs) if narrow else ("broadcast", *needs),
        parts=frozenset(),
    )
    return Lowered((step,), constants=constants_of(a, b))


def constants_of(*tensors: tflite.Tensor) -> dict[int, Constant]:
    """Those of the tensors that the file holds."""
    return {tensor.index: Constant(np.asarray(tensor.data)) for tensor in tensors if tensor.data is not None}


def per_dtype(kernel: str, dtype: str) -> str:
    """The text for a dtype: its own for int8, else with the dtype's name behind it."""
    return kernel if dtype == "int8" else f"{kernel}_{dtype}"


def ratio(above: float, below: float) -> float:
    """A quotient in float32, as TFLite computes some of its factors."""
    with np.errstate(all="ignore"):
        return float(np.float32(above) / np.float32(below))


def factor(site: Site, real: float, most: int) -> Multiplier:
    """A real factor for integers of at most this magnitude, whose products then fit into 32 bits.

    Raises:
        Refused: They do not, or it is not a positive number.
    """
    found = site.multiplier(real)
    lifted = most << max(found.shift, 0)
    site.check(lifted < HEADROOM, "Scales make a factor with which values fit into 32 bits.", real)
    return found
