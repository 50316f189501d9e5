"""What a search would be, told before it is begun: by the command and in Python, and nothing is written."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

import edgekit
from edgekit.searching import forecast as forecasts
from edgekit.searching.results import SearchResult
from edgekit.searching.space import parse_space

SEARCH: dict[str, Any] = {
    "model": "ds_cnn",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 6, "batch_size": 128},
    "budget": {"model_bytes": 40_000},
    "search": {
        "trials": 9,
        "sampler": "random",
        "fidelity": {"epochs": [2, 6]},
        "space": {"model.width": [0.1, 0.15, 0.2, 1.0], "train.batch_size": {"range": [32, 128], "step": 32}},
    },
}
NO_TENSORFLOW = (
    "import sys; from edgekit.cli import main\ntry: main(sys.argv[1:])\nfinally: assert 'tensorflow' not in sys.modules"
)


def run(what: dict[str, Any], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    file = folder / "search.yaml"
    file.write_text(yaml.safe_dump(what))
    command = [sys.executable, "-c", NO_TENSORFLOW, "search", str(file), "-o", str(folder / "out"), "--dry-run", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def leave_trials(folder: Path, what: dict[str, Any], seconds: dict[str, float]) -> None:
    """A search's own file in a folder, as it is while trials run: of each rung one trial has ended."""
    space = parse_space(what)
    genes = {"model.width": 0.1, "train.batch_size": 32}
    outcomes = {
        rung: {"number": 0, "rung": int(rung), "status": "done", "figures": {}, "seconds": took, "costs": {}}
        for rung, took in seconds.items()
    }
    result = SearchResult(
        output=str(folder),
        state="running",
        objectives={"accuracy": "maximize", "model_bytes": "minimize"},
        limits={},
        sampler="random",
        genes={g.path: {k: v for k, v in asdict(g).items() if k != "path"} for g in space.genes},
        size=space.size,
        drawn=1,
        screened=0,
        trials=({"number": 0, "genes": genes, "estimate": {}, "outcomes": outcomes},),
        front=(),
        best=None,
        importances={},
        seconds=1.0,
        cpu_seconds=1.0,
    )
    folder.mkdir()
    (folder / "search.json").write_text(json.dumps(result.as_dict()))


@pytest.fixture
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "timed_pace", lambda *told: None)


@pytest.mark.usefixtures("no_pace")
def test_a_small_space_is_gone_through_whole(tmp_path: Path) -> None:
    told = edgekit.search(SEARCH, tmp_path / "out", dry_run=True)
    assert told.size == told.looked_at == 16 and told.whole and told.genes == 2
    assert told.share == told.share_low == told.share_high == 0.75 and told.fit == 12, "a width of 1 does not fit"
    assert told.promoted == (9, 3) and told.proven == 3 and told.met
    assert told.hours is None and told.pace is None
    assert "75.0%: 12 of all 16" in told.summary() and "9 + 3 trials by rung" in told.summary()
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_pace")
def test_of_a_large_space_a_seeded_sample_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "SAMPLE", 150)
    space = {**SEARCH["search"]["space"], "train.learning_rate": {"log_range": [0.001, 0.1]}}
    what = {**SEARCH, "search": {**SEARCH["search"], "space": space}}
    first, second = (edgekit.search(what, tmp_path / "out", dry_run=True, trials=4, hours=2) for _ in range(2))
    assert first == second and first.size is None and first.looked_at == forecasts.SAMPLE and not first.whole
    assert first.share_low is not None and first.share_high is not None and first.share is not None
    assert first.share_low < 0.75 < first.share_high and first.share_low < first.share < first.share_high
    other = edgekit.search({**what, "seed": 5}, tmp_path / "out", dry_run=True)
    assert other.share == pytest.approx(0.75, abs=0.1)
    assert first.trials == 4 and first.promoted == (4, 1) and first.most_hours == 2


def test_trials_of_the_past_tell_the_hours(tmp_path: Path) -> None:
    leave_trials(tmp_path / "out", SEARCH, {"0": 100.0, "1": 260.0, "-1": 300.0})
    before = (tmp_path / "out" / "search.json").read_bytes()
    done = run(SEARCH, tmp_path, "--json", "--workers", "2")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "edgekit.search_forecast/1" and told["pace"] == "measured" and told["pace_from"] == 3
    assert told["hours"] == pytest.approx((9 * 100 + 3 * 280 + 3 * 280) / 2 / 3600), "rungs of 6 epochs took 280 s"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["search.json"]
    assert (tmp_path / "out" / "search.json").read_bytes() == before


def test_a_length_that_no_trial_had_takes_as_long_for_each_epoch(tmp_path: Path) -> None:
    leave_trials(tmp_path / "out", SEARCH, {"0": 100.0})
    told = edgekit.search(SEARCH, tmp_path / "out", dry_run=True)
    assert told.hours == pytest.approx((9 * 100 + 3 * 300 + 3 * 300) / 3600)
    assert "as 1 training of this search took" in told.summary()


@pytest.mark.usefixtures("no_pace")
def test_trials_of_another_space_tell_nothing(tmp_path: Path) -> None:
    other = {**SEARCH, "search": {**SEARCH["search"], "space": {"model.width": [0.1, 0.2], "train.batch_size": [32]}}}
    leave_trials(tmp_path / "out", other, {"0": 100.0})
    assert edgekit.search(SEARCH, tmp_path / "out", dry_run=True).hours is None


def test_where_nothing_fits_the_limit_that_binds_is_named(tmp_path: Path) -> None:
    what = {**SEARCH, "budget": {"model_bytes": 40_000, "macs": 50}}
    done = run(what, tmp_path)
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert "0.0%: 0 of all 16" in done.stdout and "at most 50 is allowed" in done.stdout
    assert not (tmp_path / "out").exists()
    told = edgekit.search(what, tmp_path / "out", dry_run=True)
    assert told.nearest is not None and told.nearest["figure"] == "macs" and told.nearest["genes"]["model.width"] == 0.1
    assert told.hours is None and not told.met


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"objectives": ["accuracy", "speed"]}, "An objective is a figure"),
        ({"sampler": "anneal"}, "Unknown sampler"),
        ({"space": {"model.widht": [0.1, 0.2]}}, "must name a key of the recipe"),
    ],
)
def test_it_refuses_what_a_search_refuses(keys: dict[str, Any], said: str, tmp_path: Path) -> None:
    done = run({**SEARCH, "search": {**SEARCH["search"], **keys}}, tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_status_and_dry_run_exclude_each_other(tmp_path: Path) -> None:
    done = run(SEARCH, tmp_path, "--status", str(tmp_path))
    assert done.returncode == 2 and "give one" in done.stderr


@pytest.mark.slow
def test_without_trials_one_candidate_is_trained_for_a_moment(tmp_path: Path) -> None:
    done = run(SEARCH, tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["pace"] == "estimated" and 0 < told["hours"] < 24
    assert not (tmp_path / "out").exists()
