"""edgekit android: models inside Android apps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli import options, output
from edgekit.cli.summary import BUDGET_MISSED

if TYPE_CHECKING:
    from edgekit_converters.android.verify import Verification

SUMMARY = "Lock the models that an Android app ships, and check built packages."


@click.group()
def command() -> None:
    """Lock the models that an Android app ships, and check the APK, AAB or AAR that the build made.

    \b
    edgekit android lock app/src/main/assets -o app/edgekit.lock --run runs/digits
    edgekit android verify app-release.apk --lock app/edgekit.lock --json
    """


@command.command("lock")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER_OR_MODEL...")
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), default="edgekit.lock", show_default=True)
@click.option("--run", type=click.Path(path_type=Path), help="Folder of edgekit compress that made the models.")
@click.option("--recipe", type=click.Path(path_type=Path), help="The run's recipe, whose digest is recorded.")
@click.option("--budget", "limits", multiple=True, metavar="FIGURE=LIMIT", help="Such as model_bytes=100000.")
@click.option("--overwrite", is_flag=True, help="Replace a file of that name that is no lock.")
@options.json
@options.debug
def lock(
    sources: tuple[Path, ...],
    path: Path,
    run: Path | None,
    recipe: Path | None,
    limits: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write or renew edgekit.lock from an app's assets folder, or from model files.

    It names each model with its sha256 and size, and with the budget and accuracy of the run that made it. A run is
    found by itself where the model lies in its folder.

    \b
    edgekit android lock app/src/main/assets -o app/edgekit.lock
    edgekit android lock app/src/main/assets --run runs/digits --recipe digits.yaml
    edgekit android lock digits.tflite --budget model_bytes=100000 --json

    Exit code 3 means: written, but a model misses its budget.
    """
    import edgekit

    budget = dict(map(_limit, limits)) if limits else None
    locked = edgekit.lock_models(sources, path, run=run, recipe=recipe, budget=budget, overwrite=overwrite)
    if as_json:
        output.print_json(locked.as_dict())
    else:
        output.table(locked.title(), ["asset", ""], locked.rows(), figures=False)
    if locked.over_budget:
        raise click.exceptions.Exit(BUDGET_MISSED)


@command.command("verify")
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--lock", "lock_path", type=click.Path(path_type=Path), help="The edgekit.lock to hold the models to.")
@options.json
@options.debug
def verify(package: Path, lock_path: Path | None, as_json: bool) -> None:
    """Check PACKAGE, an .apk, .aab or .aar that a build made.

    Models are stored and aligned, those of the lock byte for byte, and within budget; none is there twice. Native
    libraries are ready for memory pages of 16 KB, the TFLite library has the models' operators, and minSdk is enough
    for it. What cannot be known is said. Nothing in the package is run.

    \b
    edgekit android verify app-release.apk --lock app/edgekit.lock
    edgekit android verify app-release.aab --lock app/edgekit.lock --json

    Exit codes: 0 no fault (warnings do not fail), 1 a fault, 3 a model is over its budget.
    """
    import edgekit

    found = edgekit.verify_package(package, lock_path)
    if as_json:
        output.print_json(found.as_dict())
    else:
        _table(found)
    if found.exit_code:
        raise click.exceptions.Exit(found.exit_code)


def _table(found: Verification) -> None:
    rows = [[outcome.check, outcome.status, outcome.where, outcome.said] for outcome in found.outcomes]
    output.table(found.title(), ["check", "", "where", "what"], rows, figures=False)
    remedies: dict[str, list[str]] = {}
    for outcome in found.of("fault", "budget", "warning"):
        if outcome.remedy:
            remedies.setdefault(outcome.remedy, []).append(outcome.where or outcome.check)
    for remedy, places in remedies.items():
        output.echo(f"{', '.join(dict.fromkeys(places))}: {remedy}")
    counts = {status: len(found.of(status)) for status in ("fault", "budget", "warning", "unknown")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    output.echo(f"{'Failed' if found.exit_code else 'Passed'}: {said or 'nothing to say'}.")


def _limit(text: str) -> tuple[str, int | float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), int(value) if value.strip().isdecimal() else float(value)
    except ValueError:
        raise click.UsageError(f"--budget takes FIGURE=LIMIT such as model_bytes=100000, not {text!r}.") from None
