"""What a study is told of its trials, once each: values, that it does not fit, or that it failed; and how that is read.

A candidate that screening refuses is told as complete, with its constraints above 0 and the worst values where none
is known. Optuna's TPE and NSGA-II, and EdgeKit's samplers, then rank it behind all that fit and by how far it is off
(Deb 2002), so that they learn where the limits are; as a pruned trial NSGA-II would not see it at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.searching.genes import Value
from edgekit.searching.pareto import Floats, Objective, losses, violation

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

__all__ = [
    "CONSTRAINTS",
    "Told",
    "note_parent",
    "parent_of",
    "set_attribute",
    "tell",
    "tell_failed",
    "tell_infeasible",
    "told",
    "worst_values",
]

CONSTRAINTS = "constraints"
"""User attribute of a trial: for each limit of the budget (value - limit) / limit, above 0 where it is broken."""
SCREENED = "screened"
"""User attribute of a trial that was refused before any training."""
FIDELITY = "fidelity"
"""User attribute of a trial: the share of the full training that its values stand for."""
REASON = "reason"
"""User attribute of a trial that failed."""
PARENT = "edgekit:parent"
"""System attribute of a trial: the number of the one whose child it is; None, or left out, where it is nobody's."""
_OPTUNA = "constraints"
"""Where Optuna keeps a trial's constraints, as a list; `Trial.set_constraint` keeps the first value that it is given,
and a trial that is told again after a kill may have another."""
_FAR = 1e9


@dataclass(frozen=True)
class Told:
    """What a study knows of its complete trials, in the order of their numbers.

    Attributes:
        numbers: Of the trials.
        genes: Of each, by path.
        losses: (trials, objectives), lower is better.
        violations: By how much each breaks the limits; 0 where it fits.
        constraints: (trials, limits), as they were told.
        fidelities: The share of the full training that each trial's values stand for.
    """

    numbers: tuple[int, ...]
    genes: tuple[Mapping[str, Value], ...]
    losses: Floats
    violations: Floats
    constraints: Floats
    fidelities: Floats

    def __len__(self) -> int:
        return len(self.numbers)


def told(study: Study, objectives: Sequence[Objective]) -> Told:
    """Read the complete trials of a study."""
    from optuna.trial import TrialState

    trials = sorted(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)), key=lambda t: t.number)
    limits = [[float(c) for c in t.user_attrs.get(CONSTRAINTS, ())] for t in trials]
    width = max(map(len, limits), default=0)
    return Told(
        tuple(t.number for t in trials),
        tuple(t.params for t in trials),
        losses([t.values for t in trials], objectives),
        np.array([violation(c) for c in limits]),
        np.array([c + [0.0] * (width - len(c)) for c in limits], np.float64).reshape(len(trials), width),
        np.array([float(t.user_attrs.get(FIDELITY, 1.0)) for t in trials]),
    )


def tell(
    study: Study, number: int, values: Sequence[float], constraints: Sequence[float] = (), *, fidelity: float = 1.0
) -> bool:
    """Tell what a trial reached.

    Args:
        study: The study that asked for it.
        number: The trial's number.
        values: One for each objective, in their order; none of them NaN.
        constraints: One for each limit, (value - limit) / limit.
        fidelity: The share of the full training that the values stand for.

    Returns:
        Whether it counts: False where this trial was told before, which changes nothing.
    """
    from optuna.trial import TrialState

    attributes = {CONSTRAINTS: [float(c) for c in constraints], FIDELITY: float(fidelity)}
    return _finish(study, number, TrialState.COMPLETE, attributes, [float(v) for v in values])


def tell_infeasible(
    study: Study, number: int, constraints: Sequence[float], costs: Sequence[float | None] | None = None
) -> bool:
    """Tell that a trial does not fit, before any training.

    Args:
        study: The study that asked for it.
        number: The trial's number.
        constraints: One for each limit, at least one of them above 0.
        costs: One value for each objective, None where only training would tell; left out, all are unknown.

    Returns:
        Whether it counts: False where this trial was told before.
    """
    from optuna.trial import TrialState

    worst = worst_values(study)
    values = [w if c is None else float(c) for w, c in zip(worst, costs or [None] * len(worst), strict=True)]
    attributes = {CONSTRAINTS: [min(float(c), _FAR) for c in constraints], SCREENED: True, FIDELITY: 0.0}
    return _finish(study, number, TrialState.COMPLETE, attributes, values)


def tell_failed(study: Study, number: int, reason: str) -> bool:
    """Tell that a trial gave no answer, and why; samplers leave it out.

    Returns:
        Whether it counts: False where this trial was told before.
    """
    from optuna.trial import TrialState

    return _finish(study, number, TrialState.FAIL, {REASON: reason}, None)


def worst_values(study: Study) -> list[float]:
    """Of each objective the value that every other one is better than."""
    from optuna.study import StudyDirection

    return [float("-inf") if d == StudyDirection.MAXIMIZE else float("inf") for d in study.directions]


def set_attribute(study: Study, number: int, key: str, value: object) -> None:
    """Set a user attribute of a trial that is not finished, by its number."""
    study._storage.set_trial_user_attr(_trial(study, number)._trial_id, key, value)


def note_parent(study: Study, trial: FrozenTrial, parent: int | None) -> None:
    """Note whose child a trial is that is being drawn, so that it may start from that one's weights.

    Samplers whose candidates descend from others call it while they draw; of several draws of a trial the last counts.
    """
    study._storage.set_trial_system_attr(trial._trial_id, PARENT, parent)


def parent_of(trial: FrozenTrial) -> int | None:
    """Whose child a trial is; None where it is nobody's."""
    parent = trial.system_attrs.get(PARENT)
    return parent if isinstance(parent, int) else None


def _trial(study: Study, number: int) -> FrozenTrial:
    storage = study._storage
    return storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study._study_id, number))


def _finish(
    study: Study, number: int, state: object, attributes: Mapping[str, object], values: list[float] | None
) -> bool:
    """Attributes first: a trial that is finished takes none, and one that a kill left between is told again."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    assert isinstance(state, TrialState)
    trial = _trial(study, number)
    if trial.state.is_finished():
        return False
    try:
        for key, value in attributes.items():
            study._storage.set_trial_user_attr(trial._trial_id, key, value)
        limits = attributes.get(CONSTRAINTS)
        if isinstance(limits, list) and limits:
            study._storage.set_trial_system_attr(trial._trial_id, _OPTUNA, limits)
        study.tell(number, values, state=state)
    except UpdateFinishedTrialError:  # another worker told it meanwhile
        return False
    return True
