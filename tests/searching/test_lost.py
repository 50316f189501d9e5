"""A trial whose process is gone through no fault of its own is done again: none is lost, and none counts twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgekit.searching.drawing import Drawing
from edgekit.searching.driver import Plan, drive, prove
from edgekit.searching.ledger import FINAL, SCORED, Ledger
from edgekit.searching.run import prepared
from edgekit.searching.screening import Screen
from edgekit.searching.space import parse_space
from edgekit.searching.study import Identity, driven
from edgekit.searching.trial import Job, Outcome

SEARCH: dict[str, Any] = {
    "model": "ds_cnn",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 1, "batch_size": 128},
    "search": {
        "trials": 3,
        "sampler": "random",
        "space": {"model.width": [0.1, 0.15, 0.2], "train.learning_rate": {"log_range": [0.002, 0.02]}},
    },
}


class Losing:
    """An executor that trains nothing, and loses some jobs a few times before it does them."""

    def __init__(self, lost: dict[tuple[int, int], int]) -> None:
        self._left, self._jobs = dict(lost), list[Job]()
        self.begun = Counter[tuple[int, int]]()

    def free(self) -> int:
        return 2 - len(self._jobs)

    def submit(self, job: Job) -> None:
        assert self.free() and (job.number, job.rung) not in [(j.number, j.rung) for j in self._jobs]
        self._jobs.append(job)
        self.begun[job.number, job.rung] += 1

    def wait(self, seconds: float) -> list[Outcome]:
        jobs, self._jobs = self._jobs, []
        return [self._outcome(job) for job in jobs]

    def close(self) -> None:
        pass

    def _outcome(self, job: Job) -> Outcome:
        place = job.number, job.rung
        if self._left.get(place, 0):
            self._left[place] -= 1
            return Outcome(*place, "lost", reason="The node is gone.")
        return Outcome(*place, "done", {"accuracy": 0.5 + 0.1 * job.number, "model_bytes": 1000.0 + job.number})


@contextmanager
def begun(folder: Path, **changed: Any) -> Iterator[tuple[Ledger, Drawing]]:
    space = parse_space({**SEARCH, "search": {**SEARCH["search"], **changed}})
    start = prepared(space)
    identity = Identity(space.identity, "1", "0")
    with driven(folder / "study.db", "s", start.objectives, identity, start.sampler) as (opened, _):
        ledger = Ledger(opened.study, space, start.objectives, opened.url)
        dataset = start.dataset
        yield (
            ledger,
            Drawing(ledger, Screen.of(start.recipe, dataset.features("train").shape[1:], dataset.classes or 1)),
        )


def watching(told: list[int]) -> Callable[[Any], None]:
    return lambda progress: told.append(progress.trained)


def test_a_lost_trial_is_done_again_and_counts_once(tmp_path: Path) -> None:
    executor, told = Losing({(0, 0): 2, (1, 0): 1, (2, FINAL): 2}), list[int]()
    with begun(tmp_path) as (ledger, drawing):
        plan = Plan(tmp_path, 3)
        drive(plan, drawing, executor, watching(told))
        assert {place: outcome.status for place, outcome in ledger.outcomes().items()} == {
            (number, 0): "done" for number in range(3)
        }
        prove(plan, ledger, [2], executor, watching(told))
        assert ledger.outcomes()[2, FINAL].status == "done" and ledger.trained == 3
    assert executor.begun == {(0, 0): 3, (1, 0): 2, (2, 0): 1, (2, FINAL): 3} and len(told) == 4


@pytest.mark.parametrize("place", [(1, 0), (2, FINAL)])
def test_what_is_lost_each_time_fails_with_its_reason(place: tuple[int, int], tmp_path: Path) -> None:
    executor = Losing({place: 99})
    with begun(tmp_path) as (ledger, drawing):
        plan = Plan(tmp_path, 3)
        drive(plan, drawing, executor, lambda progress: None)
        prove(plan, ledger, [2], executor, lambda progress: None)
        outcome = ledger.outcomes()[place]
        assert outcome.status == "failed" and outcome.reason == "The node is gone." and ledger.trained == 3
    assert executor.begun[place] == 3


def test_what_is_lost_after_the_last_hour_is_left_to_who_goes_on(tmp_path: Path) -> None:
    executor = Losing({(0, 0): 99})
    with begun(tmp_path) as (ledger, drawing):
        plan = Plan(tmp_path, 1)
        executor.wait = late(executor, plan)  # type: ignore[method-assign]
        drive(plan, drawing, executor, lambda progress: None)
        assert not ledger.outcomes() and [c.number for c in ledger.left_alone()] == [0]
    assert executor.begun == {(0, 0): 1}


def late(executor: Losing, plan: Plan) -> Callable[[float], list[Outcome]]:
    """The time is over once a job has run."""
    wait = executor.wait

    def inner(seconds: float) -> list[Outcome]:
        object.__setattr__(plan, "hours", 0.0)
        return wait(seconds)

    return inner


def test_scores_that_are_lost_each_time_are_none(tmp_path: Path) -> None:
    executor = Losing({(0, SCORED): 1, (1, SCORED): 99})
    with begun(tmp_path, proxies=["synflow"], first=3) as (ledger, drawing):
        drive(Plan(tmp_path, 3), drawing, executor, lambda progress: None)
        assert ledger.scores()[0] and not ledger.scores()[1] and ledger.trained == 3
    assert [executor.begun[number, SCORED] for number in range(3)] == [2, 3, 1]
