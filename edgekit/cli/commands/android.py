"""edgekit android: models inside Android apps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli import options, output
from edgekit.cli.summary import BUDGET_MISSED

if TYPE_CHECKING:
    from edgekit_converters.android.verify import Verification

SUMMARY = "Put EdgeKit into an Android build, lock the models that ship, and check packages."


@click.group()
def command() -> None:
    """Put EdgeKit into an Android build, lock the models that ship, and check them in assets and packages.

    \b
    edgekit android init MyApp --recipe digits.yaml
    edgekit android lock app/src/main/assets -o app/edgekit.lock --run runs/digits
    edgekit android verify app-release.apk --lock app/edgekit.lock --json
    """


@command.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--old", is_flag=True, help="Write a script for builds with Gradle 4.4 or later; FOLDER is then the app's folder."
)
@click.option(
    "--agp",
    metavar="VERSION",
    help="Version of the Android Gradle plugin; by default the one that the project's files name.",
)
@click.option("--app", default="app", show_default=True, metavar="NAME", help="The app's folder in the project.")
@click.option("--models", type=click.Path(path_type=Path), help="Folder of the models; by default the app's assets.")
@click.option(
    "--module",
    type=click.Path(path_type=Path),
    help="A module that edgekit export wrote; with --recipe, a rebuild exports it again.",
)
@click.option(
    "--recipe", type=click.Path(path_type=Path), help="Recipe that makes the model again with -Pedgekit.rebuild."
)
@click.option("--asset", metavar="PATH", help="Path of that model among the assets; by default the recipe's name.")
@click.option(
    "--budget",
    "limits",
    multiple=True,
    metavar="FIGURE=LIMIT",
    help="Limit for the models that a rebuild makes, such as model_bytes=100000.",
)
@options.overwrite
@options.json
@options.debug
def init(
    folder: Path,
    old: bool,
    agp: str | None,
    app: str,
    models: Path | None,
    module: Path | None,
    recipe: Path | None,
    asset: str | None,
    limits: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Put EdgeKit into the Gradle build of an app in FOLDER, the project's root.

    It writes a plugin as an included build, edgekit-gradle, and shows the lines for your own files, which it leaves
    alone. The build then ships the models that edgekit.lock names, and `gradlew check` names each model, budget
    or recipe that differs from it.

    \b
    edgekit android init MyApp --module MyApp/digits
    edgekit android init MyApp --recipe digits.yaml --models ml/models --budget model_bytes=100000
    edgekit android init OldApp/app --old
    """
    import edgekit

    build = edgekit.init_android(
        folder,
        old=old,
        agp=agp,
        app=app,
        models=models,
        module=module,
        recipe=recipe,
        asset=asset,
        budget=dict(map(options.limit, limits)),
        overwrite=overwrite,
    )
    if as_json:
        output.print_json(build.as_dict())
        return
    output.echo(f"Wrote {build.title()}. Add:")
    for where, text in build.lines.items():
        output.echo(f"\n{where}:\n\n{text.rstrip()}")


@command.command("lock")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER_OR_MODEL...")
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(path_type=Path),
    default="edgekit.lock",
    show_default=True,
    help="The lock to write.",
)
@click.option(
    "--run", type=click.Path(path_type=Path), help="Output folder of the edgekit compress run that made the models."
)
@click.option("--recipe", type=click.Path(path_type=Path), help="The run's recipe, whose digest is recorded.")
@click.option(
    "--budget",
    "limits",
    multiple=True,
    metavar="FIGURE=LIMIT",
    help="Limit for the models, such as model_bytes=100000.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file of that name that is not a lock.")
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

    It names each model with its sha256 and size, and with the budget and accuracy of the run that made it. A model
    that lies in the folder of its run needs no --run.

    \b
    edgekit android lock app/src/main/assets -o app/edgekit.lock
    edgekit android lock app/src/main/assets --run runs/digits --recipe digits.yaml
    edgekit android lock digits.tflite --budget model_bytes=100000 --json

    Exit code 3 means that the lock is written, but a model misses its budget.
    """
    import edgekit

    budget = dict(map(options.limit, limits)) if limits else None
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
    """Check PACKAGE, an .apk, .aab or .aar that a build made, or the folder of an app's assets.

    Models are stored and aligned, those of the lock byte for byte, and within budget; none is there twice. Native
    libraries are ready for memory pages of 16 KB, the TFLite library has the models' operators, and minSdk is enough
    for it. The report names what cannot be known. Nothing in the package is run. For a folder, models, budget and
    recipes are compared with the lock: a recipe that changed since it made its model is a fault.

    \b
    edgekit android verify app-release.apk --lock app/edgekit.lock
    edgekit android verify app-release.aab --lock app/edgekit.lock --json
    edgekit android verify app/src/main/assets --lock app/edgekit.lock

    Exit codes: 0 no fault (there may be warnings), 1 a fault, 3 a model is over its budget.
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
    counts = {status: len(found.of(status)) for status in ("fault", "budget", "warning", "unknown", "passed")}
    plural = {"fault": "faults", "warning": "warnings"}
    said = ", ".join(
        f"{count} {plural.get(status, status) if count > 1 else status}" for status, count in counts.items() if count
    )
    output.echo(f"{'Failed' if found.exit_code else 'Passed'}: {said or 'nothing was checked'}.")
