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
    assert json.loads(sidecar_path(model).read_text())["schema"] == "edgekit.sidecar/1"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": "other/1"}', '{"schema": "edgekit.sidecar/1"}'])
def test_damaged_ones_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.tflite.json").write_text(text)
    with pytest.raises(DataError, match=r"must be a sidecar of the form edgekit.sidecar/1. Received: .*m.tflite.json"):
        read_sidecar(tmp_path / "m.tflite")
