"""Drawings as SVG that take the page's colours, so that they read in light and in dark; nothing but text is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from edgekit.errors import clean
from edgekit.report._bars import Panel

__all__ = ["COLOURS", "STYLE", "Point", "bars", "pareto_front", "scatter"]

COLOURS = """
  :root { color-scheme: light dark; --page: #fff; --ink: #1d2733; --soft: #5b6b7b; --line: #dde4ea; --mark: #1b6ca8;
    --good: #1a7f4b; --bad: #b3261e; --panel: #f4f7f9; }
  @media (prefers-color-scheme: dark) { :root { --page: #12181f; --ink: #e3e9ef; --soft: #9aa8b6; --line: #2c3743;
    --mark: #6db3e8; --good: #5cc98d; --bad: #f2867e; --panel: #1a222b; } }
"""
"""For every page; --page is its ground."""
STYLE = """
  svg { width: 100%; height: auto; max-width: 60rem; font: 13px system-ui, sans-serif; }
  svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .axis { stroke: var(--line); }
  svg .interval { stroke: var(--ink); stroke-width: 1.5; }
  svg .bar, svg .dot { fill: var(--mark); }
  svg .chosen { fill: var(--good); } svg .front { stroke: var(--good); fill: none; stroke-dasharray: 5 4; }
"""
"""For the drawings of a page that has the colours."""

_WIDTH = 760
_LEFT, _RIGHT = 90, 30
_SIGN = 6.6
"""Pixels of a sign, at most."""
_LONGEST = 26
"""Signs of a label in a scatter."""


@dataclass(frozen=True)
class Point:
    """One dot: where it stands, its interval across, what it is called, and whether it was chosen."""

    label: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    chosen: bool = False


def pareto_front(points: Sequence[Point], *, higher_is_better: bool) -> list[Point]:
    """The points that no other beats in both: less to the left, better upwards or downwards; from left to right."""
    sign = 1 if higher_is_better else -1
    best, front = -math.inf, []
    for point in sorted(points, key=lambda p: (p.x, -sign * p.y)):
        if sign * point.y > best:
            best = sign * point.y
            front.append(point)
    return front


def scatter(points: Sequence[Point], *, title: str, x: str, y: str, higher_is_better: bool) -> str:
    """Dots with intervals, and the front of those that no other beats.

    Args:
        points: At least one.
        title: What the drawing shows, for those who hear it.
        x, y: Titles of the axes.
        higher_is_better: Of y; of x, less is.
    """
    height, top, bottom = 360, 30, 50
    lows = [p.y if p.low is None else p.low for p in points]
    highs = [p.y if p.high is None else p.high for p in points]
    x_axis, y_axis = _axis([0.0, *(p.x for p in points)]), _axis([*lows, *highs])
    room_x, room_y = _WIDTH - _LEFT - _RIGHT, height - top - bottom

    def across(value: float) -> float:
        return _LEFT + room_x * (value - x_axis[0]) / (x_axis[-1] - x_axis[0])

    def up(value: float) -> float:
        return top + room_y * (1 - (value - y_axis[0]) / (y_axis[-1] - y_axis[0]))

    parts = [_text(_LEFT, 18, y, "soft"), _text(_LEFT + room_x / 2, height - 8, x, "soft", "middle")]
    for value in x_axis:
        parts += [_line(across(value), top, across(value), top + room_y, "axis")]
        parts += [_text(across(value), height - bottom + 18, _number(value), "soft", "middle")]
    for value in y_axis:
        parts += [_line(_LEFT, up(value), _LEFT + room_x, up(value), "axis")]
        parts += [_text(_LEFT - 8, up(value) + 4, _number(value), "soft", "end")]
    front = pareto_front(points, higher_is_better=higher_is_better)
    path = " ".join(f"{across(p.x):.1f},{up(p.y):.1f}" for p in front)
    parts += [f'<polyline class="front" points="{path}"/>'] if len(front) > 1 else []
    taken: list[tuple[float, float]] = []
    for point in points:
        if point.low is not None and point.high is not None:
            parts.append(_line(across(point.x), up(point.low), across(point.x), up(point.high), "interval"))
        kind = "chosen" if point.chosen else "dot"
        parts.append(f'<circle class="{kind}" cx="{across(point.x):.1f}" cy="{up(point.y):.1f}" r="6"/>')
        left = across(point.x) > _LEFT + 0.55 * room_x  # else a long label would end outside
        label = _end_of(point.label, _LONGEST)
        place = _free(across(point.x), up(point.y) + 4, taken)
        parts.append(_text(across(point.x) + (-11 if left else 11), place, label, "", "end" if left else "start"))
    joined = "; the dashed line joins those that no other beats" if len(front) > 1 else ""
    return _svg(parts, _WIDTH, height, title, f"{len(points)} files{joined}.")


def bars(panels: Sequence[Panel], *, title: str) -> str:
    """Panels of bars below each other, each with its own scale from 0 on, with intervals and figures."""
    left, row, head = 230, 30, 40
    height = sum(head + row * len(panel.bars) for panel in panels) + 10 or row
    room, top, parts = _WIDTH - left - 110, 0, []
    for panel in panels:
        parts.append(f'<text x="10" y="{top + 26}" font-weight="600">{_clean(panel.title)}</text>')
        top += head
        scale = room / max([bar.high or bar.value for bar in panel.bars] + [1e-12])
        for bar in panel.bars:
            end = max(1.0, bar.value * scale)
            parts.append(_text(left - 8, top + 15, _end_of(bar.label, int((left - 20) / _SIGN)), "", "end"))
            parts.append(f'<rect class="bar" x="{left}" y="{top + 2}" width="{end:.1f}" height="{row - 12}" rx="2"/>')
            if bar.low is not None and bar.high is not None:
                parts.append(_line(left + bar.low * scale, top + 11, left + bar.high * scale, top + 11, "interval"))
                end = max(end, bar.high * scale)
            told = f"{bar.value:,.4g}" if isinstance(bar.value, float) else f"{bar.value:,}"
            parts.append(_text(left + end + 8, top + 15, told))
            top += row
    return _svg(parts, _WIDTH, height, title, f"{sum(len(panel.bars) for panel in panels)} bars")


def _axis(values: Sequence[float]) -> list[float]:
    """Round numbers that enclose the values, about five."""
    low, high = min(values), max(values)
    spread = (high - low) or abs(high) or 1.0
    step = 10 ** math.floor(math.log10(spread / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if spread / (factor * step) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _free(x: float, y: float, taken: list[tuple[float, float]]) -> float:
    """A height for a label where no other stands near; `taken` learns it. Phones get letters of 22 pixels."""
    while any(abs(y - other) < 22 and abs(x - place) < 330 for place, other in taken):
        y += 22
    taken.append((x, y))
    return y


def _number(value: float) -> str:
    return f"{value:,.6g}"


def _end_of(label: str, most: int) -> str:
    """The end of a path tells more than its beginning."""
    return label if len(label) <= most else f"…{label[1 - most :]}"


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    told = f' class="{kind}"' if kind else ""
    return f'<text{told} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_clean(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _svg(parts: Sequence[str], width: int, height: int, title: str, about: str) -> str:
    inside = "".join(parts)
    told = f"<title>{_clean(title)}</title><desc>{_clean(about)}</desc>"
    return f'<svg viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">{told}{inside}</svg>'


def _clean(text: str) -> str:
    return escape(clean(text))
