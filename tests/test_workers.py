"""What all workers of a test run share is made by one of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from workers import made_once


class Folders:
    """Those of one worker."""

    def __init__(self, root: Path, worker: str) -> None:
        self._base = root / worker
        self._base.mkdir()

    def getbasetemp(self) -> Path:
        return self._base


@pytest.fixture(autouse=True)
def _in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")


def folders(root: Path, worker: str) -> Any:
    return Folders(root, worker)


def test_one_worker_makes_it_for_all(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> str:
        made.append(folder)
        (folder / "file").touch()
        return folder.name

    with ThreadPoolExecutor(3) as workers:
        found = list(workers.map(lambda n: made_once("shared", folders(tmp_path, f"gw{n}"), make), range(3)))
    assert found == ["shared"] * 3 and made == [tmp_path / "shared"]


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> list[str]:
        (folder / "half").touch()
        raise OSError("no")

    own = folders(tmp_path, "gw0")
    with pytest.raises(OSError, match="no"):
        made_once("shared", own, fail)
    assert made_once("shared", own, lambda folder: [f.name for f in folder.iterdir()]) == []
