"""Costs of one candidate, by the names that budgets use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["HANGS_ON_WEIGHTS", "Costs"]

HANGS_ON_WEIGHTS = frozenset({"gzip_bytes", "encoded_weight_bytes", "cycles", "sram_bytes"})
"""Figures that other weights of the same shapes change: what compresses them, and Vela's encoding, which decides what
an NPU streams."""


@dataclass(frozen=True)
class Costs:
    """What is known of one candidate.

    Attributes:
        figures: By name: macs, model_bytes, and those of runtimes, such as arena_bytes; what is unknown is not there.
        estimated: Names of those that were estimated, not measured.
        hang_on_weights: Names of those that trained weights change: they are measured again at the end.
    """

    figures: Mapping[str, int] = field(default_factory=dict)
    estimated: frozenset[str] = frozenset()
    hang_on_weights: frozenset[str] = frozenset()

    def __getitem__(self, figure: str) -> int | None:
        """One of them; None where it is not known."""
        return self.figures.get(figure)

    def broken(self, limits: Mapping[str, int | None], margin: float = 0.0) -> tuple[str, ...]:
        """The limits that it breaks, each widened by a margin; what is not known breaks none.

        Args:
            limits: By figure; None where one is not limited.
            margin: 0.05 lets a figure be 5 % above its limit: for estimates, so that they throw away what is surely
                too large only.
        """
        return tuple(
            name
            for name, limit in limits.items()
            if limit is not None and (value := self.figures.get(name)) is not None and value > limit * (1 + margin)
        )

    @staticmethod
    def known(figures: Mapping[str, int], estimated: Iterable[str] = ()) -> Costs:
        """With the marks that the names of the figures call for."""
        return Costs(dict(figures), frozenset(estimated), HANGS_ON_WEIGHTS & figures.keys())
