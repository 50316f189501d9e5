"""What runtimes can count of one inference: each lists its own; commands, reports, budgets and gates read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from edgekit import registry
from edgekit.errors import UsageError

__all__ = ["FIGURES", "RESERVED", "Figure", "limited"]

RESERVED = frozenset(
    {
        "accuracy_drop", "bytes", "error", "figures", "kernels", "latency_kind", "latency_ms", "launches", "model",
        "model_bytes", "passing", "peak_memory_bytes", "profile", "profile_note", "runs", "runtime", "sha256",
        "switches", "threads", "turn_spread", "turns", "warm_up_runs", "warm_up_stable",
    }
)  # fmt: skip
"""Keys of budgets and benchmarks that are no figures: none may take their place."""


@dataclass(frozen=True)
class Figure:
    """One figure; the smaller, the better.

    Attributes:
        name: What JSON, recipes and gates call it.
        title: Of its column in tables and plots.
        runtime: The name of the runtime that gives it.
        limit: What a recipe's `budget` says of it as a key, for help texts; empty where no budget limits it.
        said: What a report calls it; empty where reports leave it out.
        compares: How two files are compared by it: "exact" where it repeats to the last digit, "counted" where it
            repeats to about one in ten thousand; None where it is only told.
        caveat: What it does not say, for reports.

    Raises:
        UsageError: The name is no key, or one that stands for something else.
    """

    name: str
    title: str
    runtime: str
    limit: str = ""
    said: str = ""
    compares: Literal["exact", "counted"] | None = None
    caveat: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name.startswith("_") or self.name in RESERVED:
            raise UsageError(
                "A figure's name is a key of its own in budgets and JSON.",
                received=repr(self.name),
                remedy="Take a name in lower case that says what is counted, such as joules.",
            )


class _Table(Mapping[str, Figure]):
    """The figures of all runtimes, gathered when somebody asks: a name belongs to the first runtime that has it."""

    def __getitem__(self, name: str) -> Figure:
        return _gathered()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_gathered())

    def __len__(self) -> int:
        return len(_gathered())


FIGURES: Mapping[str, Figure] = _Table()
"""By name, in the order of columns: what each runtime lists in its `figures`."""


@cache
def _gathered() -> Mapping[str, Figure]:
    found: dict[str, Figure] = {}
    for figure in registry.ask("edgekit.runtimes:runtime_figures")():
        found.setdefault(figure.name, figure)
    return MappingProxyType(found)


def limited() -> tuple[Figure, ...]:
    """Those that a budget can limit."""
    return tuple(figure for figure in FIGURES.values() if figure.limit)
