"""What a search would be, before it is begun: how large the space is, how much of it fits, and how long it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from edgekit import interrupt
from edgekit.errors import EdgekitError
from edgekit.measure.statistics import wilson
from edgekit.readable import Readable, Rows
from edgekit.recipe import Recipe
from edgekit.searching.genes import Gene, Genes, Value
from edgekit.searching.pace import Pace, measured_pace, timed_pace
from edgekit.searching.results import FILE, SearchResult, read_search
from edgekit.searching.run import prepared
from edgekit.searching.samplers._drawn import draw
from edgekit.searching.screening import Screen
from edgekit.searching.space import Space
from edgekit.searching.trial import Outcome, binding, limits_of, over

__all__ = ["SAMPLE", "Forecast", "forecast"]

SCHEMA = "edgekit.search_forecast/1"
SAMPLE = 500
"""Candidates that are drawn; a space that has no more is gone through whole."""


@dataclass(frozen=True)
class Forecast(Readable):
    """A search as it would be.

    Attributes:
        size: Sets of genes; None where a real number varies.
        genes: How many values vary.
        looked_at: Candidates that were drawn and screened.
        whole: Whether those are all that there are, so that the share is no estimate of a sample.
        refused: Of them, those that make no recipe or do not go with the data; they are never trained.
        unknown: Of them, those whose costs only building tells.
        fit: Of the others, those that the search would not throw away for their estimated costs.
        share, share_low, share_high: What part of the space that is, with a 95 % interval (Wilson); None where no
            candidate's costs are known.
        limits: Of the budget, by figure.
        not_screened: Limits whose figure no estimate tells.
        nearest: Where nothing fits: of the candidate that is nearest to all limits its `figure` that binds, the
            estimated `value`, the `limit` and its `genes`; None otherwise.
        trials: That the search would run, of which `promoted` go up each rung and `proven` are trained anew.
        promoted: How many trials train on each rung, from the first on.
        proven: Members of the front that are trained anew.
        workers: Trials at once.
        hours: What all of it takes, by the pace; None where there is none.
        most_hours: After which no more trial is started; None for no limit.
        pace: Where the hours come from: "measured" in trials that this search has run, or "estimated" from one
            candidate that was trained for a few epochs on part of the data; None where nothing is to be trained.
        pace_from: How many trainings the pace comes from.
    """

    size: int | None
    genes: int
    looked_at: int
    whole: bool
    refused: int
    unknown: int
    fit: int
    share: float | None
    share_low: float | None
    share_high: float | None
    limits: Mapping[str, float]
    not_screened: tuple[str, ...]
    nearest: Mapping[str, Any] | None
    trials: int
    promoted: tuple[int, ...]
    proven: int
    workers: int
    hours: float | None
    most_hours: float | None
    pace: str | None
    pace_from: int

    @property
    def met(self) -> bool:
        """Whether some candidate fits, or may."""
        return self.nearest is None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        told: dict[str, Any] = json.loads(json.dumps({"schema": SCHEMA, **asdict(self)}))  # tuples become lists
        return told

    def title(self) -> str:
        """What it is about."""
        return "This search would be"

    def rows(self) -> Rows:
        """For people."""
        size = "without end: a real number varies" if self.size is None else f"{self.size:,} candidates"
        genes = "1 gene" if self.genes == 1 else f"{self.genes} genes"
        rows: Rows = [("space", f"{size}; {genes}"), ("fits", self._fits())]
        if self.refused:
            rows.append(("refused", f"{self.refused:,} of {self.looked_at:,} make no recipe for these data"))
        if self.not_screened:
            rows.append(("not screened", f"{', '.join(self.not_screened)}: known when it is measured"))
        if self.nearest is not None:
            near = self.nearest
            rows.append(
                (
                    "nearest to the limits",
                    f"{near['figure']} is {near['value']:,.0f} by estimate, at most {near['limit']:,.6g} is allowed",
                )
            )
        trainings = " + ".join(f"{count:,}" for count in self.promoted)
        rows.append(("trainings", f"{trainings} trials by rung, then {self.proven} of the front at full length"))
        rows.append(("takes", self._takes()))
        return rows

    def _fits(self) -> str:
        known = self.looked_at - self.refused - self.unknown
        if self.share is None or self.share_low is None or self.share_high is None:
            return "not known before candidates are built and measured: no network of the space has a function describe"
        if self.whole:
            return f"{self.share:.1%}: {self.fit:,} of all {known:,}, by estimate"
        interval = f"{self.share_low:.1%} to {self.share_high:.1%}"
        return f"{self.share:.1%} ({interval}): {self.fit:,} of {known:,} drawn, by estimate"

    def _takes(self) -> str | None:
        if self.hours is None:
            return None
        past = "1 training" if self.pace_from == 1 else f"{self.pace_from:,} trainings"
        source = (
            f"as {past} of this search took"
            if self.pace == "measured"
            else "an estimate from one candidate, trained for a few epochs on part of the data"
        )
        limit = f"; no trial is started after {self.most_hours:g} hours" if self.most_hours is not None else ""
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        return f"about {self.hours:.2g} hours with {workers}, {source}{limit}"


@dataclass(frozen=True)
class _Screened:
    """One candidate that was looked at."""

    genes: Genes
    recipe: Recipe
    costs: Mapping[str, float]
    broken: float


def forecast(
    space: Space, folder: Path, *, trials: int | None = None, hours: float | None = None, workers: int = 1
) -> Forecast:
    """Tell what a search would be; nothing is written to its folder.

    TensorFlow is loaded, in a process of its own, only where no trial of this search has run whose time would tell how
    long the others take.

    Args:
        space: What may vary, in which recipe, and what is sought.
        folder: Of the search: what has run there tells the pace.
        trials, hours: In the place of what the space says.
        workers: Trials at once.

    Raises:
        EdgekitError: The space or the data break a rule.
    """
    start = prepared(space)
    past = _past(space, folder)
    screen = Screen.of(start.recipe, start.dataset.features("train").shape[1:], start.dataset.classes or 1)
    screen.learn(_measured(space, past))
    drawn = list(_candidates(space, start.recipe.seed))
    looked = [found for genes in drawn if (found := _looked_at(space, screen, genes)) is not None]
    known = [one for one in looked if one.costs]
    fit = [one for one in known if one.broken <= 0]
    limits, whole = limits_of(start.recipe), _is_whole(space)
    share, share_low, share_high = _share(len(fit), len(known), whole)
    nothing = bool(known) and not fit and len(known) == len(looked)
    count = trials or space.settings.trials
    promoted, proven = _trainings(space, count)
    pace = None if nothing else _pace(space, past, fit or looked, len(start.dataset.raw("train")))
    return Forecast(
        size=space.size,
        genes=len(space.genes),
        looked_at=len(drawn),
        whole=whole,
        refused=len(drawn) - len(looked),
        unknown=len(looked) - len(known),
        fit=len(fit),
        share=share,
        share_low=share_low,
        share_high=share_high,
        limits=dict(limits),
        not_screened=_unseen(limits, known),
        nearest=_nearest(known, limits) if nothing else None,
        trials=count,
        promoted=promoted,
        proven=proven,
        workers=workers,
        hours=None if pace is None else _hours(space, pace, promoted, proven, workers),
        most_hours=hours or space.settings.hours,
        pace=None if pace is None else pace.source,
        pace_from=0 if pace is None else pace.trainings,
    )


def _share(fit: int, known: int, whole: bool) -> tuple[float | None, float | None, float | None]:
    """What part fits, with its interval; none of it where nothing is known, and no doubt where all was looked at."""
    if not known:
        return None, None, None
    share, low, high = wilson(fit, known)
    return (share, share, share) if whole else (share, low, high)


def _unseen(limits: Mapping[str, float], known: Sequence[_Screened]) -> tuple[str, ...]:
    """The limits of figures that no candidate's estimate has."""
    return tuple(name for name in limits if known and all(name not in one.costs for one in known))


def _past(space: Space, folder: Path) -> SearchResult | None:
    """What the same search has written to its folder; None where nothing, or another one."""
    if not (folder / FILE).is_file():
        return None
    found = read_search(folder)
    genes = {gene.path: {k: v for k, v in asdict(gene).items() if k != "path"} for gene in space.genes}
    same = json.dumps(genes) == json.dumps(found.genes) and list(found.objectives) == list(space.settings.objectives)
    return found if same else None


def _measured(space: Space, past: SearchResult | None) -> Iterator[tuple[Recipe, Outcome]]:
    for trial in () if past is None else past.trials:
        outcome = trial["outcomes"].get("0")
        if outcome is not None and outcome["costs"]:
            yield space.recipe(trial["genes"]), Outcome(**outcome)


def _is_whole(space: Space) -> bool:
    return space.size is not None and space.size <= SAMPLE


def _candidates(space: Space, seed: int) -> Iterator[Genes]:
    """All of a small space; else some, each as likely as another, the same for the same seed."""
    if _is_whole(space):
        for values in product(*(_values(gene) for gene in space.genes)):
            yield {gene.path: value for gene, value in zip(space.genes, values, strict=True)}
        return
    random = np.random.default_rng(seed)
    for _ in range(SAMPLE):
        yield {gene.path: draw(gene, random) for gene in space.genes}


def _values(gene: Gene) -> tuple[Value, ...]:
    """Of a gene that has an end of them."""
    if gene.kind == "choice":
        return gene.values
    numbers = [gene.low + place * (gene.step or 1) for place in range(gene.size or 1)]
    return tuple(int(number) if gene.kind == "int" else float(number) for number in numbers)


def _looked_at(space: Space, screen: Screen, genes: Genes) -> _Screened | None:
    """A candidate with what it costs by estimate; None where it makes no recipe or does not go with the data."""
    interrupt.check()
    try:
        recipe = space.recipe(genes)
        costs, margins = screen(recipe)
    except EdgekitError:
        return None
    limits = {name: limit * (1 + margins.get(name, 0)) for name, limit in limits_of(recipe).items()}
    return _Screened(genes, recipe, costs, max(over(costs, limits), default=0.0))


def _nearest(known: list[_Screened], limits: Mapping[str, float]) -> Mapping[str, Any]:
    near = min(known, key=lambda one: one.broken)
    name = binding(near.costs, limits)
    assert name is not None, "it does not fit"
    return {"figure": name, "value": near.costs[name], "limit": limits[name], "genes": dict(near.genes)}


def _trainings(space: Space, trials: int) -> tuple[tuple[int, ...], int]:
    """How many trials train on each rung, and how many are trained anew in the end."""
    ladder = space.settings.fidelity.ladder
    counts = [trials]
    for _ in ladder.rungs[1:] if ladder is not None else ():
        counts.append(int(counts[-1] * ladder.keep + 1e-9) if ladder is not None else 0)
    top = next(count for count in reversed(counts) if count)
    return tuple(counts), min(space.settings.front, top)


def _pace(space: Space, past: SearchResult | None, candidates: list[_Screened], samples: int) -> Pace | None:
    """By what has run, else by the candidate whose MACs are in the middle; None where there is none."""
    if not candidates:
        return None
    epochs = round(mean(1 if one.recipe.train is None else one.recipe.train.epochs for one in candidates))
    found = None if past is None else measured_pace(space, past, epochs)
    if found is not None:
        return found
    ranked = sorted(candidates, key=lambda one: one.costs.get("macs", 0))
    return timed_pace(ranked[len(ranked) // 2].recipe, samples, epochs)


def _hours(space: Space, pace: Pace, promoted: tuple[int, ...], proven: int, workers: int) -> float:
    ladder = space.settings.fidelity.ladder
    full = pace.full
    each = [full] * len(promoted) if ladder is None else [pace.seconds(rung) for rung in ladder.rungs]
    seconds = sum(count * took for count, took in zip(promoted, each, strict=True)) + proven * full
    return seconds / workers / 3600
