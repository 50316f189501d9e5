"""`edgekit.search` and `edgekit.auto`: which network and which recipe for a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from edgekit.api.traces import leaves_no_trace

if TYPE_CHECKING:
    from edgekit.data.targets import Task
    from edgekit.searching.auto import Attempt, AutoResult
    from edgekit.searching.driver import Progress
    from edgekit.searching.forecast import Forecast
    from edgekit.searching.results import SearchResult

__all__ = ["auto", "search"]


@overload
def search(
    what: str | Path | Mapping[str, Any],
    output: str | Path,
    *,
    trials: int | None = None,
    hours: float | None = None,
    workers: int = 1,
    executor: str = "local",
    address: str | None = None,
    storage: str | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    resume: bool = False,
    dry_run: Literal[False] = False,
    watch: Callable[[Progress, SearchResult], None] | None = None,
) -> SearchResult: ...
@overload
def search(
    what: str | Path | Mapping[str, Any],
    output: str | Path,
    *,
    trials: int | None = None,
    hours: float | None = None,
    workers: int = 1,
    executor: str = "local",
    address: str | None = None,
    storage: str | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    resume: bool = False,
    dry_run: Literal[True],
    watch: Callable[[Progress, SearchResult], None] | None = None,
) -> Forecast: ...
@leaves_no_trace
def search(
    what: str | Path | Mapping[str, Any],
    output: str | Path,
    *,
    trials: int | None = None,
    hours: float | None = None,
    workers: int = 1,
    executor: str = "local",
    address: str | None = None,
    storage: str | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    resume: bool = False,
    dry_run: bool = False,
    watch: Callable[[Progress, SearchResult], None] | None = None,
) -> SearchResult | Forecast:
    """Search networks and recipes for a budget: draws candidates, trains what fits, proves the best of them.

    Args:
        what: A search: a YAML file, or its keys as a dict: a recipe with a table `search`.
        output: Folder for the study, trials, `front/`, `best/recipe.yaml` and `search.json`.
        trials: Candidates that are trained, in place of what the table says.
        hours: After which no more trial is started.
        workers: Trials that run at once, each in a process of its own.
        executor: Where they run: "local", or "ray" for a cluster.
        address: HOST:PORT of the cluster; default the one that runs on this machine.
        storage: URL of the study, such as postgresql://USER@HOST/DATABASE; default an SQLite file in `output`.
        memory_limit: Bytes of resident memory that one trial may take.
        time_limit: Seconds that one trial may take.
        resume: Go on with the search that `output` or `storage` holds.
        dry_run: Only tell what the search would be: how large the space is, which share of it fits, and how long it
            takes. Nothing is written to `output`; what has run there tells the pace.
        watch: Is told (progress, result so far) whenever a trial has ended.

    Raises:
        BudgetMissed: No candidate fits the budget; the nearest figure is told, and the limit that binds.
        EdgekitError: The search, the data or the storage break a rule.

    Example:
        print(edgekit.search("search.yaml", "runs/search", dry_run=True).summary())
        result = edgekit.search("search.yaml", "runs/search", trials=60)
        print(result.summary(), result.recipe)
    """
    from edgekit.report.search_page import write_search_page
    from edgekit.searching.run import Running
    from edgekit.searching.run import search as run
    from edgekit.searching.space import load_space, parse_space

    space = parse_space(what) if isinstance(what, Mapping) else load_space(Path(what))
    if dry_run:
        from edgekit.searching.forecast import forecast

        return forecast(space, Path(output), trials=trials, hours=hours, workers=workers)
    running = Running(workers, executor, storage, memory_limit, time_limit, resume, address)
    result = run(
        space,
        Path(output),
        trials=trials,
        hours=hours,
        running=running,
        **({} if watch is None else {"watch": watch}),
    )
    write_search_page(result.as_dict(), Path(output))
    return result


@leaves_no_trace
def auto(
    model: str | Path,
    data: str,
    output: str | Path,
    *,
    target: str | Path = "generic",
    drop: float = 0.01,
    hours: float | None = None,
    budget: Mapping[str, float] | None = None,
    measure: Sequence[str] = ("litert",),
    task: Task | None = None,
    seed: int = 0,
    unsafe: bool = False,
    overwrite: bool = False,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    watch: Callable[[Attempt], None] | None = None,
) -> AutoResult:
    """Find passes for a trained model: recipes from mild to strong, each tried on validation data.

    Args:
        model: A trained .keras, .h5 or SavedModel.
        data: A source of labelled samples, as a recipe's `data` names it.
        output: Folder for the file, its `recipe.yaml` and what was tried.
        target: The device that the result is for.
        drop: Largest loss of accuracy, as a fraction.
        hours: For all of it: nothing more is tried that would leave no time to make the file.
        budget: Limits by the names of figures, such as {"model_bytes": 20_000}; it ends where they are met. Without
            any, the smallest file is sought whose drop is allowed.
        measure: Runtimes; the first one gives the accuracy, the others what the budget limits.
        task: classification, regression or reconstruction; by default what the model or the labels say.
        seed: Seed of the split and of training.
        unsafe: Let Keras itself open the model, with whatever code it holds.
        overwrite: Replace files in `output` that EdgeKit did not write, or that were changed since.
        memory_limit: Bytes of resident memory that reading the model may take.
        time_limit: Seconds that reading it may take.
        watch: Is told of each attempt.

    Raises:
        EdgekitError: The model or the data break a rule, or no int8 file can be made of it.

    Example:
        result = edgekit.auto("resnet8.h5", "cifar10.npz", "runs/small", drop=0.01, hours=2)
        print(result.summary())
    """
    from edgekit.keras import Loading
    from edgekit.recipe import parse_recipe
    from edgekit.report import write_report
    from edgekit.searching.auto import automatic

    recipe = parse_recipe(
        {
            "model": str(model),
            "data": data,
            "target": str(target),
            "measure": list(measure),
            "budget": {"accuracy_drop": drop, **(budget or {})},
            "seed": seed,
            **({} if task is None else {"objective": {"task": task}}),
        }
    )
    result = automatic(
        recipe,
        Path(output),
        hours=hours,
        loading=Loading(unsafe, {}, memory_limit, time_limit),
        overwrite=overwrite,
        watch=watch or (lambda attempt: None),
    )
    write_report(result.manifest, Path(output), overwrite=overwrite)
    return result
