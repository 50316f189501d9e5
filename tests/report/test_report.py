from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit.pipeline import read_manifest
from edgekit.report import write_report
from edgekit.report.text import budget_sentence, caveats, figure, headline, markdown, model_rows, step_rows


def test_the_three_forms_are_written(finished: Any, tmp_path: Path) -> None:
    paths = write_report(finished.manifest, tmp_path)
    assert [p.name for p in paths] == ["report.md", "report.json", "report.html"]
    assert sorted(f.name for f in tmp_path.iterdir()) == [".edgekit", "report.html", "report.json", "report.md"]
    assert json.loads((tmp_path / "report.json").read_text()) == finished.manifest.as_dict() | json.loads(
        json.dumps(finished.manifest.as_dict())
    )


def test_markdown_has_every_step_with_its_figures(finished: Any) -> None:
    text = markdown(finished.manifest)
    for step in finished.manifest.steps:
        (line,) = (n for n in text.splitlines() if n.startswith(f"| {step.name} | {step.format} |"))
        assert f"{step.accuracy:.2%}" in line and f"{step.model_bytes:,}" in line
    for heading in ("What each step did", "Models", "What these figures do not say", "Lineage"):
        assert f"## {heading}" in text
    tables = re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    assert len(tables) == 3
    for table in tables:
        assert len({row.count("|") for row in table.strip().splitlines()}) == 1, "every row has every column"


def test_the_page_works_offline(finished: Any) -> None:
    page = (finished.output / "report.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?https?:", page), "nothing is fetched"
    for step in finished.manifest.steps:
        assert step.name in page
    assert finished.manifest.models[0].sha256[:12] in page


def test_the_page_escapes_what_it_shows(finished: Any, tmp_path: Path) -> None:
    (first, *others) = finished.manifest.models
    bad = replace(first, path="models/<script>alert(1)</script>.tflite")
    write_report(replace(finished.manifest, models=(bad, *others), selected=bad.path), tmp_path)
    assert "<script>alert(1)" not in (tmp_path / "report.html").read_text()


def test_sentences(finished: Any) -> None:
    manifest = finished.manifest
    assert budget_sentence(manifest) == f"Budget met by {manifest.selected}."
    missed = replace(manifest, budget={"met": False, "violations": ["model_bytes 2 is above 1"]})
    assert budget_sentence(missed).startswith("Budget missed: ") and "2 is above 1" in budget_sentence(missed)
    times = float(re.search(r"([\d.]+) times smaller", headline(manifest))[1])  # type: ignore[index]
    assert abs(times - manifest.steps[0].model_bytes / manifest.chosen.bytes) < 0.01
    said = " ".join(caveats(manifest))
    assert "not a phone's" in said and "Zeros make a file smaller only" in said and "x86" in said


def test_unknown_is_a_dash_and_never_zero(finished: Any) -> None:
    assert figure(None, "top1") is None and figure(0.98765, "top1") == "98.77%" and figure(0.012345, "mse") == "0.01235"
    steps = tuple(replace(s, latency_ms=None, macs=None) for s in finished.manifest.steps)
    columns, rows = step_rows(replace(finished.manifest, steps=steps))
    assert rows[0][columns.index("host ms")] is None and rows[0][columns.index("MACs")] is None
    assert "| – | – |" in markdown(replace(finished.manifest, steps=steps))
    columns, rows = model_rows(finished.manifest)
    assert len(rows) == 2 and all(len(row) == len(columns) for row in rows)


def test_the_command_writes_it_again(finished: Any, cli: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copy(finished.output / "manifest.json", tmp_path)
    result = cli("report", tmp_path, "--json")
    found = json.loads(result.out)
    assert result.code == 0 and found["schema"] == "edgekit.report/1"
    assert [Path(f).name for f in found["files"]] == ["report.md", "report.json", "report.html"]
    assert (tmp_path / "report.md").read_text() == markdown(read_manifest(tmp_path))
