"""The driver: asks for candidates, has them run and tells what they are worth, until trials or time are over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgekit import interrupt
from edgekit.searching.drawing import Drawing
from edgekit.searching.executors import Executor, check_room
from edgekit.searching.first import first_population
from edgekit.searching.ledger import FINAL, SCORED, Candidate, Ledger
from edgekit.searching.trial import Job, Outcome

__all__ = ["Plan", "Progress", "drive", "prove"]

TRIALS, STORE, COSTS, FRONT = "trials", "store", "costs", "front"
_WAIT = 1.0  # seconds between looks at the clock


@dataclass(frozen=True)
class Plan:
    """How far a search goes.

    Attributes:
        folder: Of the search.
        trials: How many candidates are trained.
        hours: After which no more is started; None for no limit.
    """

    folder: Path
    trials: int
    hours: float | None = None


@dataclass(frozen=True)
class Progress:
    """Where a search stands.

    Attributes:
        trained: Trials that have ended, of `trials`.
        trials: How many there are to be.
        drawn, screened: Candidates that were drawn, and those of them whose costs do not fit.
        seconds: Since this driver started.
        left: Seconds until it ends, as far as the pace tells; None before the first trial has ended.
    """

    trained: int
    trials: int
    drawn: int
    screened: int
    seconds: float
    left: float | None


Watch = Callable[[Progress], None]


@dataclass
class _Running:
    """The jobs that run, and how fast they end."""

    executor: Executor
    ledger: Ledger
    plan: Plan
    watch: Watch
    started: float = field(default_factory=time.monotonic)
    candidates: dict[tuple[int, int], Candidate] = field(default_factory=dict)
    jobs: dict[tuple[int, int], Job] = field(default_factory=dict)
    ended: int = 0

    def start(self, candidate: Candidate, job: Job) -> None:
        self.candidates[job.number, job.rung] = candidate
        self.jobs[job.number, job.rung] = job
        self.executor.submit(job)

    def wait(self) -> list[Outcome]:
        """Outcomes of jobs that have ended; they are kept before anybody is told."""
        outcomes = self.executor.wait(_WAIT)
        for outcome in sorted(outcomes, key=lambda one: one.status == "no room"):  # the others are kept first
            check_room(outcome)
            if outcome.status == "lost":
                if self._again(outcome):
                    continue
                outcome = replace(outcome, status="failed")
            self.ledger.record(outcome)
            self._forget(outcome)
            self.ended += 1
            self.watch(self.progress())
        return outcomes

    def _again(self, outcome: Outcome) -> bool:
        """Begin a job again that was lost, or leave it to the next driver where the time is over.

        Returns:
            Whether that is done; False where it was lost too often.
        """
        place = outcome.number, outcome.rung
        if self.late and outcome.rung != FINAL:
            if outcome.rung == 0:
                self.ledger.give_back([outcome.number])
            self._forget(outcome)
            return True
        if not self.ledger.again(*place):
            return False
        self.executor.submit(self.jobs[place])
        return True

    def _forget(self, outcome: Outcome) -> None:
        del self.candidates[outcome.number, outcome.rung], self.jobs[outcome.number, outcome.rung]

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Whatever ends the block, trials that run are begun again by the next driver."""
        try:
            yield
        finally:
            self.ledger.give_back(number for number, rung in self.candidates if rung == 0)

    def progress(self) -> Progress:
        trained, (drawn, screened) = self.ledger.trained, self.ledger.drawn
        seconds = time.monotonic() - self.started
        left = seconds / self.ended * max(0, self.plan.trials - trained) if self.ended else None
        if left is not None and self.plan.hours is not None:
            left = min(left, max(0.0, self.plan.hours * 3600 - seconds))
        return Progress(trained, self.plan.trials, drawn, screened, seconds, left)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.plan.hours is not None and time.monotonic() - self.started > self.plan.hours * 3600


def drive(plan: Plan, drawing: Drawing, executor: Executor, watch: Watch) -> None:
    """Run trials until there are enough of them, or the time is over.

    Trials that a killed driver has left go first. Ctrl-C ends what runs; it is run again when the search goes on.

    Raises:
        BudgetMissed: No candidate fits the budget.
    """
    running = _Running(executor, drawing.ledger, plan, watch)
    left = _waiting(plan, drawing, executor)
    with running.given_back():
        while True:
            interrupt.check()
            while executor.free() and (found := _next(running, drawing, left)):
                running.start(*found)
            if not running.candidates:
                return
            running.wait()


def _waiting(plan: Plan, drawing: Drawing, executor: Executor) -> list[Candidate]:
    """Candidates that run first: what a killed driver has left, and the first population where proxies order one."""
    ledger, settings = drawing.ledger, drawing.ledger.space.settings
    if not settings.proxies:
        return ledger.left_alone()

    def job(candidate: Candidate) -> Job:
        folder = plan.folder / TRIALS / f"{candidate.number:05d}"
        return replace(_job(plan, candidate, SCORED, folder), proxies=settings.proxies)

    first = first_population(drawing, min(settings.first, plan.trials), executor, job)
    numbers = {candidate.number for candidate in first}
    return [*first, *(candidate for candidate in ledger.left_alone() if candidate.number not in numbers)]


def prove(plan: Plan, ledger: Ledger, front: Sequence[int], executor: Executor, watch: Watch) -> None:
    """Train the front's members anew, each by its own recipe, and hold their files against the test split.

    Those that were proven before are not trained again.
    """
    running = _Running(executor, ledger, plan, watch)
    known = ledger.outcomes()
    left = [number for number in front if (number, FINAL) not in known]
    while left or running.candidates:
        interrupt.check()
        while left and executor.free():
            candidate = ledger.candidate(left.pop(0))
            folder = plan.folder / FRONT / f"{candidate.number:05d}"
            running.start(candidate, _job(plan, candidate, FINAL, folder))
        running.wait()


def _next(running: _Running, drawing: Drawing, left: list[Candidate]) -> tuple[Candidate, Job] | None:
    """What runs next: a trial of a killed driver, a candidate that goes up a rung, or a new one; None at the end."""
    if running.late:
        return None
    plan, ledger = running.plan, running.ledger
    ladder = ledger.space.settings.fidelity.ladder
    candidate, rung = None, 0
    while left and candidate is None:
        waiting = left.pop(0)
        candidate = waiting if ledger.take(waiting.number) else None
    if candidate is not None:
        pass
    elif (up := ledger.promoted(busy=set(running.candidates))) is not None:
        candidate, rung = ledger.candidate(up[0]), up[1]
    elif ledger.trained + sum(r == 0 for _, r in running.candidates) < plan.trials:
        candidate = drawing.draw()
    if candidate is None:
        return None
    folder = plan.folder / TRIALS / f"{candidate.number:05d}"
    if ladder is None:
        job = _job(plan, candidate, rung, folder)
    else:
        step = ladder.rungs[rung]
        job = _job(plan, candidate, rung, folder / f"rung{rung}", step.epochs, step.share)
    heritage = ledger.heritage(candidate.number) if rung == 0 else None
    return candidate, job if heritage is None else replace(job, parent=heritage[0], parent_step=heritage[1])


def _job(
    plan: Plan, candidate: Candidate, rung: int, folder: Path, epochs: int | None = None, share: float = 1.0
) -> Job:
    return Job(
        number=candidate.number,
        rung=rung,
        recipe=candidate.recipe.dump(),
        folder=str(folder),
        store=str(plan.folder / STORE),
        epochs=epochs,
        share=share,
        costs=str(plan.folder / COSTS),
        final=rung == FINAL,
    )
