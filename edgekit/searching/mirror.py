"""A study in memory beside the one that is kept: samplers draw from it, and what is drawn is kept whole, in one write.

A draw of Optuna's writes to its storage for every gene and attribute, which a database answers sixteen times for each
candidate. One driver has a study at a time, so that what it holds in memory is all that there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["keep", "mirrored"]


def mirrored(study: Study) -> Study:
    """A study in memory with the same trials, numbers, attributes and sampler."""
    import optuna

    copy = optuna.create_study(directions=study.directions, sampler=study.sampler)
    for name, value in study.user_attrs.items():
        copy.set_user_attr(name, value)
    for trial in study.get_trials(deepcopy=False):
        copy._storage.create_new_trial(copy._study_id, template_trial=trial)
    return copy


def keep(study: Study, mirror: Study, number: int) -> None:
    """Write a trial of the mirror into the study, as it is; one that is there already is left, so that a write whose
    answer was lost may be tried again.
    """
    trial = mirror.get_trials(deepcopy=False)[number]
    if study._storage.get_n_trials(study._study_id) <= number:
        study._storage.create_new_trial(study._study_id, template_trial=trial)
