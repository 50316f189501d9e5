"""What each layer can bear: figures on a trained network, and the network as it was afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.errors import UsageError
from edgekit.methods.sensitivity import Effect, Kind, sensitivity, tolerable


def test_more_removed_costs_more_and_the_model_stays_as_it_was(trained: Any, digits: Dataset) -> None:
    x, y = digits.features("calibration")[:128], digits.labels("calibration")[:128]
    before = [w.copy() for w in trained.model.get_weights()]
    effects = sensitivity(trained.model, x, y, ratios=(0.25, 0.9))
    for old, new in zip(before, trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    found = {(e.kind, e.layer, e.amount): e for e in effects}
    for kind in ("sparsity", "rank"):
        for layer in ("conv", "hidden", "scores"):
            assert found[kind, layer, 0.25].sqnr_db > found[kind, layer, 0.9].sqnr_db
    assert {e.layer for e in effects if e.kind == "channels"} == {"conv", "hidden"}, "the output keeps its units"
    assert {e.layer for e in effects if e.kind == "int8_activations"} >= {"conv", "conv_relu", "hidden"}
    eight = [e.sqnr_db for e in effects if e.kind.startswith("int8")]
    assert min(eight) > 25, "8 bits cost little"
    worst = max(effects, key=lambda e: e.score_drop or 0)
    assert worst.score is not None and worst.score_drop is not None and worst.score_drop > 0.1
    reference = np.mean(trained.model.predict(x, verbose=0).argmax(1) == y)
    assert worst.score + worst.score_drop == pytest.approx(reference)


def test_figures_are_those_of_the_change_done_by_hand(trained: Any, digits: Dataset) -> None:
    x = digits.features("calibration")[:64]
    effect = next(e for e in sensitivity(trained.model, x, kinds=["sparsity"], ratios=(0.5,)) if e.layer == "hidden")
    by_hand = _tf.tf_keras().models.clone_model(trained.model)
    by_hand.set_weights(trained.model.get_weights())
    kernel = by_hand.get_layer("hidden").kernel
    kernel.assign(np.where(np.abs(kernel) > np.median(np.abs(kernel)), kernel, 0))

    def logits(model: Any) -> Any:
        out = np.log(np.maximum(model.predict(x, verbose=0), 1e-7))
        return out - out.mean(axis=1, keepdims=True)

    a, b = logits(trained.model), logits(by_hand)
    assert effect.sqnr_db == pytest.approx(10 * np.log10(np.sum(a**2) / np.sum((a - b) ** 2)), abs=0.05)
    assert effect.score is None and effect.score_drop is None


def test_tolerable_ratios_end_where_the_loss_begins() -> None:
    def effect(layer: str, amount: float, drop: float, kind: Kind = "channels") -> Effect:
        return Effect(layer, kind, amount, 10.0, 0.9, drop)

    effects = [
        effect("a", 0.25, 0.0), effect("a", 0.5, 0.01), effect("a", 0.75, 0.2), effect("b", 0.25, 0.3),
        effect("b", 0.5, 0.0), effect("c", 0.25, 0.0, "rank"),
    ]  # fmt: skip
    assert tolerable(effects, "channels", score_drop=0.02) == {"a": 0.5, "b": 0.0}


@pytest.mark.parametrize("ratios", [(0.0,), (1.0,), (0.5, 1.5), ()])
def test_ratios_are_between_0_and_1(ratios: tuple[float, ...], trained: Any, digits: Dataset) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        sensitivity(trained.model, digits.features("calibration"), ratios=ratios)


def test_the_command_prints_tables_json_and_a_plot(cli: Callable[..., Any], trained: Any, tmp_path: Path) -> None:
    asked = ("sensitivity", trained.h5, "--data", "digits", "--kind", "rank", "--kind", "sparsity", "--ratio", "0.5")
    shown = cli(*asked, "--samples", "64", "--plot", tmp_path / "p.png")
    assert shown.code == 0 and "Rank given up" in shown.out and "hidden" in shown.out
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    told = json.loads(cli(*asked, "--json").out)
    assert told["schema"] == "edgekit.sensitivity/1"
    assert {e["layer"] for e in told["effects"]} == {"conv", "hidden", "scores"}
    wrong = cli("sensitivity", trained.h5, "--data", "digits", "--kind", "ranks")
    assert wrong.code == 2 and "Did you mean 'rank'" in wrong.err
    assert cli("sensitivity", trained.h5, "--data", "digits", "--ratio", "1").code == 2


@pytest.mark.parametrize("name", ["DepthwiseConv2D", "Conv2DTranspose", "Conv2D"])
def test_weights_are_rounded_by_output_channel(name: str) -> None:
    """A channel of small weights beside one of large ones keeps its precision, whichever axis it is."""
    keras = _tf.tf_keras()
    layer = keras.layers.DepthwiseConv2D(1) if "Depth" in name else getattr(keras.layers, name)(3, 1)
    inputs = keras.Input((4, 4, 3))
    layer(inputs)
    values = np.random.default_rng(0).uniform(0.5, 1.0, layer.weights[0].shape).astype(np.float32)
    axis = -1 if name == "Conv2D" else -2
    by_channel = np.moveaxis(values, axis, -1)
    by_channel *= np.float32([1000.0, 1.0, 0.001])
    layer.weights[0].assign(values)
    x = np.random.default_rng(1).uniform(size=(2, 4, 4, 3)).astype(np.float32)
    small = keras.Model(inputs, layer.output[..., -1:])
    assert sensitivity(small, x, kinds=["int8_weights"])[0].sqnr_db > 30
