"""What is known of a search's trials: kept in its study, so that whoever opens it again knows the same."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from edgekit.recipe import Recipe
from edgekit.searching.genes import Genes
from edgekit.searching.leases import ATTEMPTS, Owner, attempts_at, claim, left_alone, release, requeue
from edgekit.searching.mirror import keep, mirrored
from edgekit.searching.pareto import Floats, Objective, choose, front, losses, violation
from edgekit.searching.rungs import Reached, next_promotion
from edgekit.searching.space import Space, key_of
from edgekit.searching.study import ask, patiently
from edgekit.searching.telling import SCREENED, parent_of, set_attribute, tell, tell_failed, tell_infeasible
from edgekit.searching.trial import Outcome, limits_of, over

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = ["Candidate", "Ledger"]

_T = TypeVar("_T")
OUTCOME = "outcome"
"""User attribute: of a trial what its first rung gave; of the study, with number and rung, what others gave."""
KEY = "key"
"""User attribute of a trial that began: equal candidates have the same."""
ESTIMATE = "estimate"
"""User attribute of a trial that began: its costs as they were estimated then."""
ATTEMPT = "attempt"
"""User attribute of the study, with number and rung, above the first one: how often the job was lost."""
SCORES = "scores"
"""User attribute of the study, with a number: what proxies told of a trial before it was trained."""
INHERITS = "inherits"
"""User attribute of a trial that began: from whose weights it starts, and the step that trained them."""
SAME_AS = "same_as"
"""User attribute of a trial whose recipe equals that of an earlier one."""
SCORED = -2
"""The rung of a job that trains nothing, and asks proxies."""
FINAL = -1
"""The rung of the last training, at full length, whose file is held against the test split."""


@dataclass(frozen=True)
class Candidate:
    """A drawn set of genes and the recipe that they make.

    Attributes:
        number: Of its trial.
        genes: By path.
        recipe: Concrete.
    """

    number: int
    genes: Genes
    recipe: Recipe

    @property
    def key(self) -> str:
        """Equal candidates have the same."""
        return key_of(self.recipe)


class Ledger:
    """Reads and writes a study. What is asked is answered from memory; what is told is kept, and waits for storage.

    Args:
        study: Optuna's, as it is kept, with the sampler.
        space: What it searches.
        objectives: In the order of its values.
        url: Of the study's storage, without a password, for messages.
    """

    def __init__(self, study: Study, space: Space, objectives: Sequence[Objective], url: str) -> None:
        self._study, self.space, self.objectives, self._url = study, space, tuple(objectives), url
        self.memory = patiently(lambda: mirrored(study), url)
        self._candidates: dict[int, Candidate] = {}

    def ask(self) -> int:
        """The number of a new trial with all of its genes drawn. Until it is told or begun, only memory knows it."""
        return ask(self.memory, self.space.genes).number

    def outcomes(self) -> dict[tuple[int, int], Outcome]:
        """All that there are, by trial and rung."""
        found: dict[tuple[int, int], Outcome] = {}
        for trial in self._trials():
            if OUTCOME in trial.user_attrs:
                found[trial.number, 0] = Outcome(**json.loads(trial.user_attrs[OUTCOME]))
        for name, told in self.memory.user_attrs.items():
            kind, _, place = name.partition(":")
            if kind == OUTCOME:
                number, _, rung = place.partition(":")
                found[int(number), int(rung)] = Outcome(**json.loads(told))
        return found

    @property
    def trained(self) -> int:
        """Trials that were trained, or that failed: those that count against the number that was asked for."""
        return sum(rung == 0 and outcome.status != "unfit" for (_, rung), outcome in self.outcomes().items())

    @property
    def drawn(self) -> tuple[int, int]:
        """Candidates that were drawn, and how many of them were refused for their costs before training."""
        trials = self._trials()
        return len(trials), sum(bool(trial.user_attrs.get(SCREENED)) for trial in trials)

    def candidate(self, number: int) -> Candidate:
        """A trial's candidate; its genes never change, and to make a recipe of them takes milliseconds."""
        if number not in self._candidates:
            genes = self._trial(number).params
            self._candidates[number] = Candidate(number, genes, self.space.recipe(genes))
        return self._candidates[number]

    def estimates(self) -> dict[int, dict[str, float]]:
        """What the costs of trials were thought to be before anything of them was measured."""
        told = {trial.number: trial.user_attrs.get(ESTIMATE) for trial in self._trials()}
        return {number: json.loads(text) for number, text in told.items() if text}

    def known(self) -> dict[str, int]:
        """Trials by the key of their recipe, of those that ran or run."""
        return {trial.user_attrs[KEY]: trial.number for trial in self._trials() if KEY in trial.user_attrs}

    def left_alone(self) -> list[Candidate]:
        """Candidates that were begun, and nobody works on."""
        return [self.candidate(trial.number) for trial in left_alone(self.memory)]

    def heritage(self, number: int) -> tuple[int, str] | None:
        """From which trial's weights a candidate starts its first rung, and the step that trained them; None for its
        own. It is decided once, when the trial begins, so that whoever begins it again starts from the same.
        """
        told = self._trial(number).user_attrs.get(INHERITS)
        return None if told is None else (int(told[0]), str(told[1]))

    def take(self, number: int) -> bool:
        """Whether a candidate that is left alone is to run; then it is this process's."""
        return self._told(partial(_taken_over, number=number))

    def again(self, number: int, rung: int) -> bool:
        """Whether a job is to be done again whose process is gone, such as with its node; kept as an attempt at it."""
        if rung == 0:
            return attempts_at(self.memory, number) < ATTEMPTS and self.take(number)
        name = f"{ATTEMPT}:{number}:{rung}"
        lost = int(self.memory.user_attrs.get(name, 0)) + 1
        self._told(lambda study: study.set_user_attr(name, lost))
        return lost < ATTEMPTS

    def scores(self) -> dict[int, dict[str, float]]:
        """By trial, what proxies told of it; empty of a trial that they failed on."""
        found = {}
        for name, told in self.memory.user_attrs.items():
            kind, _, number = name.partition(":")
            if kind == SCORES:
                found[int(number)] = dict(json.loads(told))
        return found

    def record_scores(self, outcome: Outcome) -> None:
        """Keep what proxies told of a trial."""
        text = json.dumps(outcome.figures)
        self._told(lambda study: study.set_user_attr(f"{SCORES}:{outcome.number}", text))

    def promoted(self, busy: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
        """A trial that goes up to a rung that it has not been on, and that rung; None where none does."""
        ladder = self.space.settings.fidelity.ladder
        if ladder is None:
            return None
        done = {place: o for place, o in self.outcomes().items() if place[1] != FINAL}
        numbers = [place for place, o in done.items() if o.status == "done"]
        standing, broken = self._standing([done[place] for place in numbers])
        reached = [
            Reached(number, rung, tuple(values), violation)
            for (number, rung), values, violation in zip(numbers, standing.tolist(), broken, strict=True)
        ]
        worst = (math.inf,) * len(self.objectives)
        others = [place for place in {*done, *busy} if place not in numbers and place[1] > 0]
        reached += [Reached(number, rung, worst, math.inf) for number, rung in others]
        return next_promotion(reached, ladder)

    def front(self) -> list[int]:
        """Trials that fit and that no other one dominates, of those that have been on the highest rung that any has."""
        outcomes = {place: o for place, o in self.outcomes().items() if o.status == "done" and place[1] != FINAL}
        top = max((rung for _, rung in outcomes), default=0)
        numbers = sorted(n for n, rung in outcomes if rung == top)
        numbers = [n for n in numbers if all(o.name in outcomes[n, top].figures for o in self.objectives)]
        if not numbers:
            return []
        found, broken = self._standing([outcomes[n, top] for n in numbers])
        places = [int(place) for place in front(found, broken)]
        return sorted(numbers[places[chosen]] for chosen in self._chosen(found[places])) if places else []

    def _chosen(self, found: Floats) -> list[int]:
        """As many of the front as are to be proven: the best by the first objective, then by hypervolume."""
        most = self.space.settings.front
        if len(found) <= most:
            return list(range(len(found)))
        first = int(np.argmin(found[:, 0]))
        spread = np.ptp(found, axis=0)
        chosen = [c for c in choose(found, (found.max(axis=0) + 0.1 * spread + 1e-9).tolist(), most) if c != first]
        return [first, *chosen[: most - 1]]

    def _standing(self, outcomes: Sequence[Outcome]) -> tuple[Floats, list[float]]:
        """Losses and violations."""
        values = [[o.figures.get(objective.name, math.nan) for objective in self.objectives] for o in outcomes]
        broken = [violation(over(o.figures, limits_of(self.candidate(o.number).recipe))) for o in outcomes]
        return losses(values, self.objectives), broken

    def begin(self, candidate: Candidate, estimate: Mapping[str, float], *, claimed: bool = True) -> None:
        """Note that a candidate is to run, what its costs were thought to be, and that this process runs it: one that
        is not claimed waits until somebody takes it.
        """
        set_attribute(self.memory, candidate.number, ESTIMATE, json.dumps(dict(estimate)))
        set_attribute(self.memory, candidate.number, KEY, candidate.key)
        parent = self._parent(candidate.number) if self.space.settings.inherits else None
        if parent is not None:
            set_attribute(self.memory, candidate.number, INHERITS, list(parent))
        if claimed:
            claim(self.memory, candidate.number, Owner.ourselves())
        self._keep(candidate.number)

    def _parent(self, number: int) -> tuple[int, str] | None:
        """Whose child a trial is, and where that one was trained longest; None where it is nobody's who was trained."""
        parent = parent_of(self._trial(number))
        if parent is None:
            return None
        parent = int(self._trial(parent).user_attrs.get(SAME_AS, parent))
        trained = {
            rung: outcome.baseline
            for (of, rung), outcome in self.outcomes().items()
            if of == parent and rung >= 0 and outcome.status == "done" and outcome.baseline is not None
        }
        return (parent, trained[max(trained)]) if trained else None

    def give_back(self, numbers: Iterable[int]) -> None:
        """Note that trials were ended before they were done, so that whoever goes on begins them again."""
        for number in numbers:
            if not self._trial(number).state.is_finished():
                self._told(partial(release, number=number))

    def repeat(self, number: int, of: int) -> bool:
        """Tell a trial what an equal one was told; False where that one has not ended yet."""
        outcome = self.outcomes().get((of, 0))
        set_attribute(self.memory, number, SAME_AS, of)
        if outcome is None:
            tell_failed(self.memory, number, f"It equals trial {of}, which still runs.")
        else:
            self._tell(self.memory, number, outcome)
        self._keep(number)
        return outcome is not None

    def record(self, outcome: Outcome) -> None:
        """Keep what became of a job, and tell the sampler of a first rung."""
        text = json.dumps(vars(outcome))
        if outcome.rung != 0:
            self._told(lambda study: study.set_user_attr(f"{OUTCOME}:{outcome.number}:{outcome.rung}", text))
        elif not self._trial(outcome.number).state.is_finished():
            self._told(lambda study: self._finish(study, outcome, text))

    def refuse(self, number: int, reason: str) -> None:
        """Tell that a candidate makes no recipe."""
        tell_failed(self.memory, number, reason)
        self._keep(number)

    def screen_out(self, number: int, costs: Mapping[str, float], broken: Sequence[float]) -> None:
        """Tell that a candidate's costs do not fit."""
        tell_infeasible(self.memory, number, broken, [costs.get(objective.name) for objective in self.objectives])
        self._keep(number)

    def _keep(self, number: int) -> None:
        patiently(lambda: keep(self._study, self.memory, number), self._url)

    def _told(self, call: Callable[[Study], _T]) -> _T:
        """Do the same to the study that is kept, then to memory; what memory answers."""
        patiently(lambda: call(self._study), self._url)
        return call(self.memory)

    def _finish(self, study: Study, outcome: Outcome, text: str) -> None:
        if not study.get_trials(deepcopy=False)[outcome.number].state.is_finished():
            set_attribute(study, outcome.number, OUTCOME, text)
            self._tell(study, outcome.number, outcome)

    def _tell(self, study: Study, number: int, outcome: Outcome) -> None:
        broken = over(outcome.figures, limits_of(self.candidate(number).recipe))
        values = [outcome.figures.get(objective.name) for objective in self.objectives]
        if outcome.status == "failed":
            tell_failed(study, number, outcome.reason)
        elif outcome.status == "unfit":
            tell_infeasible(study, number, broken, values)
        elif None in values:
            missing = [o.name for o, value in zip(self.objectives, values, strict=True) if value is None]
            tell_failed(study, number, f"{', '.join(missing)} could not be measured.")
        else:
            ladder = self.space.settings.fidelity.ladder
            share = 1.0 if ladder is None else ladder.rungs[0].cost / ladder.rungs[-1].cost
            tell(study, number, [value for value in values if value is not None], broken, fidelity=share)

    def _trials(self) -> list[FrozenTrial]:
        return self.memory.get_trials(deepcopy=False)

    def _trial(self, number: int) -> FrozenTrial:
        return self._trials()[number]


def _taken_over(study: Study, *, number: int) -> bool:
    """Whether a trial of a driver that is gone is to be done again; then it is this process's."""
    again = requeue(study, number)
    if again:
        claim(study, number, Owner.ourselves())
    return again
