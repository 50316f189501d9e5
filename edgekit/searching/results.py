"""What a search found: the front, the best recipe, what mattered and what it cost, as `edgekit.search/1`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from edgekit.artifact import write_atomically
from edgekit.errors import UsageError
from edgekit.files import read_json
from edgekit.readable import Readable, Rows
from edgekit.searching.driver import Progress
from edgekit.searching.ledger import FINAL, OUTCOME, Ledger
from edgekit.searching.standing import inheritance, standing
from edgekit.searching.trial import Outcome, limits_of, over

__all__ = ["FILE", "Member", "SearchResult", "gather", "read_search", "write_search"]

SCHEMA = "edgekit.search/1"
FILE = "search.json"
BEST = "best/recipe.yaml"
LARGEST = 64 << 20
ENOUGH = 10
"""Trials, below which nothing is said of what mattered."""


@dataclass(frozen=True)
class Member:
    """One of the front.

    Attributes:
        trial: Its number.
        recipe: Of its own, relative to the search's folder; `edgekit compress` alone makes its file again.
        file: The `.tflite`, relative likewise; None until it was trained at full length.
        sha256: Of the file.
        validation: Figures by which it was chosen, on validation data.
        test: Figures of the file, on the test split, which nothing was chosen by; empty until then.
        fits: Whether the file keeps the budget.
    """

    trial: int
    recipe: str
    file: str | None
    sha256: str | None
    validation: Mapping[str, float]
    test: Mapping[str, float]
    fits: bool


@dataclass(frozen=True)
class SearchResult(Readable):
    """A search as it stands.

    Attributes:
        output: Its folder.
        state: "running", or "done".
        objectives: By name, "maximize" or "minimize".
        limits: Of the budget, by figure.
        sampler: Its name.
        genes: What varies, by path: kind, values, low, high, log, step.
        size: Sets of genes; None where a real number varies.
        drawn, screened: Candidates, and those of them whose costs do not fit.
        trials: Every trial that ran: number, genes, costs as they were estimated, and its outcome on each rung.
        front: Best for their costs; in the order of the first objective.
        best: The trial that is best by the first objective among those that fit; None where none does.
        importances: Share of the first objective's variance that a gene accounts for, by path; empty where too few
            trials ended.
        seconds, cpu_seconds: What the trials took.
        left: Seconds until it ends, as far as the pace tells.
        proxies: How well zero-cost proxies ranked the trials, as `standing` tells it; empty without any.
        inheritance: Which first rungs started from a parent's weights, and how those rank, as `standing.inheritance`
            tells it; empty where none did.
    """

    output: str
    state: str
    objectives: Mapping[str, str]
    limits: Mapping[str, float]
    sampler: str
    genes: Mapping[str, Mapping[str, Any]]
    size: int | None
    drawn: int
    screened: int
    trials: tuple[Mapping[str, Any], ...]
    front: tuple[Member, ...]
    best: int | None
    importances: Mapping[str, float]
    seconds: float
    cpu_seconds: float
    left: float | None = None
    proxies: Mapping[str, Any] = field(default_factory=dict)
    inheritance: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        told: dict[str, Any] = json.loads(json.dumps({"schema": SCHEMA, **asdict(self)}))  # tuples become lists
        return told

    @property
    def recipe(self) -> Path | None:
        """The best recipe's file; None where nothing fits."""
        return None if self.best is None else Path(self.output) / BEST

    @property
    def met(self) -> bool:
        """Whether a file keeps the budget."""
        return any(member.fits for member in self.front)

    def title(self) -> str:
        """What was searched."""
        return f"Search in {self.output}, {self.state}"

    def rows(self) -> Rows:
        """What it has so far."""
        failed = sum(trial["outcomes"]["0"]["status"] == "failed" for trial in self.trials if trial["outcomes"])
        fitting = f"{1 - self.screened / self.drawn:.0%}" if self.drawn else None
        rows: Rows = [
            ("trials", f"{len(self.trials)}, of which {failed} failed"),
            ("candidates that fit", f"{fitting} of {self.drawn:,}" if fitting else None),
            ("front", ", ".join(str(member.trial) for member in self.front) or "nothing yet"),
            ("best", None if self.best is None else f"trial {self.best}: {self.recipe}"),
            ("took", f"{self.seconds / 3600:.2f} hours of trials, {self.cpu_seconds:,.0f} CPU seconds"),
        ]
        if self.proxies:
            rows.append(("proxies", self.proxies["said"]))
        if self.inheritance:
            rows.append(("inherited weights", self.inheritance["said"]))
        if self.state == "done" and not self.met:
            rows.append(("nearest to the limits", self._nearest()))
        if self.state != "done":
            rows.append(("time left", None if self.left is None else f"about {self.left / 60:.0f} minutes"))
        return rows

    def _nearest(self) -> str | None:
        """The limit that binds, and the figure of the trial that came nearest to all limits."""
        found = []
        for trial in self.trials:
            figures = next(iter(trial["outcomes"].values()))["figures"] if trial["outcomes"] else {}
            known = [(figures[name] / limit, name) for name, limit in self.limits.items() if name in figures]
            found += [(*max(known), trial["number"], figures)] if known else []
        if not found:
            return None
        _, name, number, figures = min(found, key=lambda one: one[:3])
        return f"{name} is {figures[name]:,.6g} in trial {number}, at most {self.limits[name]:,.6g} is allowed"


def gather(ledger: Ledger, folder: Path, sampler: str, *, done: bool, progress: Progress | None = None) -> SearchResult:
    """What is known now."""
    outcomes = ledger.outcomes()
    numbers = sorted({number for number, _ in outcomes})
    members = tuple(_member(ledger, folder, number, outcomes) for number in ledger.front())
    members = tuple(sorted(members, key=lambda m: _worth(ledger, m.validation)))
    drawn, screened = ledger.drawn
    space = ledger.space
    return SearchResult(
        output=str(folder),
        state="done" if done else "running",
        objectives={objective.name: objective.direction for objective in ledger.objectives},
        limits=dict(limits_of(ledger.candidate(numbers[0]).recipe)) if numbers else {},
        sampler=sampler,
        genes={gene.path: {k: v for k, v in asdict(gene).items() if k != "path"} for gene in space.genes},
        size=space.size,
        drawn=drawn,
        screened=screened,
        trials=tuple(_trial(ledger, number, outcomes) for number in numbers),
        front=members,
        best=next((member.trial for member in members if member.fits), None),
        importances=_importances(ledger),
        seconds=sum(outcome.seconds for outcome in outcomes.values()),
        cpu_seconds=sum(outcome.cpu_seconds for outcome in outcomes.values()),
        left=None if progress is None else progress.left,
        proxies=standing(ledger),
        inheritance=inheritance(ledger),
    )


def write_search(result: SearchResult, ledger: Ledger, folder: Path) -> None:
    """Write `search.json` and the recipes of the front and of the best, each whole or not at all."""
    for member in result.front:
        _write_recipe(ledger, member.trial, folder / member.recipe)
    if result.best is not None:
        _write_recipe(ledger, result.best, folder / BEST)
    _write(folder / FILE, json.dumps(result.as_dict(), indent=1) + "\n")


def read_search(folder: Path) -> SearchResult:
    """Read what a search has written so far.

    Raises:
        UsageError: No search writes to that folder.
    """
    path = folder / FILE
    if not path.is_file():
        raise UsageError(
            "--status takes the folder of a search that has begun.",
            received=repr(str(folder)),
            remedy="Start it with: edgekit search SEARCH.yaml -o FOLDER",
        )
    told = read_json(path, most=LARGEST, what="What a search wrote")
    if not isinstance(told, dict) or told.pop("schema", None) != SCHEMA:
        raise UsageError(f"This EdgeKit reads searches of the form {SCHEMA}.", received=str(path))
    members = tuple(Member(**member) for member in told.pop("front"))
    return SearchResult(**{**told, "front": members, "trials": tuple(told["trials"])})


def _member(ledger: Ledger, folder: Path, number: int, outcomes: Mapping[tuple[int, int], Outcome]) -> Member:
    rung = max(r for n, r in outcomes if n == number and r != FINAL)
    chosen_by, proven = outcomes[number, rung], outcomes.get((number, FINAL))
    limits = limits_of(ledger.candidate(number).recipe)
    judged = chosen_by if proven is None else proven
    fits = judged.status == "done" and max(over(judged.figures, limits), default=0) <= 0
    home = f"front/{number:05d}"
    file = next(iter((folder / home / "models").glob("*.tflite")), None) if proven is not None else None
    return Member(
        number,
        f"{home}/recipe.yaml",
        None if file is None else str(file.relative_to(folder)),
        None if proven is None else proven.sha256,
        chosen_by.figures,
        {} if proven is None else proven.figures,
        fits,
    )


def _worth(ledger: Ledger, figures: Mapping[str, float]) -> float:
    first = ledger.objectives[0]
    return figures[first.name] * (-1 if first.direction == "maximize" else 1)


def _trial(ledger: Ledger, number: int, outcomes: Mapping[tuple[int, int], Outcome]) -> Mapping[str, Any]:
    told = {str(r): vars(outcome) for (n, r), outcome in sorted(outcomes.items()) if n == number}
    estimate = ledger.estimates().get(number, {})
    return {"number": number, "genes": dict(ledger.candidate(number).genes), "estimate": estimate, "outcomes": told}


def _importances(ledger: Ledger) -> dict[str, float]:
    """As Optuna tells them by PED-ANOVA (Watanabe 2023), of the trials that were trained; it needs no other package."""
    import optuna
    from optuna.trial import TrialState

    study = optuna.create_study(direction=ledger.objectives[0].direction)
    distributions = {gene.path: gene.distribution() for gene in ledger.space.genes}
    for trial in ledger.memory.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if OUTCOME in trial.user_attrs:
            study.add_trial(
                optuna.trial.create_trial(params=trial.params, distributions=distributions, value=trial.values[0])
            )
    if len(study.trials) < ENOUGH or len({trial.value for trial in study.trials}) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return {k: float(v) for k, v in optuna.importance.get_param_importances(study, evaluator=evaluator).items()}


def _write_recipe(ledger: Ledger, number: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, yaml.safe_dump(ledger.candidate(number).recipe.dump(), sort_keys=False))


def _write(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
