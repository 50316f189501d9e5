"""Passes found for a trained model, on real digits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.searching import auto


def test_time_that_is_over_leaves_the_mildest_recipe(trained: Any, tmp_path: Path) -> None:
    seen: list[str] = []
    found = edgekit.auto(
        trained.h5, "digits", tmp_path / "out", drop=0.2, hours=1e-6, watch=lambda a: seen.append(a.name)
    )
    assert [attempt.name for attempt in found.attempts] == seen == ["int8, no pass"]
    assert found.attempts[0].holds and found.why[-1] == "The time is over."
    assert found.manifest.budget["met"] and found.manifest.path.is_file()
    again = edgekit.compress(tmp_path / "out" / "recipe.yaml", tmp_path / "again")
    assert again.chosen.sha256 == found.manifest.chosen.sha256
    assert found.as_dict()["schema"] == "edgekit.auto/1" and "SQNR" in found.summary()


@pytest.mark.slow
def test_it_goes_as_far_as_the_accuracy_holds(trained: Any, tmp_path: Path) -> None:
    found = edgekit.auto(trained.h5, "digits", tmp_path / "out", drop=0.03)
    shares = [attempt.macs for attempt in found.attempts]
    assert len(shares) > 2 and shares[0] == 1.0 and min(shares) < 0.9
    chosen = found.attempts[found.chosen]
    held = [attempt for attempt in found.attempts if attempt.holds]
    assert chosen.holds and chosen.file_macs == min(attempt.file_macs or 0 for attempt in held)
    assert all(attempt.drop is None or attempt.holds is (attempt.drop <= 0.03 + 1e-9) for attempt in found.attempts)


@pytest.mark.slow
def test_a_budget_that_is_met_ends_it(trained: Any, tmp_path: Path, cli: Any) -> None:
    whole = edgekit.convert(trained.h5, tmp_path / "m.tflite", data="digits")
    limit = len(whole.tflite_bytes) * 9 // 10
    arguments = ["--data", "digits", "--drop", 0.3, "--budget", f"model_bytes={limit}", "-o", tmp_path / "out"]
    done = cli("auto", trained.h5, *arguments)
    assert done.code == 0 and "The budget is met." in done.out, done.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"budget": {"model_byte": 5}}, "Did you mean 'model_bytes'"),
        ({"budget": {"arena_bytes": 5}}, "needs the runtime that measures it"),
        ({"target": "cortex-m99"}, "Unknown target"),
    ],
)
def test_what_it_refuses(more: dict[str, Any], message: str, trained: Any, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=message):
        edgekit.auto(trained.h5, "digits", tmp_path / "out", **more)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("left", "late"), [(25.0, False), (15.0, True)])
def test_no_attempt_begins_that_leaves_no_time_to_make_the_file(left: float, late: bool) -> None:
    trying = auto._Trying.__new__(auto._Trying)
    took = [auto.Attempt("", 1.0, [], 0.0, 1, 1, True, False, "", seconds) for seconds in (10.0, 4.0)]
    trying.attempts, trying._ends = took, time.monotonic() + left
    assert trying.late is late
    trying._ends = None
    assert not trying.late
