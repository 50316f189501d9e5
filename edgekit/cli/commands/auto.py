"""edgekit auto: passes found for a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli import options, output
from edgekit.cli.summary import BUDGET_MISSED

if TYPE_CHECKING:
    from edgekit.searching.auto import Attempt

SUMMARY = "Find passes for a trained model: the smallest file whose accuracy holds."


@click.command()
@click.argument("model")
@options.data
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), help="Default: runs/MODEL_auto.")
@click.option("--target", default="generic", show_default=True, help="A device, or a .yaml that describes one.")
@click.option(
    "--drop",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Largest loss of accuracy, as a fraction: 0.01 is one point.",
)
@click.option("--hours", type=click.FloatRange(0, min_open=True), help="Time after which nothing more is tried.")
@click.option(
    "--budget",
    "limits",
    multiple=True,
    metavar="FIGURE=LIMIT",
    help="Limit, such as model_bytes=20000, where it ends once all are met; repeat for several.",
)
@click.option(
    "--measure",
    multiple=True,
    metavar="RUNTIME",
    help="Runtime that measures what is limited, after litert; repeat for several.",
)
@options.task
@options.seed("the split and of training")
@options.unsafe
@options.overwrite
@options.memory_limit
@options.time_limit
@options.quiet
@options.json
@options.debug
def command(
    model: str,
    data: str,
    folder: Path | None,
    target: str,
    drop: float,
    hours: float | None,
    limits: tuple[str, ...],
    measure: tuple[str, ...],
    task: str | None,
    seed: int,
    unsafe: bool,
    overwrite: bool,
    memory_limit: int | None,
    time_limit: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Try recipes for MODEL from mild to strong, on validation data, and make the file of the best one.

    It ends when the budget is met, when nothing stronger keeps the accuracy, or when the time is over. The folder's
    recipe.yaml makes the file again.

    \b
    edgekit auto resnet8.h5 --data cifar10.npz -o runs/small --hours 2
    edgekit auto kws.keras --data speech.npz --drop 0.02 --budget model_bytes=30000

    Exit code 3 means: done, but no recipe keeps the drop and the budget.
    """
    import edgekit

    def watch(attempt: Attempt) -> None:
        if not quiet:
            output.log(_line(attempt))

    result = edgekit.auto(
        model,
        data,
        folder or Path("runs") / f"{Path(model).stem}_auto",
        target=target,
        drop=drop,
        hours=hours,
        budget=dict(map(options.limit, limits)),
        measure=("litert", *(name for name in measure if name != "litert")),
        task=task,  # type: ignore[arg-type]
        seed=seed,
        unsafe=unsafe,
        overwrite=overwrite,
        memory_limit=memory_limit,
        time_limit=time_limit,
        watch=watch,
    )
    if as_json:
        output.print_json(result.as_dict())
    else:
        rows = [[str(n), a.name, *_figures(a), a.reason] for n, a in enumerate(result.attempts)]
        output.table("Tried on validation data", ["", "recipe", "drop", "bytes", "MACs", ""], rows)
        output.table(result.title(), ["", ""], result.rows(), figures=False)
    if not result.manifest.budget["met"]:
        raise click.exceptions.Exit(BUDGET_MISSED)


def _figures(attempt: Attempt) -> list[str | None]:
    return [
        None if attempt.drop is None else f"{attempt.drop:.4f}",
        None if attempt.model_bytes is None else f"{attempt.model_bytes:,}",
        None if attempt.file_macs is None else f"{attempt.file_macs:,}",
    ]


def _line(attempt: Attempt) -> str:
    if attempt.reason:
        return f"{attempt.name}: {attempt.reason}"
    said = "holds" if attempt.holds else "is too much"
    return f"{attempt.name}: a drop of {attempt.drop:.4f} on validation data {said}, {attempt.model_bytes:,} bytes"
