"""What a child inherits of its parent's weights, and that such values order candidates alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.keras import build_network
from edgekit.searching.inheriting import inherit, trained_model
from edgekit.searching.results import read_search
from edgekit.searching.settings import parse_settings
from edgekit.searching.space import parse_space

SHAPE = (8, 8, 1)


def built(seed: int, **parameters: Any) -> Any:
    keras = _tf.tf_keras()
    keras.backend.reset_uids()
    keras.utils.set_random_seed(seed)
    return build_network(
        "separable", SHAPE, 10, {"stem_stride": 1, "width1": 8, "depth2": 1, "depth3": 0, **parameters}
    )


def samples() -> Any:
    return np.random.default_rng(0).normal(size=(16, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize(
    "wider", [{}, {"width1": 12}, {"width2": 64}, {"stem_width": 40}, {"kernel1": 5}, {"kernel1": 5, "width1": 11}]
)
def test_a_wider_child_starts_as_the_function_that_its_parent_is(wider: dict[str, Any]) -> None:
    parent, child = built(1), built(2, **wider)
    before = child(samples()).numpy()
    share = inherit(child, parent)
    assert (share == 1) if not wider else 0.3 < share < 1
    assert not np.allclose(before, parent(samples()), atol=1e-5)
    np.testing.assert_allclose(child(samples()), parent(samples()), atol=1e-6)


@pytest.mark.parametrize("narrower", [{"width1": 5}, {"stem_width": 20}, {"kernel1": 1}, {"depth2": 2}])
def test_a_child_takes_the_channels_and_places_that_both_have(narrower: dict[str, Any]) -> None:
    parent, child = built(1), built(2, **narrower)
    own = {layer.name: layer.get_weights() for layer in child.layers}
    assert 0.3 < inherit(child, parent) <= 1
    for layer in child.layers:
        if layer.name not in {other.name for other in parent.layers}:
            assert all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), own[layer.name], strict=True))
    stem, old = (model.get_layer("stem").get_weights()[0] for model in (child, parent))
    assert np.array_equal(stem, old[..., : stem.shape[-1]])
    window, old = (model.get_layer("stage1_block1_depthwise").get_weights()[0] for model in (child, parent))
    middle = slice(1, 2) if len(window) == 1 else slice(None)
    assert np.array_equal(window, old[middle, middle, : window.shape[2]])


def test_weights_that_do_not_lie_on_each_other_are_not_taken() -> None:
    keras = _tf.tf_keras()

    def model(channels: int, units: int, kind: str = "Dense") -> Any:
        flat = keras.layers.Dense if kind == "Dense" else keras.layers.LSTM
        return keras.Sequential(
            [
                keras.layers.Input((4, 4, 1)),
                keras.layers.Conv2D(channels, 3, name="conv"),
                keras.layers.Flatten() if kind == "Dense" else keras.layers.Reshape((4, channels)),
                flat(units, name="first"),
                keras.layers.Dense(3, name="scores"),
            ]
        )

    child, parent = model(6, 5), model(4, 8)
    first = child.get_layer("first").get_weights()
    inherit(child, parent)
    assert all(np.array_equal(a, b) for a, b in zip(child.get_layer("first").get_weights(), first, strict=True))
    taken, old = (m.get_layer("scores").get_weights()[0] for m in (child, parent))
    assert np.array_equal(taken, old[:5])
    child, parent = model(4, 5, "LSTM"), model(4, 8, "LSTM")
    first = child.get_layer("first").get_weights()
    inherit(child, parent)
    assert all(np.array_equal(a, b) for a, b in zip(child.get_layer("first").get_weights(), first, strict=True))
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="else")])
    assert inherit(other, parent) == 0.0 and inherit(keras.Sequential([keras.layers.Input((4,))]), parent) == 0.0


SEARCH: dict[str, Any] = {
    "model": "ds_cnn",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 2, "batch_size": 128},
    "search": {
        "trials": 3,
        "front": 1,
        "sampler": {"evolution": {"startup": 2, "population": 2}},
        "fidelity": {"epochs": [1, 2], "keep": 0.5},
        "space": {"model.width": [0.1, 0.12, 0.14, 0.16], "train.learning_rate": [0.004, 0.01]},
    },
}


def test_children_inherit_where_there_are_several_rungs_unless_the_file_says_otherwise() -> None:
    space = {"space": {"model.width": [0.1, 0.2]}}
    assert not parse_settings(space).inherits and parse_settings({**space, "inherit": True}).inherits
    rungs = {**space, "fidelity": {"epochs": [1, 3]}}
    assert parse_settings(rungs).inherits and not parse_settings({**rungs, "inherit": False}).inherits
    said = [{**SEARCH, "search": {**SEARCH["search"], "inherit": choice}} for choice in (True, False)]
    assert parse_space(said[0]).identity != parse_space(said[1]).identity


@pytest.mark.slow
def test_inherited_values_order_candidates_and_the_front_is_proven_without_them(tmp_path: Path) -> None:
    found = edgekit.search(SEARCH, tmp_path / "out")
    first = {trial["number"]: trial["outcomes"]["0"] for trial in found.trials}
    heirs = {number: outcome for number, outcome in first.items() if outcome["parent"] is not None}
    assert len(heirs) >= 1 and all(outcome["status"] == "done" for outcome in first.values())
    for number, outcome in heirs.items():
        assert outcome["parent"] < number and 0.1 < outcome["inherited"] <= 1
        assert outcome["baseline"] != first[outcome["parent"]]["baseline"]
    later = [o for trial in found.trials for rung, o in trial["outcomes"].items() if rung != "0"]
    assert len(later) == 2, "one that went up, and one that was proven"
    assert all(outcome["parent"] is None and outcome["inherited"] == 0 for outcome in later)
    told = found.inheritance
    assert told["trials"].keys() == {str(number) for number in heirs} and told["said"] in found.summary()
    assert told["correlation"]["second"]["inherited"]["trials"] + told["correlation"]["second"]["own"]["trials"] == 1
    assert read_search(tmp_path / "out").inheritance == told
    again = edgekit.compress(tmp_path / "out" / "best" / "recipe.yaml", tmp_path / "again")
    assert again.chosen.sha256 == next(m.sha256 for m in found.front if m.trial == found.best)
    gone = trained_model(tmp_path / "out" / "store", "0" * 64)
    assert gone is None, "weights that are not there are not inherited"
