"""A whole search: opens its study, drives it, and proves its front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import edgekit
from edgekit.data import Dataset
from edgekit.errors import RecipeError, did_you_mean
from edgekit.figures import FIGURES, givers
from edgekit.pipeline.start import NOTHING, with_data
from edgekit.recipe import Recipe
from edgekit.registry import entry
from edgekit.searching.drawing import Drawing
from edgekit.searching.driver import Plan, Progress, drive, prove
from edgekit.searching.executors import Executor, Options, open_executor
from edgekit.searching.genes import Genes
from edgekit.searching.ledger import Ledger
from edgekit.searching.pareto import Objective
from edgekit.searching.proxies import check_proxies
from edgekit.searching.results import SearchResult, gather, write_search
from edgekit.searching.samplers import open_sampler
from edgekit.searching.screening import Screen
from edgekit.searching.shares import starting_points
from edgekit.searching.space import Space
from edgekit.searching.study import Identity, driven

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["Prepared", "Running", "prepared", "search"]

FORM = 1
"""Version of the table `search` in a search's file."""
STUDY, NAME = "study.db", "search"

OF_THE_FILE = ("accuracy", "model_bytes", "gzip_bytes", "macs", "latency_ms")
"""Objectives that no runtime needs to count."""


@dataclass(frozen=True)
class Running:
    """How a search is run; none of it decides what it finds with one worker.

    Attributes:
        workers: Trials at once.
        executor: Where they run.
        storage: URL of the study; None for SQLite in the search's folder.
        memory_limit: Bytes of resident memory of one trial.
        time_limit: Seconds of one trial.
        resume: A study that is there is gone on with.
        address: Of the cluster, where the executor has one.
    """

    workers: int = 1
    executor: str = "local"
    storage: str | None = None
    memory_limit: int | None = None
    time_limit: float | None = None
    resume: bool = False
    address: str | None = None


def search(
    space: Space,
    folder: Path,
    *,
    trials: int | None = None,
    hours: float | None = None,
    running: Running = Running(),
    watch: Callable[[Progress, SearchResult], None] = lambda progress, result: None,
) -> SearchResult:
    """Search a space; a killed search goes on where it stood, with `resume`.

    Args:
        space: What may vary, in which recipe, and what is sought.
        folder: For the study, trials, front and `search.json`.
        trials, hours: In the place of what the space says.
        running: Where and how trials run.
        watch: Is told whenever a trial has ended.

    Raises:
        BudgetMissed: No candidate fits the budget.
        EdgekitError: The space, the data or the storage break a rule.
    """
    start = prepared(space)
    objectives, dataset, name = start.objectives, start.dataset, start.sampler_name
    identity = Identity(space.identity, str(FORM), edgekit.__version__)
    storage = running.storage or folder / STUDY
    study_name = NAME if running.storage is None else f"{NAME} {space.identity[:12]}"
    with _executor(folder, running) as executor:
        first = starting_points(space.shares, space.usual, start.recipe, dataset, folder)
        sampler = _sampler(space, objectives, start.recipe.seed, first) if first else start.sampler
        with driven(storage, study_name, objectives, identity, sampler, resume=running.resume) as (opened, lease):
            ledger = Ledger(opened.study, space, objectives, opened.url)
            screen = Screen.of(start.recipe, dataset.features("train").shape[1:], dataset.classes or 1)
            plan = Plan(folder, trials or space.settings.trials, hours or space.settings.hours)
            return _run(plan, Drawing(ledger, screen), executor, name, lease.check, watch)


def _run(
    plan: Plan,
    drawing: Drawing,
    executor: Executor,
    sampler: str,
    check: Callable[[], None],
    watch: Callable[[Progress, SearchResult], None],
) -> SearchResult:
    """Drive a search and prove its front; `check` makes sure that the study is still this process's."""
    ledger, folder = drawing.ledger, plan.folder

    def tell(progress: Progress) -> None:
        check()
        result = gather(ledger, folder, sampler, done=False, progress=progress)
        write_search(result, ledger, folder)
        watch(progress, result)

    drive(plan, drawing, executor, tell)
    prove(plan, ledger, ledger.front(), executor, tell)
    result = gather(ledger, folder, sampler, done=True)
    write_search(result, ledger, folder)
    return result


@dataclass(frozen=True)
class Prepared:
    """What a search starts from, checked before anything is written.

    Attributes:
        recipe: Of the first candidate of the space.
        dataset: That all candidates are trained on.
        objectives: What is sought.
        sampler_name, sampler: What draws the candidates.
    """

    recipe: Recipe
    dataset: Dataset
    objectives: tuple[Objective, ...]
    sampler_name: str
    sampler: BaseSampler


def prepared(space: Space) -> Prepared:
    """Read the data and make the sampler.

    Raises:
        EdgekitError: The data, an objective or the sampler break a rule.
    """
    name, _ = entry(space.settings.sampler, example="sampler: {evolution: {population: 32}}")
    known, dataset = with_data(space.recipe(space.usual), NOTHING)
    objectives = _objectives(space, known)
    check_proxies(space.settings.proxies)
    sampler = _sampler(space, objectives, known.seed)
    return Prepared(known, dataset, tuple(objectives), name, sampler)


def _sampler(space: Space, objectives: Sequence[Objective], seed: int, first: Sequence[Genes] = ()) -> BaseSampler:
    name, settings = entry(space.settings.sampler)
    return open_sampler(name, space.genes, objectives, seed, settings, first)


@contextmanager
def _executor(folder: Path, running: Running) -> Iterator[Executor]:
    options = Options(running.workers, folder / "logs", running.memory_limit, running.time_limit, running.address)
    executor = open_executor(running.executor, options)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield executor
    finally:
        executor.close()


def _objectives(space: Space, recipe: Recipe) -> list[Objective]:
    """What is sought, with its direction.

    Raises:
        RecipeError: It is nothing that is measured.
    """
    found = []
    for name in space.settings.objectives:
        measured = {base for runtime in recipe.measure for base in [runtime.partition(":")[0]]}
        needed = [figure.runtime for figure in givers(name)]
        if name not in OF_THE_FILE and not needed:
            raise RecipeError(
                "An objective is a figure that is measured.",
                received=repr(name),
                remedy=did_you_mean(name, [*OF_THE_FILE, *FIGURES]),
            )
        if needed and not measured & set(needed):
            raise RecipeError(
                f"The objective {name} needs the runtime that measures it.",
                received=f"measure: [{', '.join(recipe.measure)}]",
                remedy=f"Add {' or '.join(needed)} to measure.",
            )
        up = name == "accuracy" and recipe.objective.metric == "top1"
        found.append(Objective(name, "maximize" if up else "minimize"))
    return found
