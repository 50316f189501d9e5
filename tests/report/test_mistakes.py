"""Which mistakes the chosen file makes is on the page, beside the baseline's where they are others."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit.measure.answers import confusion, error_bins
from edgekit.report.mistakes import errors, matrix, mistakes
from edgekit.report.page import html

HOSTILE = "</text><script>alert(1)</script>\x1b[31m"
RNG = np.random.default_rng(1)


def answers_of(classes: int, samples: int = 200) -> dict[str, Any]:
    return confusion(RNG.normal(size=(samples, classes)), RNG.integers(0, classes, samples))


def errors_of(scale: float) -> dict[str, Any]:
    return error_bins(scale * RNG.normal(size=(300, 2)), np.zeros((300, 2)))


def with_answers(manifest: Any, baseline: dict[str, Any], chosen: dict[str, Any], metric: str = "top1") -> Any:
    sha = manifest.chosen.sha256
    steps = [replace(s, answers=chosen if s.sha256 == sha else baseline, metric=metric) for s in manifest.steps]
    return replace(manifest, steps=tuple(steps), metric=metric)


@pytest.mark.parametrize("names", [(), ("a", "b"), (HOSTILE, "x" * 200) * 10], ids=["none", "few", "hostile"])
@pytest.mark.parametrize("classes", [2, 10, 20])
def test_a_matrix_is_well_formed_and_tells_every_cell(classes: int, names: tuple[str, ...]) -> None:
    answers = answers_of(classes, 30_000 // classes)
    drawn = matrix(answers, names, title=HOSTILE)
    root = ElementTree.fromstring(drawn)
    assert len(root.findall("{*}rect")) == len(answers["cells"]) and "<script" not in drawn and "\x1b" not in drawn
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for cell in root.findall("{*}rect"):
        assert float(cell.attrib["x"]) + 32 <= width and float(cell.attrib["y"]) + 32 <= height
    inside = [text.text or "" for text in root.findall("{*}text") if "class" not in text.attrib]
    assert len(inside) == len(answers["cells"]) and max(map(len, inside)) <= 4


@pytest.mark.parametrize("other", [None, 1.0, 1e9, 0.0])
@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e30])
def test_a_histogram_is_well_formed_and_counts_every_sample(scale: float, other: float | None) -> None:
    drawn = errors(errors_of(scale), None if other is None else errors_of(other), title=HOSTILE)
    root = ElementTree.fromstring(drawn)
    bars = root.findall("{*}rect")
    assert 1 <= len(bars) <= 40 and (root.find("{*}polyline") is None) == (other is None)
    counts = [
        int((title.text or "").rpartition(": ")[2].replace(",", "")) for title in root.findall("{*}rect/{*}title")
    ]
    assert sum(counts) == 300
    assert all(float(bar.attrib["height"]) >= 0 for bar in bars)


def test_the_page_has_both_matrices_or_one_where_they_are_alike(finished: Any) -> None:
    one, two = answers_of(10), answers_of(10)
    assert html(with_answers(finished.manifest, one, two)).count("Answers of the ") == 2
    assert html(with_answers(finished.manifest, one, one)).count("Answers of the ") == 1
    page = (finished.output / "report.html").read_text()
    assert "Answers of the chosen file by true class" in page


def test_of_many_classes_the_pairs_are_a_table(finished: Any) -> None:
    one, two = answers_of(100, 3000), answers_of(100, 3000)
    told = mistakes(with_answers(finished.manifest, one, two))
    assert len(told.rows) == 20 and not told.drawings and len(told.columns) == 4
    assert told.rows[0][2] == str(max(n for _, _, n in two["cells"]))
    none = {**two, "cells": []}
    assert "No class is taken for another." in html(with_answers(finished.manifest, none, none))


def test_names_of_classes_come_from_the_sidecar(finished: Any, tmp_path: Any) -> None:
    told = mistakes(replace(finished.manifest, output=str(tmp_path)))
    assert ">9</text>" in told.drawings[0][1], "their numbers, where the files are gone"


def test_errors_of_numbers_are_a_histogram(finished: Any) -> None:
    page = html(with_answers(finished.manifest, errors_of(1.0), errors_of(2.0), "mse"))
    assert "How large the errors are" in page and "the line is the baseline" in page and "Which classes" not in page
