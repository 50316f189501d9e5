"""Searches of a table of trained nets: what they count, and that each net is drawn once."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "search"))

from _simulation import Found, Way, interval, search
from _table import Row, Table, synthetic

from edgekit.searching.genes import Gene

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "search.py"
SPEC = importlib.util.spec_from_file_location("benchmark_of_searches", SCRIPT)
assert SPEC is not None and SPEC.loader is not None
benchmark = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(benchmark)


@pytest.fixture(scope="module")
def small() -> Table:
    return synthetic(0, nets=40)


def test_a_volume_is_that_of_the_best_full_training_that_fits() -> None:
    rows = [
        Row({"width": 1}, {"model_bytes": 50.0}, (0.6, 0.8)),
        Row({"width": 2}, {"model_bytes": 200.0}, (0.9, 0.99)),  # does not fit
        Row({"width": 3}, {"model_bytes": 25.0}, (0.5, 0.7)),
    ]
    table = Table((Gene("width", "int", low=1, high=3),), tuple(rows), {"model_bytes": 100.0}, 0.5)
    found = search(table, Way("rows"), 0, budget=100)
    halves = np.log(2)
    assert found.final == pytest.approx(0.3 * halves + 0.2 * halves)
    assert [epochs for epochs, _ in found.curve] == [0, 2, 4] and found.drawn == 3
    blind = search(table, Way("rows", screened=False), 0, budget=100)
    assert blind.curve[-1] == (6, found.final)
    short = search(table, Way("rows", rungs=(1, 2), keep=0.01), 0, budget=100)
    assert short.curve[-1][0] in (1 + 2 + 1, 2 * (1 + 2))  # one of both goes on, or both where the second is better


@pytest.mark.parametrize("name", ["evolution", "random", "nsga2", "tpe", "reinforce"])
def test_every_sampler_draws_each_net_once_and_repeats_itself_by_seed(small: Table, name: str) -> None:
    first, again = (search(small, Way(name), 3, budget=20) for _ in range(2))
    assert first == again
    assert first.drawn <= 40 and first.curve[-1][0] <= 20
    volumes = [volume for _, volume in first.curve]
    assert volumes == sorted(volumes)
    everything = search(small, Way(name), 3, budget=1e9)
    assert everything.drawn == 40
    assert everything.final == pytest.approx(search(small, Way("rows"), 0, budget=1e9).final)


def test_epochs_until_a_volume() -> None:
    found = Found(((0, 0.0), (5, 0.2), (10, 0.2), (15, 0.5)), 3)
    assert [found.epochs_to(v) for v in (0.0, 0.1, 0.2, 0.3, 0.6)] == [0, 5, 5, 15, float("inf")]


def test_a_median_lies_in_its_interval() -> None:
    median, low, high = interval([0.1 * n for n in range(100)])
    assert low < median < high and median == pytest.approx(5.0) and high - low < 3
    assert interval([1.0, float("inf"), float("inf")])[0] == float("inf")


def test_a_table_of_which_nothing_fits_yet_is_said(tmp_path: Path) -> None:
    genes, limits = benchmark.space()
    line = {"genes": benchmark.drawn(genes, 0), "costs": dict.fromkeys(limits, 1e9), "accuracy": [0.5] * 5}
    (tmp_path / "table.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "reference.json").write_text('{"logistic_regression": 0.5}')
    with pytest.raises(SystemExit, match="None of the 1 nets of table keeps the budget"):
        benchmark._simulate(tmp_path / "table.jsonl", False, 2, ["random"])


@pytest.mark.slow
def test_the_default_needs_fewer_epochs_than_random_on_synthetic_tables() -> None:
    ratios = []
    for number in range(3):
        table = synthetic(number)
        bar = float(np.median([search(table, Way("rows"), seed, 100).final for seed in range(8)]))
        ratios += [search(table, Way("evolution"), seed, 100).epochs_to(bar) / 100 for seed in range(8)]
    assert interval(ratios)[0] <= 0.75
