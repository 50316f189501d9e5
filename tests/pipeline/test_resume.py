"""The same recipe gives the same bytes, in another process and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import edgekit
from edgekit.pipeline import read_manifest


def start(recipe: Path, output: Path) -> subprocess.Popen[bytes]:
    script = "import sys; from edgekit.cli import main; main(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", script, "compress", str(recipe), "-o", str(output), "--quiet", "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow  # a whole run more; after a kill, the bytes are compared in any case
def test_another_process_makes_the_same_bytes(finished: Any, tmp_path: Path) -> None:
    process = start(finished.recipe, tmp_path / "out")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    manifest = read_manifest(tmp_path / "out")
    assert {m.path: m.sha256 for m in manifest.models} == finished.shas
    assert not any(s.cached for s in manifest.steps)


def test_after_a_kill_it_goes_on_and_ends_the_same(finished: Any, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start(finished.recipe, output)
    deadline = time.monotonic() + 300
    while not list(output.glob("steps/baseline-*/step.json")):
        assert process.poll() is None and time.monotonic() < deadline, "it ended before the kill"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (output / "manifest.json").exists()
    manifest = edgekit.compress(finished.recipe, output)
    assert manifest.steps[0].cached and not manifest.steps[-1].cached
    assert {m.path: m.sha256 for m in manifest.models} == finished.shas
    assert not list(output.rglob(".*.*")), "nothing half-made is left"
