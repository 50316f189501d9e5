"""What a runtime can count of one inference: one row each, which every command, report, budget and gate reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["FIGURES", "Figure", "limited"]


@dataclass(frozen=True)
class Figure:
    """One figure; the smaller, the better.

    Attributes:
        name: What JSON, recipes and gates call it.
        title: Of its column in tables and plots.
        runtime: The runtime that gives it.
        limit: What a recipe's `budget` says of it as a key, for help texts; empty where no budget limits it.
        said: What a report calls it; empty where reports leave it out.
        compares: How two files are compared by it: "exact" where it repeats to the last digit, "counted" where it
            repeats to about one in ten thousand; None where it is only told.
        caveat: What it does not say, for reports.
    """

    name: str
    title: str
    runtime: str
    limit: str = ""
    said: str = ""
    compares: Literal["exact", "counted"] | None = None
    caveat: str = ""


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        figure.name: figure
        for figure in (
            Figure(
                "instructions",
                "instructions",
                "arm64",
                "most arm64 instructions of one inference (measure: arm64)",
                "arm64 instructions",
                "counted",
            ),
            Figure(
                "cycles",
                "NPU cycles",
                "ethos_u",
                "most Ethos-U cycles of one inference, estimated (measure: ethos_u)",
                "Ethos-U cycles",
                "exact",
                "Ethos-U cycles are Vela's estimate.",
            ),
            Figure(
                "arena_bytes",
                "arena bytes",
                "tflm",
                "largest tensor arena under TFLite Micro (measure: tflm), in bytes",
                "arena bytes",
                caveat="Arenas are those of a 64-bit host with reference kernels; a 32-bit part needs a little less.",
            ),
            Figure("sram_bytes", "SRAM bytes", "ethos_u"),
            Figure("flash_bytes", "flash bytes", "ethos_u"),
            Figure("encoded_weight_bytes", "encoded weights", "ethos_u"),
            Figure("operators_on_cpu", "operators on CPU", "ethos_u"),
        )
    }
)
"""By name, in the order of columns. A figure that a runtime learns to tell is a row here."""


def limited() -> tuple[Figure, ...]:
    """Those that a budget can limit."""
    return tuple(figure for figure in FIGURES.values() if figure.limit)
