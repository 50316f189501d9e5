from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.data import Preprocessing
from edgekit.data.sidecar import Sidecar, read_sidecar, sidecar_path, write_sidecar
from edgekit.errors import DataError


def test_round_trip(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    assert read_sidecar(model) is None
    preprocessing = Preprocessing.parse(
        [{"resize": {"height": 3, "width": 4}}, {"normalize": {"mean": [1], "std": [2]}}]
    )
    sidecar = Sidecar(preprocessing, ("a", "b"), "classification")
    write_sidecar(model, sidecar)
    assert sidecar_path(model).name == "m.tflite.json" and read_sidecar(model) == sidecar
    assert json.loads(sidecar_path(model).read_text())["schema"] == "edgekit.sidecar/2"


@pytest.mark.parametrize("task", ["classification", "regression", "reconstruction", "unknown"])
def test_every_task_comes_back(task: str, tmp_path: Path) -> None:
    write_sidecar(tmp_path / "m.tflite", Sidecar(Preprocessing(), (), task))
    found = read_sidecar(tmp_path / "m.tflite")
    assert found is not None and found.task == task
    assert found.known_task == (None if task == "unknown" else task)


@pytest.mark.parametrize(
    ("task", "names", "known"),
    [
        ("classification", ["a", "b"], "classification"),
        ("classification", [], None),
        ("regression", [], "regression"),
        ("reconstruction", [], "reconstruction"),
    ],
)
def test_version_1_is_still_read(task: str, names: list[str], known: str | None, tmp_path: Path) -> None:
    """It said classification of every model of which nothing was known."""
    content = {"schema": "edgekit.sidecar/1", "preprocessing": ["cast"], "label_names": names, "task": task}
    (tmp_path / "m.tflite.json").write_text(json.dumps(content))
    found = read_sidecar(tmp_path / "m.tflite")
    assert found is not None and found.known_task == known and found.label_names == tuple(names)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": "other/1"}', '{"schema": "edgekit.sidecar/1"}'])
def test_damaged_ones_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.tflite.json").write_text(text)
    with pytest.raises(DataError, match=r"must be a sidecar of the form edgekit.sidecar/2. Received: .*m.tflite.json"):
        read_sidecar(tmp_path / "m.tflite")
