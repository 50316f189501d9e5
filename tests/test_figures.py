"""One table of figures: commands, reports, budgets and gates know each of its rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import UsageError
from edgekit.figures import FIGURES, RESERVED, Figure, givers, limited, told_by
from edgekit.measure import BenchmarkResult
from edgekit.measure.gate import parse_gate
from edgekit.runtimes import runtime_names
from edgekit.target import Allowed, Budget

ONE_FILE = """
from edgekit.figures import Figure
from edgekit.runtimes import DeviceFigures, Runtime
from edgekit.tflite import read

JOULES = Figure("joules", "uJ", "scales", "most microjoules of one inference", "microjoules", "exact")


class Scales:
    def measure(self, source, *, time_limit=None):
        return DeviceFigures({"joules": len(read(source).content)})


RUNTIME = Runtime("scales", lambda: None, figures=(JOULES,), meter=Scales())
"""


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_runtime_and_a_gate(name: str) -> None:
    assert FIGURES[name] is givers(name)[0]
    for figure in givers(name):
        assert figure.name == name and figure.runtime in runtime_names()
        assert parse_gate(f"{figure.runtime}.{name} > 1 %", [figure.runtime]).metric == name


def test_a_figure_is_told_as_the_runtime_has_it_that_gave_it() -> None:
    assert givers("nothing") == () and dict(told_by([])) == {} and dict(told_by(["litert"])) == {}
    for name in ("arm64", "cortex_m"):
        assert told_by(["litert", f"{name}:variant"])["instructions"].runtime == name
    assert told_by(["cortex_m", "arm64"])["instructions"].runtime == "cortex_m"
    limits = {figure.name: figure.limit for figure in limited()}
    assert "measure: arm64" in limits["instructions"] and "measure: riscv" in limits["instructions"]
    assert limits["flash_bytes"]  # a limit for one runtime's, where another has none


@pytest.mark.parametrize("figure", limited(), ids=lambda figure: figure.name)
def test_every_limited_figure_is_a_key_of_budgets(figure: object) -> None:
    name = str(getattr(figure, "name", ""))
    assert Budget.model_validate({name: 5}).limit(name) == 5 and Budget().limit(name) is None


def test_a_figure_takes_the_place_of_nothing_else() -> None:
    """Budgets and benchmarks have keys of their own, whatever a package calls its figures."""
    assert RESERVED == set(Allowed.model_fields) | {field.name for field in fields(BenchmarkResult)}
    for name in ("bytes", "accuracy_drop", "", "two words", "_hidden"):
        with pytest.raises(UsageError, match="key of its own"):
            Figure(name, "title", "scales")


@pytest.fixture(scope="module")
def edgekit(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in a process of its own, with a runtime of another package: one file, as pip leaves it."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "scales.py").write_text(ONE_FILE)
    (about := folder / "scales-1.0.dist-info").mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: scales\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[edgekit.runtimes]\nscales = scales\n")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "edgekit"), *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)

    return run


def test_a_runtime_of_one_file_has_its_figure_everywhere(
    edgekit: Any, trained: Any, tflites: dict[str, Path], tmp_path: Path
) -> None:
    schema = json.dumps(json.loads(edgekit("schema").stdout))
    assert '"joules"' in schema and "most microjoules of one inference" in schema

    files = [tflites["float32"], tflites["int8"]]
    sizes = [file.stat().st_size for file in files]
    measured = edgekit("benchmark", *files, "--runtime", "scales", "--json")
    told = json.loads(measured.stdout)
    assert [row["joules"] for row in told["results"]] == sizes, measured.stderr
    assert [(c["metric"], c["verdict"]) for c in told["comparisons"]] == [("joules", "faster")]
    (baseline := tmp_path / "baseline.json").write_text(measured.stdout)
    table = edgekit(
        "benchmark", *files, "--runtime", "scales", "--baseline", baseline, "--fail-if", "scales.joules > 1"
    )
    assert table.returncode == 0 and "uJ" in table.stdout and f"{sizes[1]:,}" in table.stdout, table.stderr

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"model: {trained.h5}\ndata: digits\nconvert: [int8]\n"
        "measure: [litert, scales]\nbudget: {accuracy_drop: null, joules: 7}\n"
    )
    run = edgekit("compress", recipe, "-o", tmp_path / "out", "--json", "--quiet")
    assert run.returncode == 3, run.stderr
    manifest = json.loads(run.stdout)
    (model,) = manifest["models"]
    assert manifest["budget"]["met"] is False and "joules" in json.dumps(manifest["budget"])
    assert (tmp_path / "out" / model["path"]).stat().st_size in [
        step["figures"]["joules"] for step in manifest["steps"]
    ]
    assert "microjoules" in (tmp_path / "out" / "report.md").read_text()
    forgotten = edgekit("compress", recipe, "-o", tmp_path / "two", "--set", "measure=[litert]")
    assert forgotten.returncode == 1 and "Add scales to measure." in forgotten.stderr
