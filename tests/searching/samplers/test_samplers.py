"""Every sampler: draws inside the space, learns, repeats itself by seed, and goes on after a stop unchanged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from edgekit import registry
from edgekit.errors import RecipeError, UsageError
from edgekit.searching import samplers
from edgekit.searching.engine import optuna as load_optuna
from edgekit.searching.genes import Gene, Value
from edgekit.searching.samplers import open_sampler
from edgekit.searching.telling import parent_of, tell, tell_failed, tell_infeasible
from edgekit.testing.samplers import GENES, OBJECTIVES

optuna = load_optuna()

NAMES = registry.names(samplers)


def open_study(name: str, seed: int = 1, storage: str | None = None, **settings: Any) -> optuna.Study:
    sampler = open_sampler(name, GENES, OBJECTIVES, seed, settings)
    directions = [o.direction for o in OBJECTIVES]
    return optuna.create_study(
        storage=storage, study_name="s", directions=directions, sampler=sampler, load_if_exists=True
    )


def cost(genes: dict[str, Value]) -> float:
    return float(genes["model.width"]) * float(genes["model.depth"]) * 10  # type: ignore[arg-type]


def accuracy(genes: dict[str, Value]) -> float:
    rate = abs(math.log10(float(genes["train.learning_rate"])) + 2.5)  # type: ignore[arg-type]
    good = {"plain": 0.0, "residual": 0.05, "separable": 0.1}[str(genes["model.kind"])]
    return 0.7 + good + 0.02 * math.log(cost(genes)) - 0.1 * rate - 0.2 * float(genes["train.dropout"])  # type: ignore[arg-type]


def search(study: optuna.Study, trials: int, limit: float = 1500.0) -> None:
    space = {g.path: g.distribution() for g in GENES}
    while len(study.get_trials(deepcopy=False)) < trials:
        trial = study.ask(space)
        off = [(cost(trial.params) - limit) / limit]
        if trial.number == 3:
            tell_failed(study, trial.number, "out of memory")
        elif off[0] > 0:
            tell_infeasible(study, trial.number, off, [None, cost(trial.params)])
        else:
            tell(study, trial.number, [accuracy(trial.params), cost(trial.params)], off)


def drawn(study: optuna.Study) -> list[dict[str, Any]]:
    return [t.params for t in study.trials]


def inside(gene: Gene, value: Value) -> bool:
    if gene.kind == "choice":
        return any(value is v or (value == v and type(value) is type(v)) for v in gene.values)
    assert isinstance(value, int if gene.kind == "int" else float)
    steps = (value - gene.low) / gene.step if gene.step else 0.0
    return gene.low <= value <= gene.high and abs(steps - round(steps)) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_draws_lie_in_the_space_and_are_not_repeated(name: str) -> None:
    study = open_study(name)
    search(study, 40)
    for genes in drawn(study):
        assert genes.keys() == {g.path for g in GENES}
        assert all(inside(gene, genes[gene.path]) for gene in GENES), genes
    assert len({tuple(sorted(g.items(), key=str)) for g in drawn(study)}) == 40


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_the_same_candidates_and_another_seed_others(name: str) -> None:
    first, again, other = open_study(name), open_study(name), open_study(name, seed=2)
    for study in (first, again, other):
        search(study, 25)
    assert drawn(first) == drawn(again) != drawn(other)


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_opened_again_draws_what_it_would_have_drawn(name: str, tmp_path: Path) -> None:
    whole = open_study(name)
    search(whole, 24)
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for stop in (7, 16, 24):
        search(open_study(name, storage=storage), stop)
    assert drawn(open_study(name, storage=storage)) == drawn(whole)


def test_the_guide_adds_up_in_one_order_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """With BLAS threads that are as many as cores, a seed would draw other candidates elsewhere, and far slower."""
    solved, threads = np.linalg.eigh, set[int]()

    def watched(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        threads.update(found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas")
        strengths, axes = solved(matrix)
        return strengths, axes

    monkeypatch.setattr(np.linalg, "eigh", watched)
    with threadpool_limits(2, user_api="blas"):
        search(open_study("evolution"), 20)
    assert threads == {1}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"random"}))
def test_learns_where_the_limits_are(name: str) -> None:
    """Of the later candidates more fit than of the first ones."""

    def fitting(study: optuna.Study, numbers: Sequence[int]) -> float:
        trials = study.get_trials(deepcopy=False)
        return sum(cost(trials[n].params) <= 300 for n in numbers) / len(numbers)

    gained = []
    for seed in range(3):
        study = open_study(name, seed=seed)
        search(study, 120, limit=300.0)
        gained.append(fitting(study, range(80, 120)) - fitting(study, range(20)))
    assert sorted(gained)[1] > 0, gained


def test_a_child_of_evolution_differs_from_a_parent_in_one_gene() -> None:
    study = open_study("evolution", startup=5)
    search(study, 60, limit=1e9)
    genes = drawn(study)
    for number in range(20, 60):
        apart = [sum(genes[number][k] != genes[other][k] for k in genes[number]) for other in range(number)]
        assert min(apart) == 1


def test_a_population_forgets_its_oldest() -> None:
    """Children of the two youngest differ from one of them in one gene."""
    study = open_study("evolution", startup=2, population=2, tournament=2)
    search(study, 40, limit=1e9)
    genes = [p for n, p in enumerate(drawn(study)) if n != 3]
    for number in range(10, 39):
        assert any(sum(genes[number][k] != genes[n][k] for k in genes[number]) == 1 for n in (number - 1, number - 2))


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("evolution", {"population": 1}, "population"),
        ("tpe", {"startups": 3}, "startup"),
        ("random", {"population": 4}, "population"),
        ("reinforce", {"learning_rate": float("nan")}, "learning_rate"),
    ],
)
def test_settings_are_checked(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        open_sampler(name, GENES, OBJECTIVES, 0, settings)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="evolution"):
        open_sampler("evolutoin", GENES, OBJECTIVES, 0)


def test_samplers_of_others_plug_in_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = open_study("optuna.samplers:RandomSampler")
    search(study, 10)
    assert len(study.trials) == 10
    (tmp_path / "my_samplers.py").write_text(
        "import optuna\n"
        "def mine(genes, objectives, seed, rate=1.0):\n"
        "    assert len(genes) == 9 and objectives[0].name == 'accuracy' and rate == 2.0\n"
        "    return optuna.samplers.RandomSampler(seed=seed)\n"
        "def wrong(genes, objectives, seed):\n"
        "    return 7\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    search(open_study("my_samplers:mine", rate=2.0), 5)
    for name, settings in (("my_samplers:wrong", {}), ("my_samplers:mine", {"speed": 1})):
        with pytest.raises(UsageError, match="sampler that module:name names"):
            search(open_study(name, **settings), 1)


def test_children_of_evolution_say_whose_they_are_and_others_are_nobodys() -> None:
    study = open_study("evolution", population=8, children=8)
    search(study, 40)
    trials = study.get_trials(deepcopy=False)
    heirs = [(t, parent) for t in trials if (parent := parent_of(t)) is not None]
    assert len(heirs) > 20
    for trial, parent in heirs:
        assert parent < trial.number
        apart = [path for path, value in trials[parent].params.items() if trial.params[path] != value]
        assert len(apart) <= 1, "a mutation changes one gene"
    study = open_study("random")
    search(study, 10)
    assert all(parent_of(trial) is None for trial in study.trials)
