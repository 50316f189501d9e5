"""The first population: drawn before anything is trained, scored by zero-cost proxies, and trained in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from edgekit import interrupt
from edgekit.searching.drawing import Drawing
from edgekit.searching.executors import Executor, check_room
from edgekit.searching.leases import ATTEMPTS
from edgekit.searching.ledger import Candidate, Ledger
from edgekit.searching.proxies import ensemble
from edgekit.searching.trial import Job

__all__ = ["first_population"]

_WAIT = 1.0


def first_population(
    drawing: Drawing, size: int, executor: Executor, job: Callable[[Candidate], Job]
) -> list[Candidate]:
    """Candidates that are to run, the best by the proxies first; a search that goes on finds them in the same order.

    Args:
        drawing: Draws them, as many as are missing.
        size: How many there are to be.
        executor: Builds them and runs the proxies.
        job: Of a candidate, that tells its scores.

    Raises:
        BudgetMissed: No candidate fits the budget.
    """
    ledger, names = drawing.ledger, drawing.ledger.space.settings.proxies
    while len(ledger.known()) < size and drawing.draw(claimed=False) is not None:
        pass
    members = sorted(ledger.known().values())[:size]
    _score(ledger, [n for n in members if n not in ledger.scores()], executor, job)
    return [candidate for candidate in ordered(ledger, names, members) if candidate.number in _open(ledger)]


def ordered(ledger: Ledger, names: Sequence[str], members: Sequence[int]) -> list[Candidate]:
    """By mean rank, the best first; where that is equal, by number."""
    told = ledger.scores()
    worth = ensemble(names, [told.get(number, {}) for number in members])
    places = sorted(range(len(members)), key=lambda place: (-worth[place], members[place]))
    return [ledger.candidate(members[place]) for place in places]


def _open(ledger: Ledger) -> set[int]:
    return {candidate.number for candidate in ledger.left_alone()}


def _score(ledger: Ledger, numbers: list[int], executor: Executor, job: Callable[[Candidate], Job]) -> None:
    waiting, running, lost = list(numbers), 0, Counter[int]()
    while waiting or running:
        interrupt.check()
        while waiting and executor.free():
            executor.submit(job(ledger.candidate(waiting.pop(0))))
            running += 1
        for outcome in sorted(executor.wait(_WAIT), key=lambda one: one.status == "no room"):
            check_room(outcome)
            running -= 1
            lost[outcome.number] += outcome.status == "lost"
            if outcome.status == "lost" and lost[outcome.number] < ATTEMPTS:
                waiting.insert(0, outcome.number)
            else:
                ledger.record_scores(outcome)
