"""From whose weights a candidate starts: decided when it begins, kept in the study, and judged by what followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.searching.ledger import FINAL, Ledger
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import open_sampler
from edgekit.searching.space import parse_space
from edgekit.searching.standing import inheritance
from edgekit.searching.study import Identity, open_study
from edgekit.searching.telling import parent_of
from edgekit.searching.trial import Outcome

OBJECTIVES = (Objective("accuracy", "maximize"), Objective("model_bytes"))


def opened(folder: Path, inherit: bool = True) -> Ledger:
    said = {"model.width": [0.1, 0.2, 0.3, 0.4], "train.learning_rate": {"log_range": [0.001, 0.1]}}
    search = {"space": said, "inherit": inherit}
    space = parse_space({"model": "ds_cnn", "data": "digits", "train": {"epochs": 2}, "search": search})
    sampler = open_sampler("evolution", space.genes, OBJECTIVES, 1, {"startup": 3, "population": 3, "children": 1})
    identity = Identity(space.identity, "1", "1")
    found = open_study(folder / f"{inherit}.db", "search", OBJECTIVES, identity, sampler)
    return Ledger(found.study, space, OBJECTIVES, found.url)


def run(ledger: Ledger, trials: int) -> list[int]:
    """Numbers of trials that ended well, each with a baseline of its own, the later the better."""
    numbers = []
    for _ in range(trials):
        candidate = ledger.candidate(ledger.ask())
        ledger.begin(candidate, {})
        heritage = ledger.heritage(candidate.number)
        parent = None if heritage is None else heritage[0]
        ledger.record(done(candidate.number, 0, parent=parent))
        numbers.append(candidate.number)
    return numbers


def done(number: int, rung: int, parent: int | None = None) -> Outcome:
    figures = {"accuracy": 0.5 + 0.01 * number + (0.1 if rung else 0.0), "model_bytes": 1000.0 + number}
    share = 0.0 if parent is None else 0.5
    return Outcome(number, rung, "done", figures, baseline=f"step {number} of {rung}", parent=parent, inherited=share)


def test_a_child_starts_from_where_its_parent_was_trained_longest_and_whoever_goes_on_knows_it(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    numbers = run(ledger, 8)
    trials = ledger.memory.get_trials(deepcopy=False)
    heirs = {number: told for number in numbers if (told := ledger.heritage(number)) is not None}
    assert heirs.keys() == {number for number in numbers if parent_of(trials[number]) is not None} and len(heirs) >= 4
    assert all(told == (parent_of(trials[n]), f"step {told[0]} of 0") for n, told in heirs.items())
    for number in numbers:
        ledger.record(done(number, 1))
        ledger.record(done(number, FINAL))
    again = opened(tmp_path)
    assert {number: again.heritage(number) for number in heirs} == heirs, "what was decided stays"
    later = run(again, 2)
    for number in later:
        told = again.heritage(number)
        assert told is not None and told[1] == f"step {told[0]} of {1 if told[0] in numbers else 0}"


def test_nobody_inherits_where_the_file_says_so(tmp_path: Path) -> None:
    ledger = opened(tmp_path, inherit=False)
    assert all(ledger.heritage(number) is None for number in run(ledger, 6)) and inheritance(ledger) == {}


def test_the_report_says_how_first_rungs_rank_with_and_without_inherited_weights(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    numbers = run(ledger, 8)
    heirs = [number for number in numbers if ledger.heritage(number) is not None]
    assert "too few were trained on to rank them" in inheritance(ledger)["said"]
    for number in numbers:
        ledger.record(done(number, 1))
    told = inheritance(ledger)
    assert told["trials"].keys() == {str(number) for number in heirs}
    assert all(heir["share"] == 0.5 for heir in told["trials"].values())
    second, proven = told["correlation"]["second"], told["correlation"]["proven"]
    assert second["inherited"] == {"trials": len(heirs), "rank": pytest.approx(1.0)}
    assert second["own"]["trials"] == len(numbers) - len(heirs) and proven["own"] == {"trials": 0, "rank": None}
    assert f"{len(heirs)} first rungs" in told["said"] and "1.00 of inherited weights with the second" in told["said"]
