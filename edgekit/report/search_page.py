"""A search as one HTML page, drawn from its JSON alone (`edgekit.search/1`)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Any

from edgekit.ownership import writing
from edgekit.report._bars import Bar, Panel
from edgekit.report._trials import TRIALS, Trial, cloud, parallel
from edgekit.report.drawing import COLOURS, PAGE, STYLE, bars, curves

__all__ = ["search_html", "write_search_page"]

FILE = "search.html"
_MOST_CURVES = 60
"""Trials whose training is drawn."""
_DONE = "done"


def write_search_page(told: Mapping[str, Any], folder: Path) -> Path:
    """Write `search.html` into a search's folder, in place of an older one.

    Args:
        told: What `SearchResult.as_dict` gives.
        folder: Where to write.

    Raises:
        EdgekitError: There is a page that EdgeKit did not write.
    """
    path = folder / FILE
    with writing(path) as temporary:
        temporary.write_text(search_html(told), encoding="utf-8")
    return path


def search_html(told: Mapping[str, Any]) -> str:
    """The page, with its drawings inside; it fetches nothing and runs nothing."""
    import jinja2

    template = (resources.files("edgekit") / "report" / FILE).read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    trials, objectives = _trials(told), list(told["objectives"])
    names = [*told["genes"], *objectives]
    importances = [Bar(path, float(share)) for path, share in told["importances"].items()]
    return environment.from_string(template).render(
        style=COLOURS + STYLE + PAGE + TRIALS,
        told=told,
        best=next((m for m in told["front"] if m["trial"] == told["best"]), None),
        rows=_rows(told),
        clouds=[drawn for y, x in combinations(objectives, 2) if (drawn := cloud(trials, x, y))],
        parallel=parallel(trials, names) if len(names) > 1 and trials else "",
        importances=bars([Panel(f"share of what {objectives[0]} varies by", tuple(importances))], title="What mattered")
        if importances
        else "",
        proxies=told.get("proxies"),
        trainings=_trainings(told),
        front=_front(told, objectives),
        order=_order(told, objectives[0]),
        estimates=_estimates(told),
        failures=[(t["number"], o["reason"]) for t, o in _outcomes(told) if o["status"] == "failed"],
    )


def _outcomes(told: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each trial with the outcome of the highest rung that it has been on, but for the last training."""
    for trial in told["trials"]:
        rungs = [int(rung) for rung in trial["outcomes"] if int(rung) >= 0]
        if rungs:
            yield trial, trial["outcomes"][str(max(rungs))]


def _trials(told: Mapping[str, Any]) -> list[Trial]:
    front = {member["trial"] for member in told["front"]}
    found = []
    for trial, outcome in _outcomes(told):
        if outcome["status"] == _DONE:
            values = {**trial["genes"], **outcome["figures"]}
            genes = ", ".join(f"{path} {value}" for path, value in trial["genes"].items())
            figures = ", ".join(f"{n} {outcome['figures'][n]:,.6g}" for n in told["objectives"] if n in values)
            found.append(Trial(f"trial {trial['number']}: {figures}; {genes}", values, trial["number"] in front))
    return found


def _rows(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    outcomes = [outcome for _, outcome in _outcomes(told)]
    counted = {status: sum(o["status"] == status for o in outcomes) for status in (_DONE, "unfit", "failed")}
    size = "without end: a real number varies" if told["size"] is None else f"{told['size']:,} sets of genes"
    rows = [
        ("space", size),
        ("sampler", told["sampler"]),
        ("limits", ", ".join(f"{name} at most {limit:,}" for name, limit in told["limits"].items()) or "none"),
        ("trials", f"{counted[_DONE]} done, {counted['unfit']} too large when measured, {counted['failed']} failed"),
    ]
    if told["drawn"]:
        kept = told["drawn"] - told["screened"]
        rows.append(("candidates drawn", f"{told['drawn']:,}, of which {kept:,} fit by the estimate of their costs"))
    rows.append(("took", f"{told['seconds'] / 3600:.2f} hours of trials, {told['cpu_seconds']:,.0f} CPU seconds"))
    return rows


def _front(told: Mapping[str, Any], objectives: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the table; a cost that is the same on both splits has one column."""
    members = told["front"]
    columns = [(name, kind) for kind in ("validation", "test") for name in objectives]
    same = {n for n in objectives if all(m["test"].get(n) == m["validation"].get(n) for m in members if m["test"])}
    same.discard("accuracy")
    columns = [(name, kind) for name, kind in columns if kind == "validation" or name not in same]
    titles = [name if name in same else f"{name}, {kind}" for name, kind in columns]
    rows = [
        [str(m["trial"]), *(_cell(m[kind], n) for n, kind in columns), m["file"] or "not trained at full length yet"]
        for m in members
    ]
    return ["trial", *titles, "file"], rows


def _cell(figures: Mapping[str, float | None], name: str) -> str:
    """A figure, with its 95 % interval where it has one."""
    value, ends = figures.get(name), [figures.get(f"{name}_{end}") for end in ("low", "high")]
    if value is None:
        return "–"
    return f"{value:,.5g}" + ("" if None in ends else f" ({ends[0]:.3g} to {ends[1]:.3g})")


def _order(told: Mapping[str, Any], objective: str) -> str:
    """How sure it is that the best is the best, by the intervals of the first objective."""
    known = [m for m in told["front"] if f"{objective}_low" in m["validation"]]
    best = next((m for m in known if m["trial"] == told["best"]), None)
    if best is None or len(known) < 2:
        return ""
    low, high = (best["validation"][f"{objective}_{end}"] for end in ("low", "high"))
    alike = [
        str(m["trial"])
        for m in known
        if m is not best and m["validation"][f"{objective}_high"] >= low and m["validation"][f"{objective}_low"] <= high
    ]
    if not alike:
        return f"The order is sure: the best one's 95 % interval of {objective} overlaps with no other one's."
    trials = f"Trial{'s' if len(alike) > 1 else ''} {', '.join(alike)}"
    return f"{trials} may be as good as trial {best['trial']}: 95 % intervals of {objective} overlap with its own."


def _estimates(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """By figure, how far estimates were from what was measured of candidates that they were not fitted on."""
    errors: dict[str, list[float]] = {}
    for trial, outcome in _outcomes(told):
        for name, value in trial.get("estimate", {}).items():
            measured = outcome["costs"].get(name)
            if measured:
                errors.setdefault(name, []).append(abs(value / measured - 1))
    return [
        (name, f"{statistics.median(found):.1%} off in the middle, {max(found):.1%} at most, of {len(found)}")
        for name, found in errors.items()
    ]


def _trainings(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Validation by epoch: of the front's trials, or of the first ones where there are few."""
    front = {member["trial"] for member in told["front"]}
    shown = [(t, o) for t, o in _outcomes(told) if len(o["curve"]) > 1]
    shown = [(t, o) for t, o in shown if t["number"] in front] or shown[:_MOST_CURVES]
    found = []
    for trial, outcome in shown:
        found += curves({f"trial {trial['number']}": {"val_metric": outcome["curve"]}})
    return found
