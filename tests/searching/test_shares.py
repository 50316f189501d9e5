"""Spaces from a trained model: a gene for each layer, started from what the layers tolerate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import edgekit
from edgekit import _tf
from edgekit.errors import RecipeError
from edgekit.keras import save_model
from edgekit.methods.sensitivity import Effect
from edgekit.searching.genes import Gene
from edgekit.searching.samplers import open_sampler
from edgekit.searching.shares import LayerShares
from edgekit.searching.space import parse_space

PRUNED = "passes.prune.ratios"
RANKS = "passes.low_rank.layers"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network for digits; that its weights are random does not matter to what its layers are."""
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu", name="one"),
            layers.Conv2D(12, 3, activation="relu", name="two"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(10, activation="softmax", name="scores"),
        ]
    )
    path = tmp_path_factory.mktemp("trained") / "trained.h5"
    save_model(model, path)
    return path


def search_of(model: object, said: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "model": str(model),
        "data": {"source": "digits", "calibration": 64},
        "passes": [{"low_rank": {"finetune": "none"}}, {"channel_prune": {"id": "prune", "finetune": "none"}}],
        "search": {"space": said, **more},
    }


def test_every_layer_that_can_give_something_up_has_a_gene(trained: Path) -> None:
    space = parse_space(search_of(trained, {PRUNED: {"by_layer": [0, 0.25, 0.5]}, RANKS: {"by_layer": [0, 0.5]}}))
    genes = {gene.path: gene.values for gene in space.genes}
    assert genes[f"{PRUNED}.one"] == genes[f"{PRUNED}.two"] == (0, 0.25, 0.5)
    assert genes[f"{RANKS}.two"] == (0, 0.5) and f"{PRUNED}.scores" not in genes, "the output keeps its width"
    assert space.size == 3**2 * 2 ** sum(path.startswith(RANKS) for path in genes)
    none = space.usual
    assert space.recipe(none).passes == (), "passes that leave all layers alone take no part"
    recipe = space.recipe({**none, f"{PRUNED}.two": 0.25, f"{RANKS}.two": 0.5})
    low_rank, prune = recipe.passes
    full = next(one.full for one in space.shares if one.kind == "rank")
    assert prune.ratios == {"two": 0.25} and low_rank.layers["two"] == round(full["two"] / 2)  # type: ignore[attr-defined]
    assert all(rank == 0 for layer, rank in low_rank.layers.items() if layer != "two")  # type: ignore[attr-defined]
    assert recipe.source == str(trained)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({PRUNED: {"by_layer": [0.5, 0.25]}}, "shares by layer rise"),
        ({PRUNED: {"by_layer": [0, 1]}}, "by_layer"),
        ({PRUNED: {"by_layer": [0]}}, "by_layer"),
        ({"passes.prune.macs": {"by_layer": [0, 0.5]}}, "ratios of channel_prune, or layers of low_rank"),
        ({"passes.pruen.ratios": {"by_layer": [0, 0.5]}}, "ratios of channel_prune, or layers of low_rank"),
        ({PRUNED: {"by_layer": [0, 0.5]}, "model.width": [1, 2]}, "of one trained model"),
    ],
)
def test_what_shares_by_layer_cannot_say(said: dict[str, Any], message: str, trained: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_space(search_of(trained, said))


def test_they_are_of_a_trained_model_and_ranks_go_first(trained: Path) -> None:
    said = {PRUNED: {"by_layer": [0, 0.5]}, RANKS: {"by_layer": [0, 0.5]}}
    with pytest.raises(RecipeError, match="of a trained model.*resnet8"):
        parse_space({**search_of("resnet8", said), "train": {"epochs": 1}})
    search = search_of(trained, said)
    with pytest.raises(RecipeError, match="low_rank stands before channel_prune"):
        parse_space({**search, "passes": search["passes"][::-1]})


def test_starting_points_give_up_what_sensitivity_allows() -> None:
    shares = LayerShares(PRUNED, "channels", (0.0, 0.25, 0.5, 0.75), {"one": 8, "two": 12}, "")

    def told(layer: str, amount: float, drop: float | None, decibels: float = 0.0) -> Effect:
        return Effect(layer, "channels", amount, decibels, None, drop)

    effects = [told("one, beside", 0.25, 0.0), told("one, beside", 0.5, 0.05), told("one, beside", 0.75, 0.0)]
    effects += [told("two", 0.25, 0.02), told("two", 0.5, 0.2), Effect("two", "rank", 0.75, 99.0, None, 0.0)]
    points = [shares.tolerated(effects, strength) for strength in range(3)]
    one, two = f"{PRUNED}.one", f"{PRUNED}.two"
    assert points == [{one: 0.25, two: 0.0}, {one: 0.25, two: 0.25}, {one: 0.75, two: 0.25}]
    unlabelled = [told("one", 0.25, None, 35.0), told("one", 0.5, None, 12.0)]
    assert [shares.tolerated(unlabelled, strength)[one] for strength in range(3)] == [0.25, 0.25, 0.5]


def test_the_first_trials_are_the_starting_points_whatever_the_sampler() -> None:
    from edgekit.searching.engine import optuna
    from edgekit.searching.pareto import Objective

    genes = (Gene("a", "choice", (0.0, 0.5)), Gene("b", "choice", (0.0, 0.5)))
    first = [{"a": 0.5, "b": 0.0}, {"a": 0.5, "b": 0.5}]
    sampler = open_sampler("evolution", genes, (Objective("accuracy", "maximize"),), 1, first=first)
    study = optuna().create_study(direction="maximize", sampler=sampler)
    drawn = [study.ask({gene.path: gene.distribution() for gene in genes}).params for _ in range(4)]
    assert drawn[:2] == first and len({tuple(one.values()) for one in drawn}) == 4


@pytest.mark.slow
def test_a_search_from_a_trained_model_starts_where_its_layers_tolerate_it(trained: Path, tmp_path: Path) -> None:
    search = search_of(trained, {PRUNED: {"by_layer": [0, 0.5]}}, trials=2, front=1, objectives=["accuracy", "macs"])
    found = edgekit.search(search, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "sensitivity.json").read_text())
    assert {effect["layer"] for effect in told["effects"]} == {"one", "two"}
    shares = parse_space(search).shares[0]
    effects = [Effect(**effect) for effect in told["effects"]]
    assert found.trials[0]["genes"] == shares.tolerated(effects, 0)
    assert all(trial["outcomes"]["0"]["status"] == "done" for trial in found.trials)
    macs = {tuple(t["genes"].values()): t["outcomes"]["0"]["figures"]["macs"] for t in found.trials}
    assert len(set(macs.values())) == 2 and found.met
    again = edgekit.compress(tmp_path / "out" / "best" / "recipe.yaml", tmp_path / "again")
    assert again.chosen.sha256 == next(m.sha256 for m in found.front if m.trial == found.best)
