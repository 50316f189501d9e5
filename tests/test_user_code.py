"""Code of the user's own: a key names the text that runs, not the one that the file has by now."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit import user_code
from edgekit.errors import EdgekitError

MODULE = "edgekit_test_of_user_code"
OLD, NEW = "def make():\n    return 1\n", "def make():\n    return 'another'\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(user_code, "_loaded", {})
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    importlib.invalidate_caches()
    path = tmp_path / f"{MODULE}.py"
    path.write_text(OLD)
    return path


def by_reference() -> str:
    return user_code.source_sha256(f"{MODULE}:make")


def by_object() -> str:
    return user_code.code_of(sys.modules[MODULE].make)


def seen_by_member() -> None:
    user_code.member(f"{MODULE}:make")


def imported() -> None:
    importlib.import_module(MODULE)


@pytest.mark.parametrize("loaded", [seen_by_member, imported])
@pytest.mark.parametrize("ask", [by_reference, by_object])
def test_a_file_that_was_edited_after_its_import(
    file: Path, loaded: Callable[[], None], ask: Callable[[], str]
) -> None:
    loaded()
    file.write_text(NEW)
    for _ in range(2):
        with pytest.raises(EdgekitError, match="has changed") as refused:
            ask()
        assert "importlib.reload" in str(refused.value)
    importlib.reload(sys.modules[MODULE])
    new = ask()
    file.write_text(OLD)
    with pytest.raises(EdgekitError):
        ask()
    importlib.reload(sys.modules[MODULE])
    assert ask() != new


@pytest.mark.parametrize("ask", [by_reference, by_object])
def test_a_file_that_was_only_touched(file: Path, ask: Callable[[], str]) -> None:
    imported()
    file.touch()
    first = ask()
    file.touch()
    assert ask() == first


def test_two_functions_of_a_module_are_two_contents(file: Path) -> None:
    """Or a run with the one would take the finished steps of the other."""
    file.write_text(f"{OLD}\ndef other():\n    return 2\n")
    assert user_code.source_sha256(f"{MODULE}:other") != by_reference()
