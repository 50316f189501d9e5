"""A gene: one value of a recipe that may vary, named by its path. All genes of a space stand flat beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Gene", "Genes", "Value"]

Value = str | int | float | bool
Genes = Mapping[str, Value]
"""A candidate's values by path; those that its own choices leave without effect are there too."""


@dataclass(frozen=True)
class Gene:
    """One value that may vary.

    Attributes:
        path: Of the recipe, such as "train.learning_rate" or "passes.prune.macs".
        kind: "choice" of `values`, or a whole or real number between `low` and `high`, both included.
        values: Of a choice, in their order.
        low, high: Of a number.
        log: Numbers are drawn evenly by their logarithm.
        step: Numbers are `low` and whole steps above it; None for 1 of whole numbers, and for any real number.
    """

    path: str
    kind: Literal["choice", "int", "float"]
    values: tuple[Value, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None

    @property
    def size(self) -> int | None:
        """How many values there are; None where there is no end of them."""
        if self.kind == "choice":
            return len(self.values)
        if self.kind == "int" or self.step is not None:
            return math.floor((self.high - self.low) / (self.step or 1) + 1e-9) + 1
        return None if self.high > self.low else 1

    def distribution(self) -> BaseDistribution:
        """As Optuna has it."""
        from optuna import distributions

        if self.kind == "choice":
            return distributions.CategoricalDistribution(self.values)
        if self.kind == "int":
            step = int(self.step or 1)
            last = int(self.high) - (int(self.high) - int(self.low)) % step  # Optuna warns of a range that no step ends
            return distributions.IntDistribution(int(self.low), last, log=self.log, step=step)
        return distributions.FloatDistribution(self.low, self.high, log=self.log, step=self.step)
