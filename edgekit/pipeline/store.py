"""The step store: each finished step lies in a folder named after the content that made it, and is never made twice.

Many runs may share a store: what two of them want is made by one, while the other one waits for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgekit.artifact import write_atomically
from edgekit.errors import EdgekitError
from edgekit.locks import claimed, remove_if_free
from edgekit.observer import logger
from edgekit.ownership import check_folder
from edgekit.pipeline.records import read_json
from edgekit.places import by_place
from edgekit.scratch import (
    NAME,
    clear_leftovers,
    held,
    inner_folder,
    is_real_folder,
    refuse_links,
    remove_tree,
    temporary,
)

__all__ = ["StepStore", "open_output", "open_store", "step_key"]

SCHEMA = "edgekit.step/4"
RECORD = "step.json"
STEPS = "steps"
LOCK = "run.lock"
CLAIM = "making-"
"""Begins the file that says who makes a step."""
UNFINISHED = "unfinished"
LARGEST_RECORD = 4 << 20
_OWN_SCHEMA = re.compile(r"edgekit\.step/[0-9]{1,4}")
_OTHER_VERSION = "the one in {folder} was made by another version of EdgeKit"
_DAMAGED = "its files in {folder} are damaged or gone"

_log = logger(__name__)

IsWhole = Callable[[Path, dict[str, Any]], bool]


class StepStore:
    """Finished steps in the folder `steps` of a home that many runs may share at once; made by `open_store`.

    A finished step is never changed and never removed. Where one is damaged, it is made again in a folder beside it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / STEPS
        self._folders: dict[str, Path] = {}

    def folder(self, name: str, key: str) -> Path:
        """Where the step of this name and content key lies, or will lie."""
        return self._folders.get(key) or next(p for p in self._places(name, key) if not os.path.lexists(p))

    def find(self, name: str, key: str, is_whole: IsWhole = lambda folder, record: True) -> dict[str, Any] | None:
        """The record of a finished step, or None.

        Args:
            name, key: Name and key of the step.
            is_whole: Whether a folder with this record holds what the step made. One that does not is passed over.
        """
        record, passed_over = self._look(name, key, is_whole)
        for folder, why in passed_over:
            _log.info(f"{name}: {why.format(folder=folder)}, so it is made again")
        return record

    @contextmanager
    def claimed(
        self, name: str, key: str, is_whole: IsWhole = lambda folder, record: True
    ) -> Iterator[dict[str, Any] | None]:
        """Give the record of a finished step; or None, and in this block no other run makes the step.

        While another one makes it, this one waits, and a note says for whom; then the step is mostly done.

        Args:
            name, key, is_whole: As of `find`.
        """
        record, _ = self._look(name, key, is_whole)
        if record is not None:
            yield record
            return

        def wait(who: str) -> None:
            _log.info(f"{name}: {who} makes this step in {self.home}, so this run waits for it")

        with claimed(self.home / NAME / f"{CLAIM}{_file_name(name, key)}", wait=wait):
            yield self.find(name, key, is_whole)

    @contextmanager
    def writing(self, name: str, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Give a temporary folder and a record to fill; both appear under the step's name only when all is done."""
        record: dict[str, Any] = {}
        target = self.folder(name, key)
        with write_atomically(target, beside=self.home) as temporary:
            temporary.mkdir()
            yield temporary, record
            content = {"schema": SCHEMA, "key": key, **record}
            (temporary / RECORD).write_text(_json(content), encoding="utf-8")
        self._folders[key] = target

    def workdir(self, name: str, key: str) -> Path:
        """Where a step keeps checkpoints while it runs: the same place in the next run of the same step."""
        return inner_folder(self.home, UNFINISHED, _file_name(name, key))

    def discard_workdir(self, name: str, key: str) -> None:
        """Remove what a step, now finished, kept while it ran."""
        remove_tree(self.workdir(name, key))
        with held(self.home) as own, suppress(OSError):  # held, as another run may be about to use it
            (own / UNFINISHED).rmdir()

    def cache(self, name: str) -> Path:
        """A folder for what several steps use again and can be made again."""
        return inner_folder(self.home, name)

    def _look(self, name: str, key: str, is_whole: IsWhole) -> tuple[dict[str, Any] | None, list[tuple[Path, str]]]:
        """The record of a finished step or None, and the folders that were passed over, each with what it is."""
        self._folders.pop(key, None)  # what lay there may be damaged by now
        passed_over = list[tuple[Path, str]]()
        for folder in self._places(name, key):
            if not os.path.lexists(folder):
                break
            record = self._record(folder)
            schema = record.pop("schema", None)
            if schema == SCHEMA and record.pop("key", None) == key and is_whole(folder, record):
                self._folders[key] = folder
                return record, passed_over
            other = isinstance(schema, str) and schema != SCHEMA and bool(_OWN_SCHEMA.fullmatch(schema))
            passed_over.append((folder, _OTHER_VERSION if other else _DAMAGED))
        return None, passed_over

    def _places(self, name: str, key: str) -> Iterator[Path]:
        first = _file_name(name, key)
        yield self.root / first
        yield from (self.root / f"{first}-{number}" for number in range(2, 1000))

    def _record(self, folder: Path) -> dict[str, Any]:
        """What lies in a step's folder; empty where nothing can be read."""
        if not is_real_folder(folder):
            return {}
        try:
            record = read_json(folder / RECORD, LARGEST_RECORD)
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}


@contextmanager
def open_output(output: Path) -> Iterator[None]:
    """Take an output folder for one run at a time; what many may share is its store of steps.

    Args:
        output: The folder; it stays away where a run is refused before its first step.

    Raises:
        EdgekitError: Another run is using it, or something that is not EdgeKit's has a name that it needs.
    """
    with _at_work(output, "output", by_place(command="-o", python="output=")):
        try:
            with claimed(output / NAME / LOCK):
                yield
        except BlockingIOError:
            raise EdgekitError(
                "One run at a time writes to an output folder.",
                received=f"{output}, in use by another run",
                remedy=f"Wait for it, or choose another folder with {by_place(command='-o', python='output=')}; "
                f"{by_place(command='--store', python='store=')} lets both share their steps.",
            ) from None


@contextmanager
def open_store(home: Path) -> Iterator[StepStore]:
    """Open a store of steps, which many runs may do at once, and clear what killed ones left behind.

    Args:
        home: The folder of its `steps`; it stays away where a run is refused before its first step.

    Raises:
        EdgekitError: Something that is not EdgeKit's has a name that it needs.
    """
    with _at_work(home, "store", by_place(command="--store", python="store=")):
        refuse_links(home)
        check_folder(home, STEPS)
        for left in (home / NAME).glob(f"{CLAIM}*"):
            remove_if_free(left)
        yield StepStore(home)


@contextmanager
def _at_work(folder: Path, what: str, option: str) -> Iterator[None]:
    """Make a folder where it is missing, and keep its `.edgekit` there, cleared of what killed processes left."""
    there_before = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise EdgekitError(
            f"The {what} of a run is a folder.",
            received=f"{folder}, a file",
            remedy=f"Choose another name with {option}.",
        ) from None
    try:
        with temporary(folder):
            clear_leftovers(folder)
            yield
    finally:
        if not there_before:
            with suppress(OSError):
                folder.rmdir()


def _file_name(name: str, key: str) -> str:
    return f"{name.replace(' ', '-')}-{key[:12]}"


def _json(content: dict[str, Any]) -> str:
    """A line for each field: figures of many epochs on lines of their own would be most of the file."""
    lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def step_key(*parts: object) -> str:
    """sha256 over JSON-ready values: the content that a step depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
