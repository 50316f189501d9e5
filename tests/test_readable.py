"""Results for people: text, and a table in a notebook; names of others' files steer nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit import tflite
from edgekit.readable import Readable, Rows


class Hostile(Readable):
    def title(self) -> str:
        return "\x1b[2J<script>"

    def rows(self) -> Rows:
        return [("<b>a</b>\x1b[31m", "one\ntwo & three"), ("unknown", None)]

    def as_dict(self) -> dict[str, object]:
        return {"a": 1}


def test_names_of_others_steer_nothing() -> None:
    text, page = Hostile().summary(), Hostile()._repr_html_()
    assert "\x1b" not in text + page and "<script>" not in page and "<b>" not in page
    assert text.splitlines()[1].endswith("one\\ntwo & three") and "three" in page and "&amp;" in page
    assert text.splitlines()[2].split() == ["unknown", "–"] and Hostile().to_dict() == {"a": 1}


def test_an_inspection_reads_well() -> None:
    found = tflite.inspect(packed(dense_model()))
    text = found.summary()
    assert "MACs" in text and f"{found.bytes:,}" in text and found.sha256 in found._repr_html_()
    assert found.to_dict() == found.as_dict()


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_a_conversion_and_an_evaluation_read_well(kind: str, trained: Any, digits: Any, tmp_path: Path) -> None:
    data = (digits.features("calibration"), digits.labels("calibration"))
    result = edgekit.convert(trained.model, tmp_path / "m.tflite", format=kind, data=data)
    assert "against Keras" in result.summary() and " dB" in result._repr_html_() and str(tmp_path) in result.summary()
    assert repr(result).count("\n") == 0 and len(repr(result)) < 600, "not the file's bytes"
    score = edgekit.evaluate(result.path, data, task="classification")
    assert "top1" in score.summary() and "95 %" in score._repr_html_()
