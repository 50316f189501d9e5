"""Bars with intervals, drawn with Pillow, which every install has: a .png without a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Bar", "Panel", "draw_png"]

_WIDTH, _LABELS, _MARGIN = 1200, 360, 24  # pixels
_ROW, _BAR, _TITLE = 36, 22, 44
_INK, _GREY, _COLOUR = "#222222", "#777777", "#1b6ca8"
_VALUES = 130  # kept free for the figure beside the longest bar


@dataclass(frozen=True)
class Bar:
    """One model's figure, with its interval where it has one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Panel:
    """Bars that share a scale from 0 on."""

    title: str
    bars: tuple[Bar, ...]


def draw_png(panels: Sequence[Panel], path: Path, caption: str) -> None:
    """Draw the panels below each other.

    Args:
        panels: What to draw.
        path: The file to write.
        caption: One line at the bottom.
    """
    from PIL import Image, ImageDraw, ImageFont

    height = sum(_TITLE + _ROW * len(panel.bars) for panel in panels) + 3 * _MARGIN + 20
    image = Image.new("RGB", (_WIDTH, height), "white")
    pen: Any = ImageDraw.Draw(image)
    font, bold = ImageFont.load_default(15), ImageFont.load_default(18)
    top = _MARGIN
    for panel in panels:
        pen.text((_MARGIN, top), panel.title, fill=_INK, font=bold)
        top += _TITLE
        longest = max([bar.high or bar.value for bar in panel.bars] + [1e-12])
        scale = (_WIDTH - _LABELS - _MARGIN - _VALUES) / longest
        for bar in panel.bars:
            _draw_bar(pen, bar, top, scale, font)
            top += _ROW
    pen.text((_MARGIN, height - _MARGIN - 16), caption, fill=_GREY, font=font)
    image.save(path, format="PNG")


def _draw_bar(pen: Any, bar: Bar, top: int, scale: float, font: Any) -> None:
    middle, end = top + _BAR // 2, _LABELS + bar.value * scale
    label = _fitting(pen, bar.label, font)
    pen.text((_LABELS - 10, middle), label, fill=_INK, font=font, anchor="rm")
    pen.rectangle((_LABELS, top, max(_LABELS + 1, end), top + _BAR), fill=_COLOUR)
    if bar.low is not None and bar.high is not None:
        low, high = _LABELS + bar.low * scale, _LABELS + bar.high * scale
        pen.line((low, middle, high, middle), fill=_INK, width=2)
        for x in (low, high):
            pen.line((x, middle - 6, x, middle + 6), fill=_INK, width=2)
        end = max(end, high)
    figure = f"{bar.value:,.4g}" if isinstance(bar.value, float) else f"{bar.value:,}"
    pen.text((end + 8, middle), figure, fill=_INK, font=font, anchor="lm")


def _fitting(pen: Any, label: str, font: Any) -> str:
    """The end of a path tells more than its beginning."""
    room = _LABELS - 10 - _MARGIN
    if pen.textlength(label, font=font) <= room:
        return label
    while label and pen.textlength(f"…{label}", font=font) > room:
        label = label[1:]
    return f"…{label}"
