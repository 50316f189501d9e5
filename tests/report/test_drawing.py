"""Drawings are well-formed, escape what they show, and mark the files that no other beats."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit.report.drawing import Point, bars, curves, pareto_front, scatter
from edgekit.report.gains import gains
from edgekit.report.page import html
from edgekit.report.plots import Bar, Panel, panel_plotter

POINTS = [Point("a", 10, 0.9), Point("b", 5, 0.8), Point("c", 8, 0.7), Point("d", 12, 0.95), Point("e", 5, 0.6)]
HOSTILE = "</text><script>alert(1)</script>\x1b[31m"


@pytest.mark.parametrize(("higher", "front"), [(True, "bad"), (False, "e")])
def test_the_front_is_what_no_other_beats(higher: bool, front: str) -> None:
    assert "".join(point.label for point in pareto_front(POINTS, higher_is_better=higher)) == front


SERIES: dict[str, list[Point]] = {
    "several": POINTS,
    "one": [Point("only", 3.0, 0.5, 0.4, 0.6)],
    "all alike": [Point("a", 2, 0.5), Point("b", 2, 0.5), Point("c", 2, 0.5)],
    "zeros": [Point("a", 0, 0.0)],
    "tiny and huge": [Point("a", 1e-6, 1e-9), Point("b", 1e9, 1e6)],
    "beyond all differences": [Point("a", 1, -1e308), Point("b", 1e308, 1e308)],
    "below all quotients": [Point("a", 0, 0.0), Point("b", 5e-324, 5e-324)],
    "side by side at the end": [Point("a", 1, 1e300), Point("b", 1, 1.0000000000000002e300)],
    "a long name at the right": [Point("x" * 60, 10, 1), Point("y" * 60, 9.9, 1)],
    "hostile": [Point(HOSTILE, 1, 1, 0.5, 1.5, chosen=True)],
}


@pytest.mark.parametrize("name", SERIES)
def test_a_scatter_is_well_formed(name: str) -> None:
    drawn = scatter(SERIES[name], title=HOSTILE, x="KiB", y="top-1", higher_is_better=True)
    root = ElementTree.fromstring(drawn)
    assert len(root.findall("{*}circle")) == len(SERIES[name]) and "<script" not in drawn and "\x1b" not in drawn
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for text in root.findall("{*}text"):
        room = 9.5 * len(text.text or "")  # pixels, of letters of 22 pixels in the mean
        start = float(text.attrib["x"]) - {"end": room, "middle": room / 2}.get(text.attrib["text-anchor"], 0.0)
        assert start >= -1 and start + room <= width + 60, text.text
    for dot in root.findall("{*}circle"):
        assert 0 <= float(dot.attrib["cx"]) <= width and 0 <= float(dot.attrib["cy"]) <= height


def test_labels_do_not_lie_on_each_other() -> None:
    drawn = ElementTree.fromstring(scatter(SERIES["all alike"], title="t", x="x", y="y", higher_is_better=True))
    heights = [float(t.attrib["y"]) for t in drawn.findall("{*}text") if t.text in ("a", "b", "c")]
    assert len(set(heights)) == 3


def test_bars_have_their_figures(tmp_path: Path) -> None:
    panels = [Panel("ms", (Bar("m" * 90, 1.5, 1.0, 2.0), Bar(HOSTILE, 0.0))), Panel("bytes", (Bar("n", 1234),))]
    root = ElementTree.fromstring(bars(panels, title="costs"))
    told = [text.text or "" for text in root.findall("{*}text")]
    assert "1.5" in told and "1,234" in told and len(root.findall("{*}rect")) == 3
    for suffix in (".html", ".png"):
        panel_plotter(tmp_path / f"p{suffix}")(panels, HOSTILE)
    page = (tmp_path / "p.html").read_text()
    assert "<script" not in page and len(page) < 20_000 and "prefers-color-scheme: dark" in page
    panel_plotter(tmp_path / "none.html")([], "nothing")
    assert "Nothing was measured" in (tmp_path / "none.html").read_text()


def test_the_page_is_small_and_says_each_file_once(finished: Any) -> None:
    page = html(finished.manifest)
    assert len(page) < 200_000 and "<script" not in page and ">None<" not in page and "null" not in page
    drawn = page[page.index("<svg") : page.index("</svg>") + 6]
    files = {step.sha256 for step in finished.manifest.steps}
    assert drawn.count("<circle") == len(files) < len(finished.manifest.steps)
    for folded in ("Lineage", "Recipe", "operator by operator"):
        assert f"<summary>{folded}" in page or f"{folded}</summary>" in page
    assert "FULLY_CONNECTED" in page, "the chosen file's operators, with bytes and MACs"


def test_a_run_whose_files_are_gone_has_a_page(finished: Any) -> None:
    assert "operator by operator" not in html(replace(finished.manifest, output="/nowhere"))


def test_gains_say_what_changed_and_nothing_that_is_unknown(finished: Any) -> None:
    manifest = finished.manifest
    told = dict(gains(manifest))
    assert {"size", "gzip", manifest.metric} <= told.keys() and "times" in told["size"]
    steps = tuple(replace(step, latency_ms=None, figures={}) for step in manifest.steps)
    assert set(dict(gains(replace(manifest, steps=steps)))) == {"size", "gzip", manifest.metric}
    chosen = replace(manifest.chosen, latency_ms=2.0)
    models = tuple(chosen if m.path == chosen.path else m for m in manifest.models)
    slower = replace(manifest, models=models, steps=(replace(manifest.steps[0], latency_ms=1.0), *manifest.steps[1:]))
    told = tuple(replace(s, latency_ms=2.0) if s.sha256 == chosen.sha256 else s for s in slower.steps)
    assert dict(gains(replace(slower, steps=told)))["time on this host"].startswith("2.00 times slower")


def test_a_known_zero_is_told_and_a_better_score_is_no_drop(finished: Any) -> None:
    manifest = finished.manifest
    first = replace(manifest.steps[0], figures={"arena_bytes": 5}, accuracy=0.5)
    better = replace(
        manifest.chosen, figures={"arena_bytes": 0}, accuracy=0.6, accuracy_drop=-0.1, drop_low=-0.2, drop_high=0.1
    )
    models = tuple(better if m.path == better.path else m for m in manifest.models)
    measuring = {**manifest.recipe, "measure": ["litert", "tflm"]}
    told = dict(gains(replace(manifest, models=models, steps=(first, *manifest.steps[1:]), recipe=measuring)))
    assert "5 → 0" in told["arena bytes"] and "+10.00% [-10.00%, +20.00%]" in told[manifest.metric]


TRAININGS: dict[str, dict[str, dict[str, list[float | None]]]] = {
    "usual": {"train": {k: [1.0, 0.5, 0.2] for k in ("loss", "val_loss", "accuracy", "val_accuracy")}},
    "one epoch": {"qat": {"loss": [0.5], "val_loss": [0.7]}},
    "without validation": {"train": {"loss": [0.5, 0.4]}},
    "validation alone": {"train": {"val_loss": [0.5, 0.4]}},
    "holes": {"train": {"loss": [None, 0.5, None, 0.1], "val_loss": [None, None, None, None]}},
    "nothing but holes": {"train": {"loss": [None, None]}},
    "no epoch": {"train": {"loss": []}},
    "nothing": {},
    "constant": {"train": {"loss": [0.0, 0.0, 0.0]}},
    "tiny and huge": {"train": {"loss": [1e-300, 1e300]}},
    "hostile": {HOSTILE: {HOSTILE: [1.0, 2.0]}},
    "long": {"train": {"loss": [float(n) for n in range(10_000)]}},
}
PANELS = {"usual": 2, "nothing but holes": 0, "no epoch": 0, "nothing": 0}


@pytest.mark.parametrize("name", TRAININGS)
def test_curves_are_well_formed(name: str) -> None:
    panels = curves(TRAININGS[name])
    assert len(panels) == PANELS.get(name, 1)
    for _, drawn in panels:
        root = ElementTree.fromstring(drawn)
        width, height = map(float, root.attrib["viewBox"].split()[2:])
        assert "<script" not in drawn and "\x1b" not in drawn and "nan" not in drawn and len(drawn) < 6000
        assert width <= 360, "as wide as a phone shows without making letters smaller"
        for dot in root.findall("{*}circle"):
            assert 0 <= float(dot.attrib["cx"]) <= width and 0 <= float(dot.attrib["cy"]) <= height
        for curve in root.findall("{*}polyline"):
            places = [tuple(map(float, place.split(","))) for place in curve.attrib["points"].split()]
            assert all(0 <= x <= width and 0 <= y <= height for x, y in places) and places == sorted(places)


def test_curves_say_which_line_is_which() -> None:
    ((caption, drawn), other) = curves(TRAININGS["usual"])
    assert caption == "train: loss" and other[0] == "train: accuracy"
    assert ">training</text>" in drawn and ">validation</text>" in drawn
    (alone,) = curves(TRAININGS["without validation"])
    assert ">validation</text>" not in alone[1]


def test_the_page_has_the_curves_of_each_training(finished: Any) -> None:
    page = html(finished.manifest)
    assert "baseline, train: loss</figcaption>" in page and "qat: loss</figcaption>" in page
    steps = tuple(replace(step, training={}) for step in finished.manifest.steps)
    assert "epoch by epoch" not in html(replace(finished.manifest, steps=steps))
