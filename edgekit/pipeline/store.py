"""The step store: each finished step lies in a folder named after the content that made it, and is never made twice."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgekit.artifact import write_atomically
from edgekit.errors import EdgekitError
from edgekit.locks import lock
from edgekit.ownership import check_folder
from edgekit.pipeline.records import read_json
from edgekit.scratch import clear_leftovers, held, inner_folder, is_real_folder, refuse_links, remove_tree, temporary

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
SCHEMA = "edgekit.step/3"
RECORD = "step.json"
STEPS = "steps"
LOCK = "run.lock"
UNFINISHED = "unfinished"
LARGEST_RECORD = 4 << 20

_log = logging.getLogger(__name__)


class StepStore:
    """Finished steps of one output folder, in `steps`; made by `open_store`.

    A finished step is never changed and never removed. Where one is damaged, it is made again in a folder beside it.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.root = output / STEPS
        self._folders: dict[str, Path] = {}

    def folder(self, name: str, key: str) -> Path:
        """Where the step of this name and content key lies, or will lie."""
        return self._folders.get(key) or next(p for p in self._places(name, key) if not os.path.lexists(p))

    def find(
        self, name: str, key: str, is_whole: Callable[[Path, dict[str, Any]], bool] = lambda folder, record: True
    ) -> dict[str, Any] | None:
        """The record of a finished step, or None.

        Args:
            name, key: Of the step.
            is_whole: Whether a folder with this record holds what the step made. One that does not is passed over.
        """
        for folder in self._places(name, key):
            if not os.path.lexists(folder):
                return None
            record = self._record(folder, key)
            if record is not None and is_whole(folder, record):
                self._folders[key] = folder
                return record
            _log.info(f"{name}: its files in {folder} are damaged or gone, so it is made again")
        return None

    @contextmanager
    def writing(self, name: str, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Give a temporary folder and a record to fill; both appear under the step's name only when all is done."""
        record: dict[str, Any] = {}
        target = self.folder(name, key)
        with write_atomically(target, beside=self.output) as temporary:
            temporary.mkdir()
            yield temporary, record
            content = {"schema": SCHEMA, "key": key, **record}
            (temporary / RECORD).write_text(json.dumps(content, indent=2), encoding="utf-8")
        self._folders[key] = target

    def workdir(self, name: str, key: str) -> Path:
        """Where a step keeps checkpoints while it runs: the same place in the next run of the same step."""
        return inner_folder(self.output, UNFINISHED, _file_name(name, key))

    def discard_workdir(self, name: str, key: str) -> None:
        """Remove what a step, now finished, kept while it ran."""
        remove_tree(self.workdir(name, key))
        with suppress(OSError):
            inner_folder(self.output, UNFINISHED).rmdir()

    def cache(self, name: str) -> Path:
        """A folder for what several steps use again and can be made again."""
        return inner_folder(self.output, name)

    def _places(self, name: str, key: str) -> Iterator[Path]:
        first = _file_name(name, key)
        yield self.root / first
        yield from (self.root / f"{first}-{number}" for number in range(2, 1000))

    def _record(self, folder: Path, key: str) -> dict[str, Any] | None:
        if not is_real_folder(folder):
            return None
        try:
            record = read_json(folder / RECORD, LARGEST_RECORD)
        except (OSError, ValueError):
            return None
        if not isinstance(record, dict) or record.pop("schema", None) != SCHEMA or record.pop("key", None) != key:
            return None
        return record


@contextmanager
def open_store(output: Path) -> Iterator[StepStore]:
    """Open the store of an output folder for one run at a time, and clear what a killed run left behind.

    Args:
        output: The folder; it stays away where a run is refused before its first step.

    Raises:
        EdgekitError: Another run is using it, or something that is not EdgeKit's has a name that it needs.
    """
    there_before = output.exists()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise EdgekitError(
            "The output of a run is a folder.", received=f"{output}, a file", remedy="Choose another name with -o."
        ) from None
    try:
        with temporary(output), _one_run(output):  # a temporary, so that `.edgekit` stays there all the time
            clear_leftovers(output)
            refuse_links(output)
            check_folder(output, STEPS)
            yield StepStore(output)
    finally:
        if not there_before:
            with suppress(OSError):
                output.rmdir()


@contextmanager
def _one_run(output: Path) -> Iterator[None]:
    with held(output) as own:
        file = os.open(own / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            lock(file, wait=False)
        except BlockingIOError:
            os.close(file)
            raise EdgekitError(
                "One run at a time writes to an output folder.",
                received=f"{output}, in use by another run",
                remedy="Wait for it, or choose another folder with -o.",
            ) from None
    try:
        yield
    finally:
        with held(output) as own:
            (own / LOCK).unlink(missing_ok=True)
            os.close(file)


def _file_name(name: str, key: str) -> str:
    return f"{name.replace(' ', '-')}-{key[:12]}"


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
