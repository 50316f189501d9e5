"""The page of a search: drawn from its JSON alone, whatever there is of it yet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import EdgekitError
from edgekit.report.search_page import search_html, write_search_page


def outcome(status: str = "done", **figures: float) -> dict[str, Any]:
    return {
        "status": status,
        "figures": figures,
        "reason": "it <b>died</b>" if status == "failed" else "",
        "curve": [0.5, None, 0.75],
        "costs": {"model_bytes": 1000},
    }


def told(trials: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    member = {
        "trial": 0,
        "recipe": "front/00000/recipe.yaml",
        "file": None,
        "sha256": None,
        "validation": {"accuracy": 0.9, "model_bytes": 1000, "macs": 5000},
        "test": {},
        "fits": True,
    }
    return {
        "schema": "edgekit.search/1",
        "output": "runs/x",
        "state": "running",
        "objectives": {"accuracy": "maximize", "model_bytes": "minimize", "macs": "minimize"},
        "limits": {"model_bytes": 20_000},
        "sampler": "evolution",
        "genes": {"model.width": {}, "model": {}},
        "size": None,
        "drawn": 10,
        "screened": 4,
        "trials": trials,
        "front": [member] if trials else [],
        "best": 0 if trials else None,
        "importances": {"model.width": 0.8, "model": 0.2} if trials else {},
        "seconds": 60.0,
        "cpu_seconds": 50.0,
        "left": None,
        **changes,
    }


def trial(number: int, model: str, **rungs: dict[str, Any]) -> dict[str, Any]:
    genes = {"model.width": 0.1 * (number + 1), "model": model}
    return {
        "number": number,
        "genes": genes,
        "estimate": {"model_bytes": 1100.0},
        "outcomes": {rung.removeprefix("rung"): outcome for rung, outcome in rungs.items()},
    }


TRIALS = [
    trial(0, "resnet8", rung0=outcome(accuracy=0.9, model_bytes=1000, macs=5000)),
    trial(1, "ds<cnn>", rung0=outcome(accuracy=0.8, model_bytes=2000, macs=4000)),
    trial(2, "ds<cnn>", rung0=outcome("failed")),
    trial(3, "ds<cnn>", rung0=outcome("unfit", model_bytes=30_000)),
]


def test_every_pair_of_objectives_is_drawn_and_a_dot_tells_its_genes() -> None:
    page = search_html(told(TRIALS))
    assert page.count(" against ") == 3, "one cloud for each pair"
    assert "trial 1: accuracy 0.8, model_bytes 2,000, macs 4,000; model.width 0.2, model ds&lt;cnn&gt;" in page
    assert page.count('circle class="first"') == 3 and page.count('circle class="other-trial"') == 3
    assert "2 done, 1 too large when measured, 1 failed" in page and "of which 6 fit" in page
    assert "10.0% off in the middle" in page, "an estimate of 1,100 bytes where 1,000 were measured"
    assert "2: it &lt;b&gt;died&lt;/b&gt;" in page


@pytest.mark.parametrize("trials", [[], TRIALS[2:3], TRIALS[:1]])
def test_a_page_of_little_is_a_page(trials: list[dict[str, Any]]) -> None:
    changes: dict[str, Any] = {} if trials == TRIALS[:1] else {"front": [], "best": None, "importances": {}}
    page = search_html(told(trials, **changes))
    assert page.endswith("</html>") and "None" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=|<script", page), "it fetches nothing and runs nothing"


def test_a_page_takes_the_place_of_its_own_older_one_only(tmp_path: Path) -> None:
    first = write_search_page(told(TRIALS[:1]), tmp_path)
    before = first.read_text()
    assert write_search_page(told(TRIALS), tmp_path).read_text() != before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "search.html").write_text("mine")
    with pytest.raises(EdgekitError, match="search.html"):
        write_search_page(told(TRIALS), tmp_path / "other")


def member(number: int, accuracy: float, off: float) -> dict[str, Any]:
    """One of the front whose accuracy is known to within `off`."""
    figures = {"accuracy": accuracy, "accuracy_low": accuracy - off, "accuracy_high": accuracy + off}
    path = f"front/{number:05}"
    content = {"trial": number, "recipe": f"{path}/recipe.yaml", "file": None, "sha256": None, "fits": True}
    return {**content, "validation": {**figures, "model_bytes": 1000, "macs": 5000}, "test": {}}


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], None),
        ([(1, 0.85, 0.02)], "Trial 1 may be as good as trial 0"),
        ([(1, 0.85, 0.02), (2, 0.7, 0.02), (3, 0.88, 0.03)], "Trials 1, 3 may be as good as trial 0"),
        ([(1, 0.8, 0.02)], "The order is sure"),
    ],
)
def test_the_front_says_how_sure_its_order_is(others: list[tuple[int, float, float]], said: str | None) -> None:
    page = search_html(told(TRIALS, front=[member(0, 0.9, 0.04), *(member(*other) for other in others)]))
    assert "0.9 (0.86 to 0.94)" in page
    assert ("may be as good" in page or "The order is sure" in page) == (said is not None)
    assert said is None or said in page


@pytest.mark.parametrize("bytes_", [1000, 1024])
def test_a_cost_has_two_columns_where_the_proven_file_has_another_one(bytes_: int) -> None:
    one = member(0, 0.9, 0.04)
    one["test"] = {**one["validation"], "model_bytes": bytes_}
    page = search_html(told(TRIALS, front=[one]))
    columns = re.findall(r'<th scope="col">(.*?)</th>', page)
    assert {"accuracy, validation", "accuracy, test"} < set(columns)
    assert ("model_bytes" in columns) == (bytes_ == 1000) == ("model_bytes, test" not in columns)
