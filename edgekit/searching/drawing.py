"""Candidates: what a sampler draws, screened until one fits and was not tried before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit import interrupt
from edgekit.errors import BudgetMissed, EdgekitError
from edgekit.searching.ledger import Candidate, Ledger
from edgekit.searching.screening import Screen
from edgekit.searching.trial import binding, limits_of, over

__all__ = ["Drawing"]

MOST = 2000
"""Candidates in a row that do not fit, or that were tried before, until the search gives up."""


@dataclass
class Drawing:
    """Draws candidates.

    Attributes:
        ledger: Knows what was drawn.
        screen: Tells costs before training.
        nearest: Of those that did not fit, by how much the best one broke its worst limit, with its costs.
    """

    ledger: Ledger
    screen: Screen
    nearest: tuple[float, Mapping[str, float], Mapping[str, float]] | None = field(default=None, init=False)

    def draw(self, *, claimed: bool = True) -> Candidate | None:
        """The next candidate to run; None where the space has no other.

        Args:
            claimed: Whether this process runs it now; else it waits until somebody takes it.

        Raises:
            BudgetMissed: None fits, and none ever did.
        """
        known, outcomes = self.ledger.known(), self.ledger.outcomes()
        self.screen.learn((self.ledger.candidate(n).recipe, o) for (n, r), o in outcomes.items() if r == 0)
        for _ in range(MOST):
            interrupt.check()
            candidate = self._fitting(self.ledger.ask(), known, claimed)
            if candidate is not None:
                return candidate
            if self._exhausted():
                break
        if not known and self.nearest is not None:
            raise self._impossible()
        return None

    def _fitting(self, number: int, known: Mapping[str, int], claimed: bool) -> Candidate | None:
        try:
            candidate = self.ledger.candidate(number)
            costs, margins = self.screen(candidate.recipe)
        except EdgekitError as error:  # genes that are refused together, or a network that does not fit the data
            self.ledger.refuse(number, str(error))
            return None
        if candidate.key in known:
            self.ledger.repeat(number, of=known[candidate.key])
            return None
        limits = limits_of(candidate.recipe)
        broken = over(costs, {name: limit * (1 + margins.get(name, 0)) for name, limit in limits.items()})
        if max(broken, default=0) > 0:
            self.ledger.screen_out(number, costs, broken)
            if self.nearest is None or max(broken) < self.nearest[0]:
                self.nearest = max(broken), costs, limits
            return None
        self.ledger.begin(candidate, costs, claimed=claimed)
        return candidate

    def _exhausted(self) -> bool:
        """Whether every set of genes was drawn."""
        size = self.ledger.space.size
        if size is None or size > MOST:
            return False
        trials = self.ledger.memory.get_trials(deepcopy=False)
        drawn = {tuple(sorted(trial.params.items(), key=str)) for trial in trials}
        return len(drawn) >= size

    def _impossible(self) -> BudgetMissed:
        assert self.nearest is not None
        _, costs, limits = self.nearest
        name = binding(costs, limits)
        assert name is not None, "a candidate is only thrown away for a figure that is known"
        return BudgetMissed(
            "Some candidate of the space must fit the budget.",
            received=f"{self.ledger.drawn[1]:,} that do not; of the nearest one, {name} is {costs[name]:,.0f} by "
            f"estimate and at most {limits[name]:,.0f} is allowed",
            remedy=f"Raise budget.{name}, or let the space have smaller networks.",
        )
