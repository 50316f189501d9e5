"""A numeric column may be classes or numbers to predict: commands take it as they are told, and else ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.keras import save_model

Cli = Callable[..., Any]

X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
PRICES = 100 + 40 * X[:, 0] - 25 * X[:, 1]
GRADES = np.digitize(X[:, 0], [-0.4, 0.4])


def write(path: Path, labels: Any) -> Path:
    rows = "".join(f"{a},{b},{c},{label}\n" for (a, b, c), label in zip(X, labels, strict=True))
    path.write_text("a,b,c,label\n" + rows)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """prices.csv and grades.csv, whose labels are numbers, with a model for each that knows them well."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "prices.csv", PRICES)
    write(tmp_path / "grades.csv", GRADES)
    layers = _tf.tf_keras().layers
    price = _tf.tf_keras().Sequential([layers.Input((3,)), layers.Dense(1)])
    price.set_weights([np.array([[40.0], [-25.0], [0.0]]), np.array([100.0])])
    save_model(price, tmp_path / "prices.h5")
    grade = _tf.tf_keras().Sequential([layers.Input((3,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")])
    save_model(grade, tmp_path / "grades.h5")
    return tmp_path


def parsed(result: Any) -> dict[str, Any]:
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


@pytest.mark.parametrize("command", ["evaluate", "sensitivity"])
@pytest.mark.parametrize("name", ["prices", "grades"])
def test_a_command_that_needs_the_task_asks_for_it(command: str, name: str, here: Path, cli: Cli) -> None:
    kinds = ["--kind", "sparsity", "--ratio", 0.5] if command == "sensitivity" else []
    arguments = [command, f"{name}.h5", "--data", f"{name}.csv", *kinds]
    asked = cli(*arguments)
    assert asked.code == 1 and "Give --task classification or --task regression" in asked.err
    assert "the task must be told" in asked.err
    task = "regression" if name == "prices" else "classification"
    found = parsed(cli(*arguments, "--task", task, "--json"))
    if command == "evaluate":
        assert found["metric"] == ("mse" if name == "prices" else "top1")
        assert found["value"] < 0.01 or name == "grades"
    else:
        assert all((e["score"] is None) == (name == "prices") for e in found["effects"])


@pytest.mark.parametrize("task", [None, "regression"])
def test_convert_asks_for_no_task_and_writes_what_it_is_told(task: str | None, here: Path, cli: Cli) -> None:
    told = ["--task", task] if task else []
    assert cli("convert", "prices.h5", "--data", "prices.csv", "-o", "p.tflite", *told).code == 0
    assert json.loads(Path("p.tflite.json").read_text())["task"] == (task or "unknown")
    result = cli("evaluate", "p.tflite", "--data", "prices.csv", "--json")
    if task:
        assert parsed(result)["metric"] == "mse" and parsed(result)["value"] < 2
    else:
        assert result.code == 1 and "Give --task" in json.loads(result.out)["error"]
    again = cli("evaluate", "p.tflite", "--data", "prices.csv", "--json", "--task", "regression")
    assert parsed(again)["metric"] == "mse"


def test_a_task_goes_from_sidecar_to_sidecar(here: Path, cli: Cli) -> None:
    for name in ("own.h5", "none.h5"):
        Path(name).write_bytes(Path("prices.h5").read_bytes())
    content = {"schema": "edgekit.sidecar/2", "preprocessing": [], "label_names": [], "task": "regression"}
    Path("own.h5.json").write_text(json.dumps(content))
    expected = {
        "own": ("regression", []),
        "none": ("unknown", []),
        "told": ("reconstruction", ["--task", "reconstruction"]),
    }
    for name, (task, told) in expected.items():
        source = "own.h5" if name == "told" else f"{name}.h5"
        assert cli("convert", source, "--format", "float32", "-o", f"{name}.tflite", *told).code == 0
        assert json.loads(Path(f"{name}.tflite.json").read_text())["task"] == task
    assert parsed(cli("evaluate", "own.tflite", "--data", "prices.csv", "--json"))["metric"] == "mse"


def recipe(name: str, task: str | None) -> str:
    objective = f"objective: {{task: {task}}}\n" if task else ""
    return f"model: {name}.h5\ndata: {{source: {name}.csv, calibration: 30}}\nconvert: [int8, float32]\n{objective}"


@pytest.mark.parametrize("name", ["prices", "grades"])
def test_a_recipe_without_a_task_stops_before_anything_is_trained(name: str, here: Path, cli: Cli) -> None:
    (here / "r.yaml").write_text(recipe(name, None) + "train: {epochs: 1}\n")
    before = sorted(f.name for f in here.iterdir())
    result = cli("compress", "r.yaml", "-o", "out")
    assert result.code == 1
    assert "Add objective: {task: classification} or objective: {task: regression} to the recipe" in result.err
    assert sorted(f.name for f in here.iterdir()) == before


def test_a_regression_is_judged_as_one(here: Path, cli: Cli) -> None:
    (here / "r.yaml").write_text(recipe("prices", "regression"))
    found = parsed(cli("compress", "r.yaml", "-o", "out", "--json", "--quiet", "--set", "budget.accuracy_drop=null"))
    assert found["metric"] == "mse" and found["steps"][0]["accuracy"] < 0.01
    assert found["trivial"]["answer"] == "mean of the training targets" and found["trivial"]["beaten"] is True
    assert found["trivial"]["score"] == pytest.approx(PRICES.var(), rel=0.3)
    assert found["recipe"]["objective"]["task"] == "regression"
    sidecar = json.loads((here / "out" / "models" / "prices_int8.tflite.json").read_text())
    assert sidecar["task"] == "regression" and sidecar["label_names"] == []


def test_a_classifier_of_numbers_has_their_names(here: Path, cli: Cli) -> None:
    (here / "r.yaml").write_text(recipe("grades", "classification") + "train: {epochs: 30, learning_rate: 0.05}\n")
    found = parsed(cli("compress", "r.yaml", "-o", "out", "--json", "--quiet", "--set", "budget.accuracy_drop=null"))
    assert found["metric"] == "top1" and found["steps"][0]["accuracy"] > 0.8 and found["trivial"]["beaten"] is True
    sidecar = json.loads((here / "out" / "models" / "grades_int8.tflite.json").read_text())
    assert sidecar["task"] == "classification" and sidecar["label_names"] == ["0", "1", "2"]
    assert parsed(cli("evaluate", "out/models/grades_int8.tflite", "--data", "grades.csv", "--json"))["value"] > 0.8


def test_a_model_s_sidecar_tells_a_recipe(here: Path, cli: Cli) -> None:
    content = {"schema": "edgekit.sidecar/2", "preprocessing": ["cast"], "label_names": [], "task": "regression"}
    (here / "prices.h5.json").write_text(json.dumps(content))
    (here / "r.yaml").write_text(recipe("prices", None).replace("int8, float32", "float32"))
    assert parsed(cli("compress", "r.yaml", "-o", "out", "--json", "--quiet"))["metric"] == "mse"


@pytest.mark.parametrize(("name", "than"), [("prices", "the mean: mse"), ("grades", "chance: top1")])
def test_a_baseline_that_has_learned_nothing_is_called_so_first(name: str, than: str, here: Path, cli: Cli) -> None:
    layers, (inputs, width) = _tf.tf_keras().layers, (3, 1 if name == "prices" else 3)
    last = None if name == "prices" else "softmax"
    constant = _tf.tf_keras().Sequential(
        [layers.Input((inputs,)), layers.Dense(width, last, kernel_initializer="zeros")]
    )
    save_model(constant, here / f"{name}.h5")
    task = "regression" if name == "prices" else "classification"
    (here / "r.yaml").write_text(recipe(name, task).replace("int8, float32", "float32"))
    result = cli("compress", "r.yaml", "-o", "out", "--quiet")
    said = " ".join(result.out.split())
    assert said.startswith(f"The baseline is no better than {than}") and said.index("no better") < said.index("drop")
    report = (here / "out" / "report.md").read_text()
    assert f"**The baseline is no better than {than}" in report and report.index("**The") < report.index("drop")
    page = (here / "out" / "report.html").read_text()
    assert f"<strong>The baseline is no better than {than}" in page
    manifest = json.loads((here / "out" / "manifest.json").read_text())
    assert manifest["trivial"]["beaten"] is False and manifest["trivial"]["score"] > 0
    assert cli("report", "out").code == 0, "and it is read back"
