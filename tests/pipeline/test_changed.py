"""Files that change while a run is at work: no step is kept under a content that it was not made of."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgekit
from edgekit.data import Dataset
from edgekit.errors import EdgekitError
from edgekit.keras import FOREIGN
from edgekit.observer import unobserved
from edgekit.pipeline import run as running
from edgekit.pipeline.shared import ChangedSource, Run
from edgekit.pipeline.start import NOTHING
from edgekit.recipe import Recipe


def shared(source: str, few_digits: Dataset) -> Run:
    recipe = Recipe.model_validate({"model": source, "data": "digits", "convert": ["float32"]})
    return Run(recipe, few_digits, NOTHING, None, FOREIGN, True, None, unobserved)  # type: ignore[arg-type]


@pytest.mark.parametrize("starts", [True, False])
def test_what_a_source_holds_is_the_same_throughout(starts: bool, few_digits: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    file.write_bytes(b"one")
    run = shared(str(file), few_digits)
    first = run.content(str(file), starts=starts)
    assert first is not None and run.content(str(file), starts=starts) == first
    file.write_bytes(b"two")
    with pytest.raises(ChangedSource, match="changed since the run began"):
        run.content(str(file), starts=starts)
    file.write_bytes(b"one")
    assert run.content(str(file), starts=starts) == first


def test_a_network_that_is_named_twice(few_digits: Dataset) -> None:
    run = shared("digits_cnn", few_digits)
    assert run.content("digits_cnn", starts=True) == "digits_cnn" and run.content("digits_cnn") is None


def test_a_model_that_changes_between_its_key_and_its_reading(
    trained: Any, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while another run is waited for."""
    file = tmp_path / "model.h5"
    shutil.copyfile(trained.h5, file)
    load: Callable[..., Any] = running.starting_model

    def late(*arguments: Any) -> Any:
        model = load(*arguments)
        file.write_bytes(file.read_bytes() + b"more")
        return model

    monkeypatch.setattr(running, "starting_model", late)
    with pytest.raises(EdgekitError, match="changed since the run began"):
        edgekit.compress({"model": str(file), "data": str(npz), "convert": ["float32"]}, tmp_path / "out")
    assert not (tmp_path / "out" / "steps").exists()
