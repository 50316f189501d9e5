"""An assets folder, before an app is built: its models are those of the lock, and each is what its recipe made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgekit.artifact import sha256_of
from edgekit.errors import EdgekitError
from edgekit.files import regular_file
from edgekit_converters.android.lock import Lock, LockedModel, assets_in, over_budget
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["check_folder"]

_LARGEST_MODEL = 4 << 30
_LARGEST_RECIPE = 1 << 20
_RENEW = "if it is the right one, renew the lock with: edgekit android lock"


def check_folder(folder: Path, lock: Lock, beside: Path) -> Iterator[Outcome]:
    """What is to be said of the models in a folder.

    Args:
        folder: Folder of the app's assets.
        lock: What it is held to.
        beside: The folder of the lock, which its recipes are named from.

    Raises:
        EdgekitError: A model is no regular file, or is too large.
    """
    files = dict(assets_in(folder))
    for locked in lock.models:
        yield from _model(locked, files.get(locked.asset))
    for asset in files:
        if lock.find(asset) is None:
            said = "an orphan: the lock does not name it"
            yield Outcome("lock", "fault", asset, said, f"Remove it from the app; {_RENEW}")
    for locked in lock.models:
        yield from _recipe(locked, beside)


def _model(locked: LockedModel, file: Path | None) -> Iterator[Outcome]:
    if file is None:
        said = "missing: the lock names it, and the folder does not hold it"
        yield Outcome("lock", "fault", locked.asset, said, "Put the file there, or renew the lock.")
        return
    regular_file(file, most=_LARGEST_MODEL, what="A model", error=EdgekitError)
    digest, size = sha256_of(file), file.stat().st_size
    if digest != locked.sha256:
        said = f"stale: sha256 {digest[:12]}… is not the lock's {locked.sha256[:12]}…"
        yield Outcome("lock", "fault", locked.asset, said, f"Put the locked file there; {_RENEW}")
    elif size != locked.bytes:
        said = f"{size:,} bytes, where the lock says {locked.bytes:,}: the lock was edited"
        yield Outcome("lock", "fault", locked.asset, said, "Renew the lock with: edgekit android lock")
    else:
        yield Outcome("lock", "passed", locked.asset, f"sha256 {digest[:12]}… is the lock's")
    over = over_budget(locked, size)
    if over is not None:
        remedy = "Compress the model further, or allow more: the budget stands in the recipe and in the lock."
        yield Outcome("budget", "budget", locked.asset, over, remedy)
    elif "model_bytes" in locked.budget:
        yield Outcome("budget", "passed", locked.asset, f"model_bytes {size:,} of {locked.budget['model_bytes']:,}")


def _recipe(locked: LockedModel, beside: Path) -> Iterator[Outcome]:
    """Whether the recipe is still the one that made the model."""
    if locked.recipe is None or locked.recipe_sha256 is None:
        return
    path = beside / locked.recipe
    if not path.exists():
        said = f"{locked.recipe} is not here, so nobody can tell whether it changed"
        yield Outcome("recipe", "unknown", locked.asset, said)
        return
    regular_file(path, most=_LARGEST_RECIPE, what="A recipe", error=EdgekitError)
    if sha256_of(path) != locked.recipe_sha256:
        said = f"{locked.recipe} changed since it made this model"
        remedy = (
            "Run it again (edgekit compress, then edgekit android lock; in Gradle -Pedgekit.rebuild), or, where the "
            "model stays what it is, renew the lock: edgekit android lock ASSETS_FOLDER -o edgekit.lock --recipe RECIPE"
        )
        yield Outcome("recipe", "fault", locked.asset, said, remedy)
    else:
        yield Outcome("recipe", "passed", locked.asset, f"{locked.recipe} is the one that made it")
