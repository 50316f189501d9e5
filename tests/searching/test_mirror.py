"""The study in memory, and what of it is kept: a trial whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from edgekit.searching.genes import Gene
from edgekit.searching.mirror import keep, mirrored
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import open_sampler
from edgekit.searching.study import Identity, OpenStudy, ask, open_study
from edgekit.searching.telling import tell, tell_infeasible

GENES = (
    Gene("model.width", "int", low=4, high=64),
    Gene("train.learning_rate", "float", low=1e-4, high=1e-1, log=True),
)
OBJECTIVES = (Objective("accuracy", "maximize"), Objective("model_bytes"))


def opened(path: Path) -> OpenStudy:
    sampler = open_sampler("evolution", GENES, OBJECTIVES, 0)
    return open_study(path, "s", OBJECTIVES, Identity("space", "1", "0.2.0"), sampler)


def test_a_trial_that_was_only_drawn_is_drawn_again_by_the_next_driver(tmp_path: Path) -> None:
    """A kill in the middle of a draw leaves no half of one."""
    first = mirrored(opened(tmp_path / "s.db").study)
    drawn = ask(first, GENES).params
    assert opened(tmp_path / "s.db").study.trials == []
    assert ask(mirrored(opened(tmp_path / "s.db").study), GENES).params == drawn


def test_what_is_kept_is_what_memory_has_and_is_kept_once(tmp_path: Path) -> None:
    study = opened(tmp_path / "s.db").study
    memory = mirrored(study)
    for number in range(4):
        ask(memory, GENES)
        if number == 1:
            tell_infeasible(memory, number, [0.5], [None, 10.0])
        elif number != 3:
            tell(memory, number, [0.5, 10.0 + number], [-0.1])
        keep(study, memory, number)
        keep(study, memory, number)  # the answer to the first write was lost
    kept = opened(tmp_path / "s.db").study.trials
    for ours, theirs in zip(memory.trials, kept, strict=True):
        same = ("number", "state", "params", "values", "user_attrs", "system_attrs", "distributions")
        assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    assert ask(mirrored(opened(tmp_path / "s.db").study), GENES).params == ask(memory, GENES).params
