"""What holds after each test of the sandbox: nothing is left behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def _children(of: int) -> list[str]:
    """Processes whose parent is `of`, ended ones that nobody waited for included."""
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and _parent(entry) == of]


def _descendants() -> set[str]:
    """Children, and what is forked off them."""
    own = _children(os.getpid())
    return {*own, *(inner for child in own for inner in _children(int(child)))}


@pytest.fixture
def children() -> Callable[[int], list[str]]:
    return _children


def control_groups() -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/edgekit-{os.getpid()}-*"))


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = _descendants()
    yield
    assert not list(folder.iterdir())
    assert not control_groups()
    assert _descendants() <= before
