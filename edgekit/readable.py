"""Results that people read: a title and rows, as plain text and, in a notebook, as a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape

from edgekit.errors import clean

__all__ = ["Readable", "Rows"]

Rows = list[tuple[str, str | None]]
"""What something is called, and what it is; None where that is unknown."""
UNKNOWN = "–"


class Readable(ABC):
    """A result with `summary()` for people and `to_dict()` for programs, that a notebook shows as a table."""

    @abstractmethod
    def title(self) -> str:
        """One line."""

    @abstractmethod
    def rows(self) -> Rows:
        """What it says."""

    @abstractmethod
    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""

    def to_dict(self) -> dict[str, object]:
        """The same: JSON-ready."""
        return self.as_dict()

    def summary(self) -> str:
        """Its rows as text. Names come from files of others, so nothing in it steers a terminal."""
        rows = [(clean(name), clean(text or UNKNOWN).replace("\n", "\\n")) for name, text in self.rows()]
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([clean(self.title()), *(f"  {name.ljust(width)}  {text}" for name, text in rows)])

    def _repr_html_(self) -> str:
        cells = (
            f"<tr><th style='text-align:left'>{escape(clean(name))}</th>"
            f"<td style='text-align:left'>{escape(clean(text or UNKNOWN))}</td></tr>"
            for name, text in self.rows()
        )
        return f"<table><caption>{escape(clean(self.title()))}</caption>{''.join(cells)}</table>"
