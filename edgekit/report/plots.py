"""Figures as a picture: panels of bars with intervals; .html with SVG, .png with Pillow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from edgekit.errors import UsageError, clean
from edgekit.ownership import check_writable, writing
from edgekit.report._bars import Bar, Panel, draw_png
from edgekit.report.drawing import COLOURS, STYLE, bars

__all__ = ["Bar", "Panel", "panel_plotter"]

_SUFFIXES = (".html", ".png")

Draw = Callable[[Sequence[Panel], str], None]


def panel_plotter(path: Path, *, overwrite: bool = False) -> Draw:
    """What draws panels and a caption to a file: .html (a page that works offline) or .png.

    Args:
        path: The file.
        overwrite: Replace one that EdgeKit did not write, or that was changed since.

    Raises:
        UsageError: The file has another suffix.
        EdgekitError: There is such a file, and `overwrite` is not set.
    """
    if path.suffix not in _SUFFIXES:
        raise UsageError(
            "A plot is a .html or .png file.", received=repr(str(path)), remedy="Let its name end in .html or .png."
        )
    check_writable(path.parent, [path.name], overwrite=overwrite)

    def draw(panels: Sequence[Panel], caption: str) -> None:
        with writing(path, overwrite=overwrite) as temporary:
            if path.suffix == ".png":
                draw_png(panels, temporary, caption)
            else:
                temporary.write_text(_html(panels, caption), encoding="utf-8")

    return draw


def _html(panels: Sequence[Panel], caption: str) -> str:
    """A page of its own, which fetches nothing."""
    drawn = bars(panels, title=caption) if panels else "<p>Nothing was measured.</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>EdgeKit</title><style>{COLOURS}{STYLE}  body {{ font: 15px/1.5 system-ui, sans-serif; "
        "color: var(--ink); background: var(--page); margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }</style>"
        f"</head><body>{drawn}<p>{escape(clean(caption))}</p></body></html>\n"
    )
