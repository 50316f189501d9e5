"""A search end to end, on real digits: what it draws, keeps, proves and says; and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from wrong_networks import WRONG

import edgekit
from edgekit.errors import BudgetMissed, EdgekitError, RecipeError, UsageError
from edgekit.searching import drawing
from edgekit.searching.results import read_search

SEARCH: dict[str, Any] = {
    "model": "ds_cnn",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 1, "batch_size": 128},
    "budget": {"model_bytes": 40_000},
    "search": {
        "trials": 2,
        "sampler": "random",
        "space": {"model.width": [0.1, 0.15, 0.2, 1.0], "train.learning_rate": {"log_range": [0.002, 0.02]}},
    },
}


def changed(**keys: Any) -> dict[str, Any]:
    return {**SEARCH, "search": {**SEARCH["search"], **keys}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return edgekit.search(SEARCH, tmp_path_factory.mktemp("search") / "out")


def test_the_front_is_proven_on_the_test_split_and_repeats_by_its_recipe_alone(done: Any, tmp_path: Path) -> None:
    folder = Path(done.output)
    assert done.state == "done" and done.met and len(done.trials) == 2 and done.front
    best = next(member for member in done.front if member.trial == done.best)
    assert best.validation["accuracy"] == max(m.validation["accuracy"] for m in done.front)
    assert (folder / best.file).stat().st_size == best.test["model_bytes"] <= 40_000
    assert all(trial["genes"]["model.width"] < 1 for trial in done.trials), "a width of 1 does not fit"
    again = edgekit.compress(folder / "best" / "recipe.yaml", tmp_path / "again")
    assert again.chosen.sha256 == best.sha256 and again.chosen.accuracy == best.test["accuracy"]


def test_what_it_found_is_read_back(done: Any) -> None:
    folder = Path(done.output)
    told = json.loads((folder / "search.json").read_text())
    assert told["schema"] == "edgekit.search/1" and told == done.as_dict()
    assert read_search(folder).as_dict() == told
    assert "front" in done.summary() and "best" in done._repr_html_()
    for trial in done.trials:
        outcome = trial["outcomes"]["0"]
        assert outcome["status"] == "done" and outcome["costs"]["model_bytes"] == outcome["figures"]["model_bytes"]


def test_a_search_that_has_begun_goes_on_only_where_it_is_told_to(done: Any) -> None:
    with pytest.raises(EdgekitError, match="unless it is told to go on with one.*--resume"):
        edgekit.search(SEARCH, done.output)
    with pytest.raises(EdgekitError, match=r"another space \([0-9a-f]{12}, now [0-9a-f]{12}\)"):
        edgekit.search({**SEARCH, "seed": 9}, done.output, resume=True)


def test_a_budget_that_nothing_meets_names_the_limit_that_binds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "MOST", 100)
    with pytest.raises(BudgetMissed, match="macs is .* at most 50 is allowed.*Raise budget.macs") as caught:
        edgekit.search({**SEARCH, "budget": {"macs": 50}}, tmp_path / "out")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"objectives": ["accuracy", "speed"]}, RecipeError, "An objective is a figure"),
        ({"objectives": ["accuracy", "arena_bytes"]}, RecipeError, "needs the runtime that measures it.*tflm"),
        ({"sampler": "anneal"}, UsageError, "Unknown sampler"),
        ({"sampler": {"evolution": {"populaton": 4}}}, RecipeError, "Did you mean 'population'"),
    ],
)
def test_what_a_search_refuses_before_it_begins(
    keys: dict[str, Any], error: type[EdgekitError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        edgekit.search(changed(**keys), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_executor_that_is_not_there_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There must be an executor of this name.*'cluster'"):
        edgekit.search(SEARCH, tmp_path / "out", executor="cluster")
    assert not (tmp_path / "out").exists()


def run_command(file: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    program = "import signal; signal.signal(2, signal.default_int_handler); from edgekit.cli import main; main()"
    command = [sys.executable, "-c", program, "search", str(file), "-o", str(out), "--quiet", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    file = folder / "search.yaml"
    file.write_text(yaml.safe_dump(changed(trials=3, sampler={"evolution": {"population": 4}})))
    whole = run_command(file, folder / "whole")
    assert whole.wait(900) == 0, whole.communicate()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_resumed_equals_unbroken(ending: signal.Signals, unbroken: Path, tmp_path: Path) -> None:
    file = unbroken / "search.yaml"
    broken = run_command(file, tmp_path / "broken")
    while broken.poll() is None and len(list((tmp_path / "broken").glob("trials/*"))) < 2:
        time.sleep(0.2)
    os.kill(broken.pid, ending)
    code = broken.wait(60)
    assert code == (-signal.SIGKILL if ending == signal.SIGKILL else 130)
    if ending == signal.SIGINT:
        said = (broken.communicate()[1] or "").strip()
        assert len(said.splitlines()) == 1 and "the same command with --resume continues" in said
    resumed = run_command(file, tmp_path / "broken", "--resume")
    assert resumed.wait(900) == 0, resumed.communicate()
    first, second = read_search(unbroken / "whole"), read_search(tmp_path / "broken")
    assert [(t["number"], t["genes"]) for t in first.trials] == [(t["number"], t["genes"]) for t in second.trials]
    assert [(m.trial, m.sha256) for m in first.front] == [(m.trial, m.sha256) for m in second.front]


def workers_of(driver: int) -> list[int]:
    """Processes that trials of a driver run in."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and b"executors._worker" in (folder / "cmdline").read_bytes():
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                found += [int(folder.name)] if int(parent) == driver else []
    return found


@pytest.mark.slow
def test_a_killed_worker_costs_the_trial_that_it_had_and_the_search_ends(unbroken: Path, tmp_path: Path) -> None:
    running = run_command(unbroken / "search.yaml", tmp_path / "out")
    while running.poll() is None and not list((tmp_path / "out").glob("trials/*")):
        time.sleep(0.1)
    (worker,) = workers_of(running.pid)
    os.kill(worker, signal.SIGKILL)
    assert running.wait(900) == 0, running.communicate()
    found = read_search(tmp_path / "out")
    assert [t["number"] for t in found.trials] == sorted({t["number"] for t in found.trials}) and len(found.trials) == 3
    (killed, *others) = [t["outcomes"]["0"] for t in found.trials]
    assert killed["status"] == "failed" and "SIGKILL" in killed["reason"], killed
    assert [outcome["status"] for outcome in others] == ["done", "done"] and found.met
    assert found.trials[0]["number"] not in {member.trial for member in found.front}


NETWORKS = """
import os, time
from edgekit import _tf

def plain(input_shape=(8, 8, 1)):
    layers = _tf.tf_keras().layers
    return _tf.tf_keras().Sequential([layers.Input(input_shape), layers.Flatten(), layers.Dense(10, "softmax")])

def wrong():
    raise ValueError("a network of somebody's")
"""


@pytest.mark.slow
def test_a_trial_that_goes_wrong_is_one_line_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_of_ours.py").write_text(NETWORKS + WRONG)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    kinds = ["plain", "dies", "hangs", "grows", "wrong", "unknown"]
    search = {
        **SEARCH,
        "model": "networks_of_ours:plain",
        "search": {"trials": 6, "sampler": "random", "space": {"model": [f"networks_of_ours:{k}" for k in kinds]}},
    }
    found = edgekit.search(search, tmp_path / "out", time_limit=90, memory_limit=3 << 30)
    told = {t["genes"]["model"].partition(":")[2]: t["outcomes"]["0"] for t in found.trials}
    assert told.keys() == set(kinds) and told["plain"]["status"] == "done"
    said = {kind: outcome["reason"] for kind, outcome in told.items() if outcome["status"] == "failed"}
    assert "exit code 7" in said["dies"] and "within 90 seconds" in said["hangs"] and "memory" in said["grows"]
    assert "a network of somebody's" in said["wrong"] and said["unknown"]
    assert found.met and [member.trial for member in found.front] == [found.best]


@pytest.mark.slow
def test_rungs_train_all_a_little_and_the_best_longer(tmp_path: Path) -> None:
    fidelity = {"epochs": [1, 2], "data": [0.5, 1.0], "keep": 0.5}
    found = edgekit.search(changed(trials=4, fidelity=fidelity), tmp_path / "out")
    rungs = [sorted(trial["outcomes"]) for trial in found.trials]
    assert all("0" in reached for reached in rungs) and sum("1" in reached for reached in rungs) == 2
    assert all("1" in trial["outcomes"] for trial in found.trials if trial["number"] in {m.trial for m in found.front})
    assert all(len(trial["outcomes"]["1"]["curve"]) == 2 for trial in found.trials if "1" in trial["outcomes"])
    recipe = yaml.safe_load((tmp_path / "out" / "best" / "recipe.yaml").read_text())
    assert recipe["train"]["epochs"] == 1, "the recipe's own length, at which it was proven"
