"""Packages of others, installed as a user would: their passes and targets are known to every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_pass"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example's package in it, as pip installs it."""
    folder = tmp_path_factory.mktemp("installed")
    copy = tmp_path_factory.mktemp("source") / "own_pass"  # a build leaves folders behind
    subprocess.run(["cp", "-r", str(EXAMPLE), str(copy)], check=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(folder), str(copy)], check=True)
    return folder


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "edgekit"), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(installed)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)

    return run


def test_commands_know_what_is_installed(run: Any) -> None:
    assert "clip_weights" in run("passes").stdout and "my-board" in run("targets").stdout
    schema = json.loads(run("schema").stdout)
    assert "clip_weights" in json.dumps(schema["properties"]["passes"])
    assert "my-board" in json.dumps(schema["properties"]["target"])
    wrong = run("compress", EXAMPLE / "recipe.yaml", "-o", "out", "--set", "passes.clip_weights.deviation=3")
    assert wrong.returncode == 1 and "Did you mean 'deviations'" in wrong.stderr


def test_a_run_uses_it(run: Any, tmp_path: Path) -> None:
    done = run("compress", EXAMPLE / "recipe.yaml", "-o", "out", "--set", "train.epochs=1", "--json", "--quiet")
    assert done.returncode in (0, 3), done.stderr
    told = json.loads(done.stdout)
    assert [step["name"] for step in told["steps"]][:2] == ["baseline", "clip_weights"]
    assert told["recipe"]["target"] == "my-board" and told["steps"][1]["accuracy"] > 0.3
