from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import Finding, RecipeError
from edgekit.keras.macs import model_macs
from edgekit.measure.predict import predict
from edgekit.passes import Context, Stage, parse_pass, zero_masks
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer, seed_everything
from edgekit_converters.tflite import ConvertSpec, convert_keras


@pytest.fixture(scope="module")
def convnet(make_trainer: Callable[..., Trainer]) -> Any:
    """Strided, same and valid convolutions, batch norm, a shortcut and two dense layers, trained on digits."""
    keras = _tf.tf_keras()
    layers = keras.layers
    seed_everything(0)
    image = layers.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1")(image)
    x = layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False, name="conv2")(x)
    x = layers.ReLU(name="conv2_relu")(layers.BatchNormalization(momentum=0.8, name="conv2_bn")(x))
    x = layers.Add(name="add")([x, layers.Conv2D(24, 3, padding="same", name="conv3")(x)])
    x = layers.Conv2D(16, 1, activation="relu", name="conv4")(x)
    x = layers.Flatten(name="flatten")(layers.Conv2D(16, 3, activation="relu", name="conv5")(x))
    x = layers.Dense(32, activation="relu", name="hidden")(x)
    model = keras.Model(image, layers.Dense(10, activation="softmax", name="scores")(x), name="convnet")
    make_trainer().fit(model, Train(epochs=6, learning_rate=0.01), name="convnet")
    return model


@pytest.fixture(scope="module")
def reference(make_trainer: Callable[..., Trainer], convnet: Any) -> float:
    return make_trainer().score(convnet)


@pytest.fixture
def context(make_trainer: Callable[..., Trainer], reference: float, few_digits: Any) -> Context:
    trainer = make_trainer(few_digits)
    return Context(trainer, Train(learning_rate=0.01), load_target("generic"), Budget(), reference)


def low_rank(model: Any, context: Context, **options: Any) -> Any:
    item = parse_pass({"low_rank": {"finetune": "none", **options}})
    assert item.check(model, context.target) == []
    return item.apply(model, context)


@pytest.mark.parametrize("method", ["auto", "spatial", "tucker", "cp", "separable", "svd"])
def test_every_method_saves_macs_and_keeps_accuracy(
    method: str, convnet: Any, context: Context, said: list[str]
) -> None:
    before = [w.copy() for w in convnet.get_weights()]
    found = low_rank(convnet, context, method=method, energy=0.97)
    assert model_macs(found) < (1.0 if method == "svd" else 0.95) * model_macs(convnet)
    assert context.trainer.score(found) > context.reference - 0.1
    for w, old in zip(convnet.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old, "the model given is left as it is")
    names = {layer.name for layer in found.layers}
    assert {layer.name for layer in convnet.layers} <= names, "every layer's name is still there"
    assert any("_rank_" in n for n in names)
    assert "MACs" in "\n".join(said) and "relative output error" in "\n".join(said)


def test_dropout_falls_with_the_weights_that_are_left(context: Context) -> None:
    layers = _tf.tf_keras().layers
    image = layers.Input((8, 8, 1))
    x = layers.Dense(32, activation="relu", name="wide")(layers.Flatten()(image))
    x = layers.Dropout(0.4, name="drop")(x)
    model = _tf.tf_keras().Model(image, layers.Dense(10, activation="softmax", name="scores")(x))
    found = low_rank(model, context, layers={"wide": 5, "scores": 0})
    left = (64 * 5 + 5 * 32) / (64 * 32)
    assert found.get_layer("drop").rate == pytest.approx(0.4 * left**0.5)
    assert model.get_layer("drop").rate == 0.4


def test_the_last_factor_is_the_layer_as_others_see_it(convnet: Any, context: Context) -> None:
    found = low_rank(convnet, context, method="spatial", rank=4)
    first, last = found.get_layer("conv2_rank_v"), found.get_layer("conv2")
    assert first.kernel.shape == (3, 1, 16, 4) and last.kernel.shape == (1, 3, 4, 24)
    assert first.strides == (2, 1) and last.strides == (1, 2)
    assert not first.use_bias and not last.use_bias, "batch normalisation folds into it"
    assert found.get_layer("conv5").activation.__name__ == "relu" and found.get_layer("conv5").use_bias
    assert found.get_layer("hidden_rank_in").activation.__name__ == "linear"


def test_data_lower_the_error(convnet: Any, context: Context) -> None:
    x = context.trainer.dataset.features("test")
    errors = {}
    for aware in (True, False):
        found = low_rank(convnet, context, method="spatial", fraction=0.5, data_aware=aware)
        errors[aware] = np.mean((found.predict(x, verbose=0) - convnet.predict(x, verbose=0)) ** 2)
    assert errors[True] < 0.5 * errors[False]


@pytest.mark.parametrize("options", [{}, {"method": "spatial"}, {"layers": {"conv3": 6, "hid*": 0}}])
def test_macs_are_shared_out_over_the_layers(options: dict[str, Any], convnet: Any, context: Context) -> None:
    found = low_rank(convnet, context, macs=0.6, **options)
    assert 0.55 * model_macs(convnet) < model_macs(found) <= 0.6 * model_macs(convnet)
    if "layers" in options:
        names = [layer.name for layer in found.layers]
        assert "hidden_rank_in" not in names and any(n.startswith("conv3_rank") for n in names)


@pytest.mark.parametrize("options", [{"rank": "evbmf"}, {"fraction": 0.25}, {"rank": 4}])
def test_other_rules(options: dict[str, Any], convnet: Any, context: Context) -> None:
    found = low_rank(convnet, context, method="tucker", **options)
    core = found.get_layer("conv3_rank_core").kernel.shape
    if options.get("rank") != "evbmf":
        assert core == {"fraction": (3, 3, 6, 6), "rank": (3, 3, 4, 4)}[next(iter(options))]
    assert model_macs(found) < model_macs(convnet)


def test_layers_by_pattern(convnet: Any, context: Context) -> None:
    layers = {"conv3": (5, 7), "conv*": False, "hidden": "off", "scores": 0}
    found = low_rank(convnet, context, layers=layers)
    assert [layer.name for layer in found.layers if "_rank_" in layer.name] == ["conv3_rank_in", "conv3_rank_core"]
    assert found.get_layer("conv3_rank_core").kernel.shape == (3, 3, 5, 7)


def test_ranks_follow_the_targets_channel_multiple(convnet: Any, context: Context, said: list[str]) -> None:
    target = load_target("ethos-u55")
    context = Context(context.trainer, context.train, target, context.budget, context.reference)
    found = low_rank(convnet, context, method="spatial", energy=0.8)
    widths = [layer.filters for layer in found.layers if layer.name.endswith("_rank_v")]
    assert widths and all(w % target.channel_multiple == 0 for w in widths)
    assert "left alone: " in "\n".join(said)
    assert "scores_rank_in" not in {layer.name for layer in found.layers}, "10 scores cost what 16 do"


def test_finetuning_repairs(convnet: Any, context: Context, said: list[str]) -> None:
    hard = low_rank(convnet, context, macs=0.25)
    tuned = low_rank(convnet, context, macs=0.25, finetune={"epochs": 2, "learning_rate": 0.005})
    assert context.trainer.score(tuned) > context.trainer.score(hard) + 0.02
    assert model_macs(tuned) == model_macs(hard)
    auto = low_rank(convnet, context, energy=0.9999, finetune="auto")
    assert "within budget, no fine-tuning" in "\n".join(said)
    assert context.good_enough(context.trainer.score(auto))


def test_int8_after_it(convnet: Any, context: Context, tmp_path: Path) -> None:
    x, labels = context.trainer.dataset.features("test")[:200], context.trainer.dataset.labels("test")[:200]
    for method in ("cp", "separable"):
        found = low_rank(convnet, context, method=method, energy=0.97)
        spec, path = ConvertSpec.model_validate({"format": "int8"}), tmp_path / f"{method}.tflite"
        convert_keras(found, path, spec, representative=context.trainer.dataset.features("calibration"))
        expected = float(np.mean(found.predict(x, verbose=0).argmax(-1) == labels))
        assert np.mean(predict(path, x).argmax(-1) == labels) > expected - 0.04, method


def test_sparsify_and_qat_after_it(convnet: Any, context: Context) -> None:
    passes = [
        parse_pass(p)
        for p in (
            {"low_rank": {"energy": 0.97, "finetune": "none"}},
            {"sparsify": {"sparsity": 0.3, "finetune": "none"}},
            {"qat": {"finetune": "none"}},
        )
    ]
    made, model = [], convnet
    for item in passes:
        assert item.check(model, context.target) == []
        model = item.apply(model, context)
        made.append(model)
    assert passes[0].stage == Stage.STRUCTURE < passes[1].stage
    assert context.trainer.score(model) > context.reference - 0.1
    assert passes[0].lost(made[0], made[1]) == passes[0].lost(made[0], made[2]) == []
    masks = zero_masks(made[2])
    assert any("_rank_" in name for name in masks), "factors are pruned as other layers are"


def test_lost_ranks_are_noticed(convnet: Any, context: Context) -> None:
    item = parse_pass({"low_rank": {"finetune": "none", "method": "tucker", "rank": 4}})
    made, wider = item.apply(convnet, context), low_rank(convnet, context, method="tucker", rank=6)
    grown = Finding("The layer keeps its number of inner channels", "6 in place of 4", where="conv3_rank_in")
    assert grown in item.lost(made, wider)
    assert item.lost(wider, made) == [], "narrower is no loss"
    assert Finding("The low-rank factor is still there", where="conv3_rank_core") in item.lost(made, convnet)


def test_the_same_again(convnet: Any, context: Context) -> None:
    one, two = (low_rank(convnet, context, method="cp", rank=6) for _ in range(2))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"energy": 1.0}, "low_rank.energy must fit: Input should be less than 1"),
        ({"energy": 0}, "low_rank.energy must fit: Input should be greater than 0"),
        ({"fraction": 1.5}, "low_rank.fraction must fit"),
        ({"macs": 0}, "low_rank.macs must fit"),
        ({"rank": 0}, "low_rank.rank"),
        ({"rank": "evbm"}, "low_rank.rank"),
        ({"method": "spacial"}, "low_rank.method must fit"),
        ({"energy": 0.9, "macs": 0.5}, "one of energy, fraction, rank and macs, not energy and macs"),
        ({"layers": {"conv*": True}}, "layers gives a rank, or off"),
        ({"layers": {"conv*": -1}}, "low_rank.layers"),
    ],
)
def test_recipes_that_break_a_rule(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_pass({"low_rank": options})


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"layers": {"cnov": 4}}, "layers: Each name or pattern fits a layer of the model (received 'cnov'"),
        ({"layers": {"conv2_bn": 4}}, "conv2_bn: The layer has a low-rank form (received BatchNormalization)"),
        (
            {"layers": {"hidden": 33}},
            "hidden: A rank of the form svd is from 1 to full, which is 32 here (received 33;",
        ),
        ({"rank": 200}, "rank: A rank is at most the full rank of some layer, here 72 of 'conv3' (received 200)"),
        ({"macs": 0.01}, "macs: Rank 1 leaves 0."),
        ({"layers": {"*": 0}}, "The model has a layer whose MACs fall by the method auto"),
    ],
)
def test_check_says_what_stands_against_it(
    options: dict[str, Any], finding: str, convnet: Any, context: Context
) -> None:
    (found,) = parse_pass({"low_rank": options}).check(convnet, context.target)
    assert str(found).startswith(finding)


def test_shared_and_quantised_layers_are_found(convnet: Any, context: Context) -> None:
    keras = _tf.tf_keras()
    image, layer = keras.Input((8, 8, 16)), keras.layers.Conv2D(16, 3, padding="same", name="twice")
    shared = keras.Model(image, keras.layers.Conv2D(8, 3, name="once")(layer(layer(image))))
    (finding,) = parse_pass("low_rank").check(shared, context.target)
    assert str(finding) == "twice: The layer is called once (received 2 calls; Leave it alone with layers: {twice: 0})"
    left = low_rank(shared, context, layers={"twice": 0}, data_aware=False, method="spatial", rank=4)
    assert [layer.name for layer in left.layers if "_rank_" in layer.name] == ["once_rank_v"]
    quantised = parse_pass({"qat": {"finetune": "none"}}).apply(convnet, context)
    assert "before qat" in parse_pass("low_rank").check(quantised, context.target)[0].rule
