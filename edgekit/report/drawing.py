"""Drawings as SVG that take the page's colours, so that they read in light and in dark; nothing but text is needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.report._bars import Panel
from edgekit.report._svg import axis, clean, end_of, line, number, share, svg, text
from edgekit.training.history import EPOCH, numbers

__all__ = ["COLOURS", "PAGE", "STYLE", "Point", "bars", "curves", "pareto_front", "scatter"]

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
  svg .chosen { fill: var(--good); } svg .right { fill: var(--good); } svg .wrong { fill: var(--bad); }
  svg .seen { stroke: var(--mark); } svg .unseen { stroke: var(--good); } svg .curve { fill: none; stroke-width: 2; }
  svg text.seen { fill: var(--mark); stroke: none; } svg text.unseen { fill: var(--good); stroke: none; }
  svg.small { font-size: 13px; } svg .other { stroke: var(--ink); stroke-width: 2; fill: none; }
  .beside { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
  .beside figure { margin: 0; flex: 0 1 auto; min-width: 0; } .beside figcaption { font-weight: 600; }
  svg .front { stroke: var(--good); fill: none; stroke-dasharray: 5 4; }
"""
"""For the drawings of a page that has the colours."""

PAGE = """
  body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1180px;
    margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
  h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
  .verdict { padding: .6rem .9rem; border-left: 4px solid; background: var(--panel); }
  .met { border-color: var(--good); } .missed { border-color: var(--bad); }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
  dt { color: var(--soft); } dd { margin: 0; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-size: .9rem; width: 100%; overflow-wrap: normal; }
  th, td { text-align: right; padding: .35rem .45rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; }
"""
"""How a page of text, tables and drawings is laid out."""

_WIDTH = 760
_LEFT, _RIGHT = 90, 30
_SIGN = 6.6
"""Pixels of a sign, at most."""
_MOST_PLACES = 150
"""Places of a curve, or a few more: a page holds curves of thousands of epochs."""
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
        title: What the drawing shows, for screen readers.
        x, y: Titles of the axes.
        higher_is_better: Of y; of x, less is.
    """
    height, top, bottom = 360, 30, 50
    lows = [p.y if p.low is None else p.low for p in points]
    highs = [p.y if p.high is None else p.high for p in points]
    x_axis, y_axis = axis([0.0, *(p.x for p in points)]), axis([*lows, *highs])
    room_x, room_y = _WIDTH - _LEFT - _RIGHT, height - top - bottom

    def across(value: float) -> float:
        return _LEFT + room_x * share(x_axis, value)

    def up(value: float) -> float:
        return top + room_y * (1 - share(y_axis, value))

    parts = [text(_LEFT, 18, y, "soft"), text(_LEFT + room_x / 2, height - 8, x, "soft", "middle")]
    for value in x_axis:
        parts += [line(across(value), top, across(value), top + room_y, "axis")]
        parts += [text(across(value), height - bottom + 18, number(value), "soft", "middle")]
    for value in y_axis:
        parts += [line(_LEFT, up(value), _LEFT + room_x, up(value), "axis")]
        parts += [text(_LEFT - 8, up(value) + 4, number(value), "soft", "end")]
    front = pareto_front(points, higher_is_better=higher_is_better)
    path = " ".join(f"{across(p.x):.1f},{up(p.y):.1f}" for p in front)
    parts += [f'<polyline class="front" points="{path}"/>'] if len(front) > 1 else []
    taken: list[tuple[float, float]] = []
    for point in points:
        if point.low is not None and point.high is not None:
            parts.append(line(across(point.x), up(point.low), across(point.x), up(point.high), "interval"))
        kind = "chosen" if point.chosen else "dot"
        parts.append(f'<circle class="{kind}" cx="{across(point.x):.1f}" cy="{up(point.y):.1f}" r="6"/>')
        left = across(point.x) > _LEFT + 0.55 * room_x  # else a long label would end outside
        label = end_of(point.label, _LONGEST)
        place = _free(across(point.x), up(point.y) + 4, taken)
        parts.append(text(across(point.x) + (-11 if left else 11), place, label, "", "end" if left else "start"))
    joined = "; the dashed line joins those that no other beats" if len(front) > 1 else ""
    return svg(parts, _WIDTH, height, title, f"{len(points)} files{joined}.")


def bars(panels: Sequence[Panel], *, title: str) -> str:
    """Panels of bars below each other, each with its own scale from 0 on, with intervals and figures."""
    left, row, head = 230, 30, 40
    height = sum(head + row * len(panel.bars) for panel in panels) + 10 or row
    room, top, parts = _WIDTH - left - 110, 0, []
    for panel in panels:
        parts.append(f'<text x="10" y="{top + 26}" font-weight="600">{clean(panel.title)}</text>')
        top += head
        scale = room / max([bar.high or bar.value for bar in panel.bars] + [1e-12])
        for bar in panel.bars:
            end = max(1.0, bar.value * scale)
            parts.append(text(left - 8, top + 15, end_of(bar.label, int((left - 20) / _SIGN)), "", "end"))
            parts.append(f'<rect class="bar" x="{left}" y="{top + 2}" width="{end:.1f}" height="{row - 12}" rx="2"/>')
            if bar.low is not None and bar.high is not None:
                parts.append(line(left + bar.low * scale, top + 11, left + bar.high * scale, top + 11, "interval"))
                end = max(end, bar.high * scale)
            told = f"{bar.value:,.4g}" if isinstance(bar.value, float) else f"{bar.value:,}"
            parts.append(text(left + end + 8, top + 15, told))
            top += row
    return svg(parts, _WIDTH, height, title, f"{sum(len(panel.bars) for panel in panels)} bars")


def curves(training: Mapping[str, Mapping[str, Sequence[float | None]]]) -> list[tuple[str, str]]:
    """Caption and small drawing of each figure of each training, epoch by epoch: on training and on validation samples.

    Args:
        training: As of a `Step`: by training, then by figure, one value per epoch, `loss` beside `val_loss` and so on;
            None for what was no number. Figures without any number are left out.
    """
    found = []
    for name, figures in training.items():
        of = numbers(figures)
        for figure in dict.fromkeys(key.removeprefix("val_") for key in figures if key != EPOCH):
            lines = {
                kind: [(n, value) for n, value in zip(of, figures.get(key, ()), strict=False) if value is not None]
                for kind, key in (("seen", figure), ("unseen", f"val_{figure}"))
            }
            if any(lines.values()):
                found.append((f"{name}: {figure}", _curve(lines, of[-1], f"{figure} of {name} by epoch")))
    return found


def _curve(lines: Mapping[str, Sequence[tuple[int, float]]], epochs: int, title: str) -> str:
    """Both lines of one figure, each with a dot at its end."""
    width, height, left, top, bottom = 340, 210, 62, 26, 40
    room_x, room_y = width - left - 16, height - top - bottom
    y_axis = axis([value for values in lines.values() for _, value in values])
    x_axis = [n for n in axis([1.0, float(epochs)]) if n == int(n) and 1 <= n <= epochs] or [1.0]

    def across(epoch: float) -> float:
        return left + room_x * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)

    def up(value: float) -> float:
        return top + room_y * (1 - share(y_axis, value))

    parts = [text(left, 14, "training", "seen")] if lines["seen"] else []
    parts += [text(left + 80 * bool(parts), 14, "validation", "unseen")] if lines["unseen"] else []
    parts.append(text(left + room_x / 2, height - 6, "epoch", "soft", "middle"))
    for value in y_axis:
        parts += [line(left, up(value), left + room_x, up(value), "axis")]
        parts += [text(left - 6, up(value) + 4, number(value), "soft", "end")]
    parts += [text(across(n), height - bottom + 18, number(n), "soft", "middle") for n in x_axis]
    for kind, values in lines.items():
        every = max(1, len(values) // _MOST_PLACES)
        places = [(across(n), up(value)) for n, value in (*values[:-1:every], *values[-1:])]
        if len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline class="curve {kind}" points="{path}"/>')
        parts += [f'<circle class="curve {kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places[-1:]]
    return svg(parts, width, height, title, f"{epochs} epochs.", small=True)


def _free(x: float, y: float, taken: list[tuple[float, float]]) -> float:
    """A height for a label where no other stands near; `taken` learns it. Phones get letters of 22 pixels."""
    while any(abs(y - other) < 22 and abs(x - place) < 330 for place, other in taken):
        y += 22
    taken.append((x, y))
    return y
