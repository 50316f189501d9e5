"""One table of figures: commands, reports, budgets and gates know each of its rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.figures import FIGURES, limited
from edgekit.measure.gate import parse_gate
from edgekit.runtimes import runtime_names
from edgekit.target import Budget

OWN = """
from types import MappingProxyType
import edgekit.figures as figures
row = figures.Figure("joules", "microjoules", "arm64", "most microjoules of one inference", "microjoules", "counted")
figures.FIGURES = MappingProxyType({**figures.FIGURES, "joules": row})
from edgekit.runtimes import DeviceFigures
from edgekit.runtimes.arm64 import Arm64Runtime
Arm64Runtime.measure = lambda self, path, **options: DeviceFigures({"joules": path.stat().st_size})
import json, sys
from pathlib import Path
from edgekit.measure.gate import parse_gate
from edgekit.measure.latency import benchmark
from edgekit.pipeline.figures import Figures
from edgekit.pipeline.verdict import violations
from edgekit.recipe import Recipe
from edgekit.report.benchmark_text import count_rows
from edgekit.target import Budget, load_target
told = benchmark([Path(sys.argv[1]), Path(sys.argv[2])], runtimes=["arm64"]).as_dict()
budget = Budget.model_validate({"joules": 7, "accuracy_drop": None})
missed = violations(budget, load_target("generic"), drop=0.0, size=1, figures=Figures(counts={"joules": 8}))
print(json.dumps({
    "json": [row["joules"] for row in told["results"]],
    "compared": [c["metric"] for c in told["comparisons"]],
    "table": count_rows(told["results"])[0],
    "budget": [str(v) for v in missed],
    "gate": parse_gate("arm64.joules > 1 %", ["arm64"]).metric,
    "schema": "joules" in json.dumps(Recipe.model_json_schema()),
}))
"""


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_runtime_and_a_gate(name: str) -> None:
    figure = FIGURES[name]
    assert figure.runtime in runtime_names()
    assert parse_gate(f"{figure.runtime}.{name} > 1 %", [figure.runtime]).metric == name


@pytest.mark.parametrize("figure", limited(), ids=lambda figure: figure.name)
def test_every_limited_figure_is_a_key_of_budgets(figure: object) -> None:
    name = str(getattr(figure, "name", ""))
    assert Budget.model_validate({name: 5}).limit(name) == 5 and Budget().limit(name) is None


def test_a_new_figure_is_one_row(tflites: dict[str, Path]) -> None:
    """In a process of its own, since tables are read at import."""
    files = [str(tflites["int8"]), str(tflites["float32"])]
    done = subprocess.run([sys.executable, "-c", OWN, *files], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["json"] == [Path(file).stat().st_size for file in files]
    assert told["compared"] == ["joules"] and "microjoules" in told["table"]
    assert told["budget"] == ["joules 8 is above 7"] and told["gate"] == "joules" and told["schema"]
