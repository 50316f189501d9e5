"""channel_prune's budget of arm64 instructions, counted by QEMU. Without the tools: skipped, but a failure in CI."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import edgekit
from edgekit.errors import RuntimeFailed
from edgekit.observer import notes_to
from edgekit.runtimes import arm64, load_runtime

RECIPE = {
    "model": "digits_cnn",
    "data": {"source": "digits", "calibration": 32},
    "train": {"epochs": 2, "learning_rate": 0.005},
    "passes": [{"channel_prune": {"instructions": 0.6, "finetune": "none"}}],
    "convert": ["int8"],
    "budget": {"accuracy_drop": 1.0},
}


def test_the_file_that_ships_takes_that_fraction(tmp_path: Path) -> None:
    runtime = load_runtime("arm64")
    if reason := runtime.probe():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    said: list[str] = []
    plain = edgekit.compress({**RECIPE, "passes": []}, tmp_path / "plain")
    with notes_to(said.append):
        pruned = edgekit.compress(RECIPE, tmp_path / "pruned")
    counts = [
        runtime.measure(run / m.models[0].path)["instructions"]
        for run, m in ((tmp_path / "plain", plain), (tmp_path / "pruned", pruned))
    ]
    assert counts[0] and counts[1] and 0.45 < counts[1] / counts[0] <= 0.6001
    assert any("instructions (0.5" in line or "instructions (0.6" in line for line in said)


def test_a_missing_runtime_is_found_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm64, "RUNTIME", replace(arm64.RUNTIME, probe=lambda: "no QEMU"))
    with pytest.raises(RuntimeFailed, match="channel_prune needs the runtime arm64. Received: no QEMU"):
        edgekit.compress(RECIPE, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
