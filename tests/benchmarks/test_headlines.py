"""The headline scripts in their short form: the way works, whatever the figures."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "headlines"
NAMES = sorted(p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_") and p.stem != "table")
KEYS = {"claim", "baseline", "result", "ratios", "loss_points", "command", "machine_minutes", "met"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_short_form(name: str, shared_data: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", "--short", "--runs", tmp_path],
        env={**os.environ, "EDGEKIT_DATA": str(shared_data)},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "short" / f"{name}.json").read_text())
    assert set(found) >= KEYS
    assert found["command"].endswith("--short") and found["machine_minutes"] > 0
    assert all(math.isfinite(number) for number in numbers(found["ratios"]))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda p: p.stem)
def test_committed_results_are_of_full_runs(path: Path) -> None:
    found = json.loads(path.read_text())
    assert set(found) >= KEYS and "--short" not in found["command"]
    assert f"`{path.stem}`" in (FOLDER.parents[1] / "docs" / "headlines.md").read_text(), "run table.py"


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers(v)]
    return [value] if isinstance(value, int | float) else []
