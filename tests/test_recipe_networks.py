"""`model:` of a recipe may be a reference network with its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import RecipeError
from edgekit.recipe import load_recipe, parse_recipe


def recipe(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_a_network_has_parameters(tmp_path: Path) -> None:
    text = "model: {resnet8: {width: 0.5}}\ndata: digits\ntrain: {epochs: 1}\n"
    found = load_recipe(recipe(tmp_path, text))
    assert found.source == found.stem == "resnet8" and found.dump()["model"] == {"resnet8": {"width": 0.5}}
    assert parse_recipe(found.dump()) == found
    changed = load_recipe(recipe(tmp_path, text), ["model.resnet8.width=0.25"])
    assert changed.dump()["model"] == {"resnet8": {"width": 0.25}}
    usual = load_recipe(recipe(tmp_path, text), ["model.resnet8.width=1"])
    assert usual.model == "resnet8", "one network has one name"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"resnet9": {"width": 1}}, "Only reference networks.*Did you mean 'resnet8'"),
        ({"resnet8": {"widht": 1}}, "model.resnet8.widht.*Did you mean 'width'"),
        ({"resnet8": {"width": 0}}, "model.resnet8.width must fit.*greater than 0"),
        ({"resnet8": {"width": "wide"}}, "model.resnet8.width must fit"),
        ({"resnet8": {}, "lenet5": {}}, "A list entry|one name"),
        ({"model.h5": {"width": 1}}, "Only reference networks"),
        (["resnet8"], "one network with its parameters"),
        (3, "one network with its parameters"),
    ],
)
def test_what_is_no_network_with_parameters(model: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_recipe({"model": model, "data": "digits", "train": {"epochs": 1}})


def test_a_width_is_another_model_for_caches() -> None:
    from edgekit.pipeline.start import NOTHING, fingerprint_of

    values = {"data": "digits", "train": {"epochs": 1}}
    found = [parse_recipe({**values, "model": m}) for m in ("resnet8", {"resnet8": {"width": 0.5}}, {"resnet8": {}})]
    prints = [fingerprint_of(r, NOTHING) for r in found]
    assert prints[0] == prints[2] != prints[1]
