"""`edgekit.lock_models` and `edgekit.verify_package`: what an Android app ships, and whether it is what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.api.traces import leaves_no_trace
from edgekit.errors import EdgekitError, RecipeError, did_you_mean
from edgekit.places import by_place
from edgekit.readable import Readable, Rows

if TYPE_CHECKING:
    from edgekit.pipeline import Manifest, ModelRecord
    from edgekit.tflite import Model
    from edgekit_converters.android.lock import Accuracy, Lock, LockedModel
    from edgekit_converters.android.verify import Verification

__all__ = ["Locked", "checked_budget", "lock_models", "verify_package"]

SCHEMA = "edgekit.android-lock/1"
_ASSETS = Path("src", "main", "assets")
_LARGEST_RECIPE = 1 << 20


@dataclass(frozen=True)
class Locked(Readable):
    """A lock file that was written.

    Attributes:
        output: Its path.
        lock: What it says.
        changes: For each asset "new", "changed", "unchanged" or "removed", against the earlier lock.
        over_budget: For each asset, what of its budget the file breaks.
    """

    output: str
    lock: Lock
    changes: Mapping[str, str]
    over_budget: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        models = self.lock.model_dump(mode="json")["models"]
        told = {"output": self.output, "changes": dict(self.changes), "over_budget": dict(self.over_budget)}
        return {"schema": SCHEMA, **told, "models": models}

    def title(self) -> str:
        """The lock and how many models it names."""
        count = len(self.lock.models)
        return f"{self.output}, {count} model{'s' if count > 1 else ''}"

    def rows(self) -> Rows:
        """Each model with its size, digest, accuracy and what has changed."""
        removed: Rows = [(asset, "removed") for asset, change in self.changes.items() if change == "removed"]
        return [(model.asset, self._told(model)) for model in self.lock.models] + removed

    def _told(self, model: LockedModel) -> str:
        accuracy, parts = model.accuracy, [self.changes[model.asset], f"{model.bytes:,} bytes, {model.sha256[:12]}…"]
        if accuracy is not None:
            between = "" if accuracy.low is None else f" [{accuracy.low:.4f}, {accuracy.high:.4f}]"
            parts.append(f"{accuracy.metric} {accuracy.value:.4f}{between}")
        if model.asset in self.over_budget:
            parts.append(f"over budget: {self.over_budget[model.asset]}")
        return "; ".join(parts)


@leaves_no_trace
def lock_models(
    sources: Sequence[str | Path],
    output: str | Path = "edgekit.lock",
    *,
    run: str | Path | None = None,
    recipe: str | Path | None = None,
    budget: Mapping[str, int | float] | None = None,
    overwrite: bool = False,
) -> Locked:
    """Write or renew `edgekit.lock`: which model files an Android app ships, and what each may cost.

    Args:
        sources: Assets folders (or module folders with src/main/assets) and `.tflite` files. A file of a folder is an
            asset by its path there, a single file by its name.
        output: Path of the lock. Models that it named and that are not among the sources are removed from it.
        run: Output folder of `edgekit.compress`, which gives budget and accuracy of the files that it made; by
            default the folder of each file, or the one above, where that is a run.
        recipe: The recipe of the run; its path and digest are recorded.
        budget: Limits by the names of figures, such as {"model_bytes": 100_000}; default what the run's recipe says,
            else what the lock said before.
        overwrite: Replace a file of that name that is not a lock.

    Raises:
        EdgekitError: There is no model, one is no `.tflite`, two have one asset path, the run did not make any of them
            or ran another recipe, or the file that is there is no lock or one of a newer EdgeKit.

    Example:
        edgekit.lock_models(["app/src/main/assets"], "app/edgekit.lock", run="runs/digits", recipe="digits.yaml")
    """
    from edgekit_converters.android.lock import Lock, over_budget, write_lock

    path = Path(output)
    told = _Told(
        before=_before(path, overwrite),
        manifest=_manifest(Path(run)) if run is not None else None,
        recipe=Path(recipe) if recipe is not None else None,
        recorded=_recipe(Path(recipe), path.parent) if recipe is not None else None,
        budget=checked_budget(budget) if budget is not None else None,
    )
    locked = [_locked(asset, file, told) for asset, file in _files(sources)]
    models = [model for model, _ in locked]
    if told.manifest is not None and not any(known for _, known in locked):
        raise EdgekitError(
            "The run must have made a model that is locked.",
            received=f"{run}, whose files have other sha256 than {', '.join(m.asset for m in models[:3])}",
            remedy="Copy the file that the run chose into the assets, or name the run that made these.",
        )
    lock = Lock(models=tuple(models))
    write_lock(lock, path)
    over = {m.asset: said for m in lock.models if (said := over_budget(m, m.bytes)) is not None}
    return Locked(str(path), lock, _changes(told.before, lock), over)


@leaves_no_trace
def verify_package(package: str | Path, lock: str | Path | None = None) -> Verification:
    """Check an APK, AAB or AAR: models stored, aligned, those of the lock and within budget, libraries and API level.

    Args:
        package: The file that the build made; or an assets folder, whose models, budget and recipes are held to the
            lock.
        lock: The `edgekit.lock` that its models are held to; None leaves out what needs one.

    Raises:
        EdgekitError: The package or the lock is damaged, or is something else.
    """
    from edgekit_converters.android.verify import verify_package as verify

    return verify(Path(package), Path(lock) if lock is not None else None)


@dataclass(frozen=True)
class _Told:
    """What a lock is made from beside the files: the lock before, the run, its recipe with what is recorded of it."""

    before: Lock | None
    manifest: Manifest | None
    recipe: Path | None
    recorded: tuple[str, str] | None
    budget: dict[str, int | float] | None


def _locked(asset: str, file: Path, told: _Told) -> tuple[LockedModel, bool]:
    """What is locked of a file, and whether a run knows it.

    What the lock said before holds on where nothing newer is known, of the same bytes.
    """
    from edgekit import tflite
    from edgekit_converters.android.lock import lock_model

    model = tflite.read(file)
    old = told.before.find(asset) if told.before else None
    budget, accuracy, recipe = dict(old.budget) if old else {}, None, None
    if old is not None and old.sha256 == model.sha256:
        accuracy, recipe = old.accuracy, (old.recipe, old.recipe_sha256)
    manifest = told.manifest or _beside(file)
    record = _record(manifest, model)
    if manifest is not None and record is not None:
        budget, accuracy = _budget(manifest), _accuracy(manifest, record)
        if told.recipe is not None:
            _check_recipe(told.recipe, manifest)
    recorded = told.recorded if told.manifest is None or record is not None else None
    path, digest = recorded or recipe or (None, None)
    locked = lock_model(
        asset,
        model.content,
        budget=budget if told.budget is None else told.budget,
        recipe=path,
        recipe_sha256=digest,
        accuracy=accuracy,
    )
    return locked, record is not None


def _files(sources: Sequence[str | Path]) -> Iterator[tuple[str, Path]]:
    """Asset paths and files."""
    from edgekit_converters.android.lock import assets_in

    count = 0
    for source in map(Path, sources):
        folder = source / _ASSETS if (source / _ASSETS).is_dir() else source
        for asset, file in assets_in(folder) if folder.is_dir() else [(source.name, source)]:
            count += 1
            yield asset, file
    if not count:
        raise EdgekitError(
            "A lock names the .tflite files of an app.",
            received=f"none in {', '.join(map(str, sources)) or 'no folder'}",
            remedy="Give the app's assets folder, such as app/src/main/assets, or model files.",
        )


def _before(path: Path, overwrite: bool) -> Lock | None:
    """The lock that is renewed; a file that is none is only replaced where the user says so."""
    from edgekit_converters.android.lock import read_lock

    if not path.exists():
        return None
    try:
        return read_lock(path)
    except EdgekitError as error:
        if overwrite:
            return None
        if error.remedy.startswith("Update"):
            raise
        allowed = by_place(command="--overwrite", python="overwrite=True")
        remedy = f"Move the file away, choose another output, or replace it with {allowed}."
        raise EdgekitError(error.rule, received=error.received, remedy=remedy) from None


def _manifest(run: Path) -> Manifest:
    from edgekit.pipeline import read_manifest

    return read_manifest(run)


def _beside(file: Path) -> Manifest | None:
    """The run that a file lies in; None where it lies in none. Another program's manifest.json is left alone."""
    for folder in (file.parent, file.parent.parent):
        manifest = folder / "manifest.json"
        if manifest.is_file():
            with manifest.open("rb") as stream:
                if b'"edgekit.compress/' in stream.read(200):
                    return _manifest(folder)
    return None


def _record(manifest: Manifest | None, model: Model) -> ModelRecord | None:
    """What a run says of a file that it made, or of one whose metadata was put into such a file."""
    import hashlib

    from edgekit.tflite.metadata import original

    if manifest is None:
        return None
    inner = original(model.content)
    digests = {model.sha256} if inner is None else {model.sha256, hashlib.sha256(inner).hexdigest()}
    return next((m for m in manifest.models if m.sha256 in digests), None)


def _budget(manifest: Manifest) -> dict[str, int | float]:
    limits = manifest.recipe.get("budget")
    numbers = limits.items() if isinstance(limits, dict) else ()
    return {name: value for name, value in numbers if isinstance(value, int | float)}


def _accuracy(manifest: Manifest, record: ModelRecord) -> Accuracy:
    from edgekit_converters.android.lock import Accuracy

    metric = "top1" if manifest.metric == "top1" else "mse"
    return Accuracy(value=record.accuracy, low=record.accuracy_low, high=record.accuracy_high, metric=metric)


def checked_budget(budget: Mapping[str, int | float]) -> dict[str, int | float]:
    """Limits by the names that a recipe's budget has.

    Raises:
        EdgekitError: No such figure, or a limit that it cannot have.
    """
    from pydantic import ValidationError

    from edgekit.target import Budget

    try:
        Budget.model_validate(dict(budget))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            remedy = did_you_mean(name, Budget.model_fields)
            raise EdgekitError("A budget limits figures.", received=repr(name), remedy=remedy) from None
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        rule = f"The limit of {name} must fit: {message}."
        raise EdgekitError(rule, received=repr(first["input"])) from None
    return dict(budget)


def _recipe(recipe: Path, folder: Path) -> tuple[str, str]:
    """Path relative to the lock, and digest of the file's bytes."""
    import hashlib

    from edgekit.files import read_limited
    from edgekit_converters.android.lock import relative_path

    content = read_limited(recipe, most=_LARGEST_RECIPE, what="A recipe", error=RecipeError)
    return relative_path(recipe, folder), hashlib.sha256(content).hexdigest()


def _check_recipe(recipe: Path, manifest: Manifest) -> None:
    """Make sure that the run ran this recipe; paths in it may start from another folder."""
    from edgekit.recipe import load_recipe

    mine = load_recipe(recipe).dump()
    differing = sorted(key for key in {*mine, *manifest.recipe} if not _alike(mine.get(key), manifest.recipe.get(key)))
    if differing:
        raise RecipeError(
            "The recipe must be the one that the run ran.",
            received=f"{recipe}, which differs in {', '.join(differing)} from the run {manifest.output}",
            remedy="Run edgekit compress with it again, or leave "
            f"{by_place(command='--recipe', python='recipe=')} out.",
        )


def _alike(mine: object, its: object) -> bool:
    """Whether two values are one; what the recipe leaves open, such as the task, the run has found out."""
    if mine is None:
        return True
    if isinstance(mine, dict) and isinstance(its, dict):
        return mine.keys() == its.keys() and all(_alike(mine[key], its[key]) for key in mine)
    if isinstance(mine, list) and isinstance(its, list):
        return len(mine) == len(its) and all(map(_alike, mine, its))
    if isinstance(mine, str) and isinstance(its, str) and mine != its:
        return bool({"/", "\\"} & {*mine, *its}) and Path(mine).name == Path(its).name
    return mine == its


def _changes(before: Lock | None, after: Lock) -> dict[str, str]:
    old = {model.asset: model for model in before.models} if before else {}
    new = {
        model.asset: "new"
        if model.asset not in old
        else "unchanged"
        if old[model.asset].sha256 == model.sha256
        else "changed"
        for model in after.models
    }
    return new | {asset: "removed" for asset in old if asset not in new}
