"""Networks of the user's in a recipe and in a search: functions with keyword arguments, described or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import edgekit
from edgekit.errors import EdgekitError, RecipeError
from edgekit.recipe import load_recipe, parse_recipe
from edgekit.searching.described import description_of
from edgekit.searching.space import key_of, parse_space

NETWORKS = """
from typing import Annotated, Literal

from pydantic import Field

from edgekit.keras.plain import Drawing, build_plain

def describe(width: Annotated[int, Field(ge=1, le=512)] = 16, kind: Literal["plain", "wide"] = "plain"):
    d = Drawing("ours", (8, 8, 1), 10, "pixels")
    x = d.conv(d.input, width * (2 if kind == "wide" else 1), 3, "conv", stride=2)
    x = d.flatten(d.relu(x, "relu"), "flatten")
    d.dense(x, 10, "out", activation="softmax")
    return d.description()

def build(width: Annotated[int, Field(ge=1, le=512)] = 16, kind: Literal["plain", "wide"] = "plain"):
    return build_plain(describe(width, kind))
"""
UNDESCRIBED = """
def build(width: int, sizes=(3, 3), bias=True, **more):
    from edgekit import _tf
    layers = _tf.tf_keras().layers
    assert isinstance(width, int)
    return _tf.tf_keras().Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(width, sizes[0], strides=2, use_bias=bias, activation="relu"),
        layers.Flatten(), layers.Dense(10, activation="softmax"),
    ])

def bare():
    return build(4)
"""


@pytest.fixture(autouse=True)
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_described.py").write_text(NETWORKS)
    (tmp_path / "nets_folder").mkdir()
    (tmp_path / "nets_folder" / "__init__.py").write_text("")
    (tmp_path / "nets_folder" / "plain.py").write_text(UNDESCRIBED)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(p for p in sys.path if p)}")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("nets_described", "nets_folder", "nets_folder.plain"):
        sys.modules.pop(name, None)


BASE: dict[str, Any] = {"data": {"source": "digits", "calibration": 16}, "train": {"epochs": 1, "batch_size": 128}}


def recipe(model: Any) -> Any:
    return parse_recipe({**BASE, "model": model})


def test_a_function_has_its_keyword_arguments_as_parameters(tmp_path: Path) -> None:
    found = recipe({"nets_described:build": {"width": 8}})
    assert found.source == "nets_described:build" and found.dump()["model"] == {"nets_described:build": {"width": 8}}
    assert parse_recipe(found.dump()) == found
    assert recipe({"nets_described:build": {"width": 16}}).model == "nets_described:build", "one network has one name"
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump({**BASE, "model": {"nets_folder.plain:build": {"width": 4}}}))
    for path in ("model.width", "model.nets_folder.plain:build.width"):
        assert load_recipe(file, [f"{path}=6"]).dump()["model"] == {"nets_folder.plain:build": {"width": 6}}


@pytest.mark.parametrize(
    ("model", "kind", "said"),
    [
        ({"nets_described:build": {"widht": 8}}, RecipeError, "Did you mean 'width'"),
        ({"nets_described:build": {"width": 0}}, RecipeError, "greater than or equal to 1"),
        ({"nets_described:build": {"kind": "wild"}}, RecipeError, "'plain' or 'wide'"),
        (
            {"nets_folder.plain:build": {"bias": True}},
            RecipeError,
            r"needs the key model.nets_folder.plain:build.width",
        ),
        ({"nets_folder.plain:bare": {"width": 3}}, RecipeError, "Unknown recipe key"),
        ({"nets_described:biuld": {"width": 8}}, EdgekitError, "Did you mean 'build'"),
        ({"nets_of_nobody:build": {"width": 8}}, EdgekitError, "importable module"),
    ],
)
def test_what_a_function_does_not_take(model: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        recipe(model)


def test_a_space_reaches_the_arguments_of_several_functions() -> None:
    space = parse_space(
        {
            **BASE,
            "model": "ds_cnn",
            "search": {
                "space": {
                    "model": ["nets_described:build", "nets_folder.plain:build", "ds_cnn"],
                    "model.width": [2, 4],
                    "model.nets_folder.plain:build.bias": [True, False],
                }
            },
        }
    )
    genes = {"model.width": 2, "model.nets_folder.plain:build.bias": False}
    assert space.recipe({"model": "nets_described:build", **genes}).dump()["model"] == {
        "nets_described:build": {"width": 2}
    }
    assert space.recipe({"model": "nets_folder.plain:build", **genes}).dump()["model"] == {
        "nets_folder.plain:build": {"width": 2, "bias": False}
    }
    other = {**genes, "model.nets_folder.plain:build.bias": True}
    described = [space.recipe({"model": "nets_described:build", **g}) for g in (genes, other)]
    assert key_of(described[0]) == key_of(described[1]), "what is another function's has no effect"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"model.widht": [2, 4]}, "Did you mean 'width'"),
        ({"model.width": [2, "wide"]}, "model.width must name a key.*values that it takes.*'wide'"),
        ({"model": ["nets_described:build", "nets_described:biuld"], "model.width": [2, 4]}, "biuld"),
    ],
)
def test_a_typing_error_is_said_before_the_night(said: dict[str, Any], message: str) -> None:
    with pytest.raises(EdgekitError, match=message):
        parse_space({**BASE, "model": "nets_described:build", "search": {"space": said}})


def test_a_describe_beside_it_that_takes_the_same_arguments_is_asked() -> None:
    small, wide = (
        description_of(recipe({"nets_described:build": p}), (8, 8, 1), 10) for p in ({"width": 4}, {"kind": "wide"})
    )
    assert small is not None and wide is not None and wide.macs > small.macs
    assert description_of(recipe({"nets_folder.plain:build": {"width": 4}}), (8, 8, 1), 10) is None
    with pytest.raises(EdgekitError, match=r"takes the samples of the data.*\[8, 8, 1\].*\[28, 28, 1\]"):
        description_of(recipe("nets_described:build"), (28, 28, 1), 10)


def search_of(model: str, space: dict[str, Any], trials: int, **budget: int) -> dict[str, Any]:
    table = {"trials": trials, "sampler": "random", "space": space}
    return {**BASE, "model": model, "budget": budget, "search": table}


def test_a_dry_run_screens_by_the_description_alone(tmp_path: Path) -> None:
    what = search_of("nets_described:build", {"model.width": {"range": [1, 200]}}, 2, macs=20_000)
    (tmp_path / "search.yaml").write_text(yaml.safe_dump({**what, "budget": {"macs": 1}}))
    program = (
        "import sys; from edgekit.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "search", "search.yaml", "--dry-run", "--json"],
        capture_output=True, text=True, cwd=tmp_path, timeout=600,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert told["size"] == 200 and told["nearest"]["genes"] == {"model.width": 1}


def test_what_nothing_describes_is_said_to_be_known_once_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.searching.forecast.timed_pace", lambda *told: None)
    what = search_of("nets_folder.plain:bare", {"train.epochs": [1, 2]}, 2, macs=1)
    told = edgekit.search(what, tmp_path / "out", dry_run=True)
    assert told.share is None and told.unknown == 2 and told.met and "describe" in told.summary()


@pytest.mark.slow
@pytest.mark.parametrize("module", ["nets_described", "nets_folder.plain"])
def test_a_search_over_a_function_trains_what_fits_alone(module: str, tmp_path: Path) -> None:
    model = {f"{module}:build": {"width": 4}}
    what = {**search_of("", {"model.width": [4, 128]}, 2, model_bytes=12_000), "model": model}
    found = edgekit.search(what, tmp_path / "out")
    told = {t["genes"]["model.width"]: t["outcomes"]["0"] for t in found.trials}
    assert told[4]["status"] == "done" and told[4]["costs"]["model_bytes"] == told[4]["figures"]["model_bytes"]
    if 128 in told:  # its bytes were measured with random weights; a description throws it away before that
        assert told[128]["status"] == "unfit" and told[128]["costs"]["model_bytes"] > 12_000
        assert not told[128]["figures"].get("accuracy")
    assert found.met and found.best == next(t["number"] for t in found.trials if t["genes"]["model.width"] == 4)
    again = edgekit.compress(tmp_path / "out" / "best" / "recipe.yaml", tmp_path / "again")
    assert again.chosen.sha256 == next(m.sha256 for m in found.front if m.trial == found.best)
