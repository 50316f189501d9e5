"""edgekit search: which network and which recipe for a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli import options, output
from edgekit.cli.summary import BUDGET_MISSED

if TYPE_CHECKING:
    from edgekit.searching.driver import Progress
    from edgekit.searching.forecast import Forecast
    from edgekit.searching.results import SearchResult

SUMMARY = "Search networks and recipes for a budget; train what fits, prove the best."


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), help="Default: runs/FILE_NAME.")
@click.option("--trials", type=click.IntRange(1), help="Candidates that are trained; by default what the file says.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="Time after which no more trial is started.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Trials that run at once.")
@click.option("--executor", default="local", show_default=True, help="Where trials run: local, or ray for a cluster.")
@click.option("--address", metavar="HOST:PORT", help="Of the cluster; by default the one that runs on this machine.")
@click.option(
    "--storage",
    metavar="URL",
    help="Where the study is kept, such as postgresql://USER@HOST/DB; by default a file in the folder.",
)
@click.option("--resume", is_flag=True, help="Go on with the search that the folder or the storage holds.")
@click.option("--dry-run", is_flag=True, help="Say how much of the space fits and how long it takes; write nothing.")
@click.option("--status", "status", type=click.Path(path_type=Path), metavar="DIR", help="Say where a search stands.")
@options.memory_limit_of("one trial, whose process is ended above it; by default no limit")
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Longest time of one trial; by default no limit.",
)
@options.quiet
@options.json
@options.debug
def command(
    file: Path | None,
    folder: Path | None,
    trials: int | None,
    hours: float | None,
    workers: int,
    executor: str,
    address: str | None,
    storage: str | None,
    resume: bool,
    dry_run: bool,
    status: Path | None,
    memory_limit: int | None,
    time_limit: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Search networks and recipes for the budget of FILE, a recipe with a table `search`.

    \b
    edgekit search search.yaml --dry-run
    edgekit search search.yaml -o runs/night --hours 8 --workers 2
    edgekit search search.yaml -o runs/night --resume
    edgekit search --status runs/night

    The front's files, the best recipe and search.json are in the folder. Exit code 3 means: done, but nothing that was
    trained keeps the budget; of --dry-run, that no candidate fits.
    """
    if status is not None and dry_run:
        raise click.UsageError("--status tells of a search that has begun, --dry-run of one that has not: give one.")
    if status is not None:
        from edgekit.searching.results import read_search

        _show(read_search(status), as_json)
        return
    if file is None:
        raise click.UsageError("Name a search's file, or give --status DIR.")
    import edgekit

    folder = folder or Path("runs") / file.stem
    if dry_run:
        told = edgekit.search(file, folder, trials=trials, hours=hours, workers=workers, dry_run=True)
        _show_forecast(told, as_json)
        return
    with output.progress("trials", quiet=quiet) as draw:

        def watch(progress: Progress, result: SearchResult) -> None:
            draw(progress.trained, progress.trials)
            if not quiet:
                output.log(_line(progress, result))

        result = edgekit.search(
            file,
            folder,
            trials=trials,
            hours=hours,
            workers=workers,
            executor=executor,
            address=address,
            storage=storage,
            memory_limit=memory_limit,
            time_limit=time_limit,
            resume=resume,
            watch=watch,
        )
    _show(result, as_json)
    if not result.met:
        raise click.exceptions.Exit(BUDGET_MISSED)


def _show_forecast(told: Forecast, as_json: bool) -> None:
    if as_json:
        output.print_json(told.as_dict())
    else:
        output.table(told.title(), ["", ""], told.rows(), figures=False)
    if not told.met:
        raise click.exceptions.Exit(BUDGET_MISSED)


def _line(progress: Progress, result: SearchResult) -> str:
    fitting = f", {1 - progress.screened / progress.drawn:.0%} fit" if progress.drawn else ""
    left = "" if progress.left is None else f", about {progress.left / 60:.0f} min left"
    return (
        f"{progress.trained} of {progress.trials} trials; {progress.drawn} candidates drawn{fitting}; front: "
        f"{len(result.front)}{left}"
    )


def _show(result: SearchResult, as_json: bool) -> None:
    if as_json:
        output.print_json(result.as_dict())
        return
    output.table(result.title(), ["", ""], result.rows(), figures=False)
    names = list(result.objectives)
    rows = [[str(m.trial), *_figures(m.validation, names), *_figures(m.test, names), m.file] for m in result.front]
    columns = ["trial", *(f"{name}, validation" for name in names), *(f"{name}, test" for name in names), "file"]
    output.table("Front", columns, rows)


def _figures(figures: object, names: list[str]) -> list[str | None]:
    assert isinstance(figures, dict)
    return [None if name not in figures else f"{figures[name]:,.4g}" for name in names]
