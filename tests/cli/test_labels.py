"""The names of classes beside a converted model are those of its output, or there are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from operator_models import Call, Operand, operator_model

from edgekit import _tf
from edgekit.api.inputs import labels_of
from edgekit.data.labels import names_output
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.data.targets import TASKS
from edgekit.errors import ConversionError

SHAPES = {
    (1, 3): (3,), (1, 1): (1, 2), (3,): (3,), (1, 1, 1, 3): (3,), (1, 3, 1): (1, 2, 3), (1, 8, 8, 3): (3, 192),
    (1, 8, 8, 1): (2, 1, 64), (): (1, 2),
}  # fmt: skip
"""Outputs, each with the numbers of names that fit it: along the last axis, of one answer, of a single value."""


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_names_fit_an_output_by_their_number(shape: tuple[int, ...]) -> None:
    assert {count for count in range(1, 200) if names_output(count, shape)} == set(SHAPES[shape])


@pytest.mark.parametrize("task", [None, *TASKS])
@pytest.mark.parametrize("count", [0, 2, 3, 192])
@pytest.mark.parametrize("shape", [(1, 3), (1, 1), (1, 8, 8, 3), (1, 8, 8, 1)], ids=str)
def test_of_each_task_and_output(task: Any, count: int, shape: tuple[int, ...]) -> None:
    square = Operand(shape, scales=[0.5])
    model = operator_model([square, square], [Call("RELU", [0], [1])], [0], [1])
    names = tuple(f"class {number}" for number in range(count))
    if task == "classification" and count and not names_output(count, shape):
        with pytest.raises(ConversionError, match=f"{count} names for an output of"):
            labels_of(model, names, task)
    else:
        fits = task in (None, "classification") and names_output(count, shape)
        assert labels_of(model, names, task) == (names if fits else ())


def saved(path: Path, layer: Callable[[Any], Any], shape: tuple[int, ...]) -> Path:
    keras = _tf.tf_keras()
    keras.Sequential([keras.Input(shape), layer(keras.layers)]).save(path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = np.random.default_rng(0).uniform(0, 1, (60, 3))
    lines = [",".join([*map(str, row), name]) for row, name in zip(rows, ["ant", "bee", "cat"] * 20, strict=True)]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,c,label", *lines]) + "\n")
    return tmp_path / "d.csv"


def test_data_of_classes_calibrate_a_model_of_something_else(
    table: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    model = saved(tmp_path / "m.keras", lambda layers: layers.Dense(5), (3,))
    assert cli("convert", model, "--data", table, "-o", tmp_path / "m.tflite").code == 0
    sidecar = json.loads((tmp_path / "m.tflite.json").read_text())
    assert (sidecar["label_names"], sidecar["task"]) == ([], "unknown")
    result = cli("convert", model, "--data", table, "-o", tmp_path / "n.tflite", "--task", "classification")
    assert result.code == 1 and "3 names for an output of [1, 5]" in " ".join(result.err.split())
    assert not list(tmp_path.glob("n.*"))


def test_pixels_have_the_names_of_their_last_axis(cli: Callable[..., Any], tmp_path: Path) -> None:
    model = saved(tmp_path / "m.keras", lambda layers: layers.Conv2D(3, 1), (4, 4, 1))
    for names in (("sky", "sea", "land"), ("sky", "sea")):
        write_sidecar(model, Sidecar(Preprocessing(), names, "unknown"))
        options = ["--format", "float32", "-o", tmp_path / "m.tflite"]
        assert cli("convert", model, *options).code == 0
        written = json.loads((tmp_path / "m.tflite.json").read_text())["label_names"]
        assert written == (list(names) if len(names) == 3 else [])


@pytest.mark.parametrize(("shape", "named"), [((1, 4, 4, 3), False), ((1, 3), True)], ids=str)
def test_exported_c_has_names_of_answers_alone(
    shape: tuple[int, ...], named: bool, cli: Callable[..., Any], tmp_path: Path
) -> None:
    square, model = Operand(shape, scales=[0.5]), tmp_path / "m.tflite"
    model.write_bytes(operator_model([square, square], [Call("RELU", [0], [1])], [0], [1]).content)
    write_sidecar(model, Sidecar(Preprocessing(), ("sky", "sea", "land"), "unknown"))
    done = cli("export", "c", model, "-o", tmp_path / "out", "--name", "net")
    assert done.code == 0, done.err
    assert ("net_labels[NET_LABELS]" in (tmp_path / "out" / "net.h").read_text()) == named
