"""The step store: each finished step lies in a folder named after the content that made it, and is never made twice."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgekit.artifact import write_atomically
from edgekit.errors import EdgekitError

__all__ = ["StepStore", "open_store", "step_key", "versions"]

PACKAGES = (
    "edgekit",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-runtime",
    "tflite-micro",
    "ethos-u-vela",
    "numpy",
)
RECORD = "step.json"
LOCK = ".lock"


class StepStore:
    """Finished steps under one folder; made by `open_store`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str, key: str) -> Path:
        """Where the step of this name and content key lies, or will lie."""
        return self.root / f"{name.replace(' ', '-')}-{key[:12]}"

    def find(self, name: str, key: str) -> dict[str, Any] | None:
        """The record of a finished step, or None."""
        try:
            text = (self.folder(name, key) / RECORD).read_text(encoding="utf-8")
            record: dict[str, Any] = json.loads(text)
        except (OSError, ValueError):
            return None
        return record if record.get("key") == key else None

    @contextmanager
    def writing(self, name: str, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Give a temporary folder and a record to fill; both appear under the step's name only when all is done."""
        record: dict[str, Any] = {"key": key}
        with write_atomically(self.folder(name, key)) as temporary:
            temporary.mkdir()
            yield temporary, record
            (temporary / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")

    def workdir(self, name: str, key: str) -> Path:
        """Where a step keeps checkpoints while it runs: the same place in the next run of the same step."""
        path = self._workdir(name, key)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def discard_workdir(self, name: str, key: str) -> None:
        """Remove what a step, now finished, kept while it ran."""
        shutil.rmtree(self._workdir(name, key), ignore_errors=True)
        with suppress(OSError):
            self._workdir(name, key).parent.rmdir()

    def _workdir(self, name: str, key: str) -> Path:
        return self.root / "unfinished" / f"{name.replace(' ', '-')}-{key[:12]}"


@contextmanager
def open_store(output: Path) -> Iterator[StepStore]:
    """Open the store of an output folder for one run at a time, and clear what a killed run left behind.

    Raises:
        EdgekitError: Another run is using it.
    """
    root = output / "steps"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise EdgekitError(
            "The output of a run is a folder.", received=f"{output}, a file", remedy="Choose another name with -o."
        ) from None
    with (root / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EdgekitError(
                "One run at a time writes to an output folder.",
                received=f"{output}, in use by another run",
                remedy="Wait for it, or choose another folder with -o.",
            ) from None
        for left in [*root.glob(".*.*/"), *output.glob("models/.*.*/"), *output.glob(".*.*.*/")]:
            shutil.rmtree(left, ignore_errors=True)
        try:
            yield StepStore(root)
        finally:
            _remove_if_unused(root)


def _remove_if_unused(root: Path) -> None:
    """A run that is refused before its first step leaves nothing behind."""
    if [f.name for f in root.iterdir()] == [LOCK]:
        (root / LOCK).unlink()
        root.rmdir()
        with suppress(OSError):  # other files of the user's
            root.parent.rmdir()


def step_key(*parts: object) -> str:
    """sha256 over JSON-ready values: the content that a step depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def versions() -> dict[str, str | None]:
    """Versions of what shapes a result; None where a package is not installed."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
