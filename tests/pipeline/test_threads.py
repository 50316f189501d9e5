"""The same recipe gives the same file, however many cores the machine has."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = """\
model: resnet8
data: {source: "small.npz", calibration: 16}
train: {epochs: 1, batch_size: 16}
passes:
  - channel_prune: {macs: 0.8, finetune: none}
budget: {accuracy_drop: 1.0}
"""


def compressed(folder: Path, cores: set[int], threads: str | None = None) -> tuple[str, int]:
    """sha256 of the file that comes of a run on these cores, and the threads that its manifest names."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_NUM_INTRAOP_THREADS"}
    environment |= {"TF_NUM_INTRAOP_THREADS": threads} if threads else {}
    edgekit, out = "from edgekit.cli import main; main()", folder / f"out{len(cores)}{threads}"
    done = subprocess.run(
        [sys.executable, "-c", edgekit, "compress", "recipe.yaml", "-o", out],
        cwd=folder, env=environment, capture_output=True, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    threads_told = json.loads((out / "manifest.json").read_text())["environment"]["threads"]
    assert ("threads here" in done.stderr) is (threads is not None)
    return hashlib.sha256((out / "models" / "resnet8_int8.tflite").read_bytes()).hexdigest(), threads_told


@pytest.mark.slow
def test_one_core_and_two(tmp_path: Path) -> None:
    import numpy as np

    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("this machine has one core")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (160, 32, 32, 3)).astype(np.uint8), np.arange(160) % 4
    np.savez(tmp_path / "small.npz", x_train=x[:120], y_train=y[:120], x_test=x[120:], y_test=y[120:])
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    one, two = compressed(tmp_path, set(cores[:1])), compressed(tmp_path, set(cores[:2]))
    assert one == two and one[1] == 2
    assert compressed(tmp_path, set(cores[:2]), "3")[1] == 3
