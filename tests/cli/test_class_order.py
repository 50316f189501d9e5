"""Classes of data and model are matched by name: numbers would be others where the data lack some."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar

NAMES = ("ant", "bee", "cat")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Says the class whose number is largest."""
    keras, path = _tf.tf_keras(), tmp_path / "m.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, "softmax", kernel_initializer="identity")]).save(path)
    write_sidecar(path, Sidecar(Preprocessing(), NAMES, "classification"))
    return path


def table(path: Path, names: list[str], *, model_order: tuple[str, ...] = NAMES) -> Path:
    """30 rows of each class, of which the model knows all."""
    rng = np.random.default_rng(0)
    lines = []
    for name in names * 30:
        row = rng.uniform(0, 1, 3)
        if name in model_order:
            row[model_order.index(name)] = 2
        lines.append(",".join([*map(str, row), name]))
    path.write_text("\n".join(["a,b,c,label", *lines]) + "\n")
    return path


@pytest.mark.parametrize("names", [["ant", "bee", "cat"], ["cat", "bee"]], ids="+".join)
def test_data_may_lack_classes(names: list[str], model: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    result = cli("evaluate", model, "--data", table(tmp_path / "d.csv", names), "--json")
    assert result.code == 0 and json.loads(result.out)["value"] == 1.0


def test_another_order(model: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    order = ("cat", "ant", "bee")
    write_sidecar(model, Sidecar(Preprocessing(), order, "classification"))
    result = cli("evaluate", model, "--data", table(tmp_path / "d.csv", list(NAMES), model_order=order), "--json")
    assert result.code == 0 and json.loads(result.out)["value"] == 1.0


def test_a_class_that_the_model_has_not(model: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    result = cli("evaluate", model, "--data", table(tmp_path / "d.csv", ["ant", "dog"]))
    assert result.code == 1 and "dog in the data; the model has ant, bee, cat" in " ".join(result.err.split())


def test_numbers_for_names(model: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    """A column of numbers has the numbers of the outputs, whatever the model calls them."""
    data = table(tmp_path / "d.csv", ["1", "2"], model_order=("0", "1", "2"))
    result = cli("evaluate", model, "--data", data, "--json")
    assert result.code == 0 and json.loads(result.out)["value"] == 1.0


def test_convert_keeps_the_models_names(model: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    """The data that calibrate may lack some, or have another order."""
    data = table(tmp_path / "d.csv", ["cat", "bee"])
    assert cli("convert", model, "--data", data, "-o", tmp_path / "m.tflite").code == 0
    assert tuple(json.loads((tmp_path / "m.tflite.json").read_text())["label_names"]) == NAMES
    result = cli("evaluate", tmp_path / "m.tflite", "--data", data, "--json")
    assert result.code == 0 and json.loads(result.out)["value"] > 0.95
