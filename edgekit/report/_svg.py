"""What drawings are made of: lines, letters and axes as SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from edgekit.errors import clean as without_control

__all__ = ["axis", "clean", "end_of", "line", "number", "share", "svg", "text"]


_MOST, _LEAST = 1e300, 1e-300
"""Between which differences, quotients and products of an axis are numbers."""


def axis(values: Sequence[float]) -> list[float]:
    """Round numbers that enclose the values, about five; those beyond 1e300 are taken for it."""
    low, high = (max(-_MOST, min(float(value), _MOST)) for value in (min(values), max(values)))
    spread = next(s for s in (high - low, abs(high), 1.0) if s >= _LEAST)
    step = 10.0 ** math.floor(math.log10(spread / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if spread / (factor * step) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def share(axis: Sequence[float], value: float) -> float:
    """Where a value stands on an axis, from 0 (its beginning) to 1 (its end)."""
    return min(max((value - axis[0]) / (axis[-1] - axis[0]), 0.0), 1.0)


def number(value: float) -> str:
    """A value for people, with six digits at most."""
    return f"{value:,.6g}"


def end_of(label: str, most: int) -> str:
    """The end of a path tells more than its beginning."""
    return label if len(label) <= most else f"…{label[1 - most :]}"


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    """Letters at a place, in pixels; `kind` is a class of the page's style."""
    told = f' class="{kind}"' if kind else ""
    return f'<text{told} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{clean(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line, in pixels."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def svg(parts: Sequence[str], width: int, height: int, title: str, about: str, *, small: bool = False) -> str:
    """A whole drawing.

    Args:
        parts: What is in it.
        width, height: Size in pixels; the drawing is scaled to the room there is.
        title, about: Texts for screen readers.
        small: It is drawn at about this size and not larger, with letters of one size on every screen.
    """
    inside = "".join(parts)
    told = f"<title>{clean(title)}</title><desc>{clean(about)}</desc>"
    own = f' class="small" style="max-width:{width}px;min-width:{width * 4 // 5}px"' if small else ""
    return (
        f'<svg{own} viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">{told}{inside}</svg>'
    )


def clean(said: str) -> str:
    """Text that stands in a page as it is: without markup and control characters."""
    return escape(without_control(said))
