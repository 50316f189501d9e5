"""Drawings of many trials at once: a cloud of dots whose titles tell their genes, and parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from edgekit.report._svg import axis, clean, end_of, line, number, share, svg, text

__all__ = ["TRIALS", "Trial", "cloud", "parallel"]

TRIALS = """
  svg .other-trial { fill: var(--soft); opacity: .55; } svg .first { fill: var(--good); }
  svg .path { fill: none; stroke: var(--soft); opacity: .4; } svg .path.first { stroke: var(--good); opacity: 1;
    stroke-width: 2; fill: none; }
"""
"""Styles of these drawings."""
_WIDTH = 760
_CLOUD, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 62, 24, 30, 50
"""A cloud is narrow enough to be read on a phone."""
_LONGEST = 16


@dataclass(frozen=True)
class Trial:
    """One trial as it is drawn.

    Attributes:
        label: What is told where the pointer rests.
        values: Figures and genes by name; texts of choices as they are.
        first: Whether it is of the front.
    """

    label: str
    values: Mapping[str, float | str]
    first: bool


def cloud(trials: Sequence[Trial], x: str, y: str) -> str:
    """Every trial that has both figures as a dot; those of the front in green, above the others.

    Args:
        trials: In any order.
        x, y: Names of figures.
    """
    height = 340
    shown = [t for t in trials if _is_number(t.values.get(x)) and _is_number(t.values.get(y))]
    if not shown:
        return ""
    x_axis, y_axis = (axis([float(t.values[name]) for t in shown]) for name in (x, y))
    room_x, room_y = _CLOUD - _LEFT - _RIGHT, height - _TOP - _BOTTOM
    parts = [text(_LEFT, 18, y, "soft"), text(_LEFT + room_x / 2, height - 8, x, "soft", "middle")]
    for value in x_axis:
        at = _LEFT + room_x * share(x_axis, value)
        parts += [line(at, _TOP, at, _TOP + room_y, "axis")]
        parts += [text(at, height - _BOTTOM + 18, number(value), "soft", "middle")]
    for value in y_axis:
        at = _TOP + room_y * (1 - share(y_axis, value))
        parts += [line(_LEFT, at, _LEFT + room_x, at, "axis"), text(_LEFT - 8, at + 4, number(value), "soft", "end")]
    for trial in sorted(shown, key=lambda t: t.first):
        at_x = _LEFT + room_x * share(x_axis, float(trial.values[x]))
        at_y = _TOP + room_y * (1 - share(y_axis, float(trial.values[y])))
        kind = "first" if trial.first else "other-trial"
        parts.append(
            f'<circle class="{kind}" cx="{at_x:.1f}" cy="{at_y:.1f}" r="{6 if trial.first else 4}">'
            f"<title>{clean(trial.label)}</title></circle>"
        )
    return svg(parts, _CLOUD, height, f"{y} against {x}", f"{len(shown)} trials, the front in green.")


def parallel(trials: Sequence[Trial], names: Sequence[str]) -> str:
    """One upright axis for each name, and each trial as a line through its values.

    Args:
        trials: In any order; one that lacks a value passes that axis at its foot.
        names: Of genes and figures, from left to right; at least two.
    """
    height, top, foot = 330, 62, 36
    room_x, room_y = _WIDTH - 2 * 60, height - top - foot
    places = {name: 60 + room_x * i / max(1, len(names) - 1) for i, name in enumerate(names)}
    scales = {name: _scale([t.values.get(name) for t in trials]) for name in names}
    parts = []
    for number_, name in enumerate(names):
        at, (low, high) = places[name], scales[name].ends
        parts += [line(at, top, at, top + room_y, "axis")]
        parts += [text(at, 18 + 16 * (number_ % 2), end_of(name, _LONGEST), "", "middle")]
        parts += [text(at, height - foot + 18, low, "soft", "middle"), text(at, top - 8, high, "soft", "middle")]
    for trial in sorted(trials, key=lambda t: t.first):
        path = " ".join(
            f"{places[name]:.1f},{top + room_y * (1 - scales[name].share(trial.values.get(name))):.1f}"
            for name in names
        )
        kind = "path first" if trial.first else "path"
        parts.append(f'<polyline class="{kind}" points="{path}"><title>{clean(trial.label)}</title></polyline>')
    return svg(parts, _WIDTH, height, "Genes and figures of every trial", f"{len(trials)} trials, the front in green.")


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    order: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, str]:
        if self.order:
            return end_of(self.order[0], _LONGEST), end_of(self.order[-1], _LONGEST)
        return _short(self.low), _short(self.high)

    def share(self, value: object) -> float:
        """From 0 to 1; 0 for what is not there."""
        if self.order:
            return self.order.index(str(value)) / max(1, len(self.order) - 1) if str(value) in self.order else 0.0
        if not _is_number(value):
            return 0.0
        return (float(value) - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def _short(value: float) -> str:
    """A value that has little room beside others."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _scale(values: Sequence[float | str | None]) -> _Scale:
    known = [value for value in values if value is not None]
    if known and all(_is_number(value) for value in known):
        numbers = [float(value) for value in known]
        return _Scale(min(numbers), max(numbers), ())
    return _Scale(0.0, 0.0, tuple(sorted({str(value) for value in known})))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
