"""What runtimes can count of one inference: each lists its own; commands, reports, budgets and gates read them.

Several runtimes may give a figure of one name: instructions of a phone's processor, and of a microcontroller's. Its
name, title and way of comparing are then the same; what each runtime says of it, such as a caveat, is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

from edgekit import registry
from edgekit.errors import UsageError

__all__ = ["FIGURES", "RESERVED", "Figure", "givers", "limited", "told_by"]

RESERVED = frozenset(
    {
        "accuracy_drop", "bytes", "error", "figures", "kernels", "latency_kind", "latency_ms", "launches",
        "macs",
        "measured_on", "model", "model_bytes", "passing", "peak_memory_bytes", "profile", "profile_note", "runs",
        "runtime", "sha256", "switches", "threads", "turn_spread", "turns", "warm_up_runs", "warm_up_stable",
        "warnings",
    }
)  # fmt: skip
"""Keys of budgets and benchmarks that are no figures: none may take their place."""


@dataclass(frozen=True)
class Figure:
    """One figure; the smaller, the better.

    Attributes:
        name: What JSON, recipes and gates call it.
        title: Title of its column in tables and plots.
        runtime: The name of the runtime that gives it.
        limit: What a recipe's `budget` says of it as a key, for help texts; empty where no budget limits it.
        report_title: What a report calls it; empty where reports leave it out.
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
    report_title: str = ""
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
    """The figures of all runtimes, gathered when somebody asks; of one name, as the first runtime has it."""

    def __getitem__(self, name: str) -> Figure:
        return _gathered()[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(_gathered())

    def __len__(self) -> int:
        return len(_gathered())


FIGURES: Mapping[str, Figure] = _Table()
"""By name, in the order of columns: what each runtime lists in its `figures`."""


def givers(name: str) -> tuple[Figure, ...]:
    """A figure as each runtime has it that gives it; empty where none does."""
    return _gathered().get(name, ())


def told_by(runtimes: Iterable[str]) -> Mapping[str, Figure]:
    """The figures by name, in the order of columns, as these runtimes have them; variants count as their runtime.

    Of a name that several of them give, the first one's; a name that none of them gives is left out.
    """
    bases = [name.partition(":")[0] for name in runtimes]
    found = {name: {figure.runtime: figure for figure in figures} for name, figures in _gathered().items()}
    return {
        name: next(figures[base] for base in bases if base in figures)
        for name, figures in found.items()
        if not figures.keys().isdisjoint(bases)
    }


def limited() -> tuple[Figure, ...]:
    """Those that a budget can limit; where several runtimes give one, `limit` says so of each."""
    found = []
    for figures in _gathered().values():
        if limits := list(filter(None, (figure.limit for figure in figures))):
            found.append(replace(figures[0], limit="; or ".join(limits)))
    return tuple(found)


@cache
def _gathered() -> Mapping[str, tuple[Figure, ...]]:
    found: dict[str, tuple[Figure, ...]] = {}
    for figure in registry.ask("edgekit.runtimes:runtime_figures")():
        found[figure.name] = (*found.get(figure.name, ()), figure)
    return MappingProxyType(found)
