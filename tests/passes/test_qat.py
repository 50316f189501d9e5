from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.data import Dataset
from edgekit.keras import load_model, save_model
from edgekit.measure.predict import predict
from edgekit.passes import Context, parse_pass, zero_masks
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer
from edgekit_converters.tflite import ConvertSpec, convert_keras


@pytest.fixture
def context(make_trainer: Callable[..., Trainer], few_digits: Dataset, trained: Any) -> Context:
    trainer = make_trainer(few_digits)
    return Context(trainer, Train(learning_rate=0.005), load_target("generic"), Budget(), trained.score)


def rounded(model: Any) -> set[str]:
    """Layers whose weights are rounded."""
    return {n.name for n in model.layers if getattr(n, "_weight_vars", None)}


def to_int8(model: Any, context: Context, path: Path) -> Any:
    samples = context.trainer.dataset.features("calibration")
    convert_keras(model, path, ConvertSpec(format="int8"), representative=samples)
    return tflite.inspect(path)


def test_trained_with_rounding_converts_to_int8(trained: Any, context: Context, tmp_path: Path) -> None:
    model = parse_pass({"qat": {"finetune": {"epochs": 1}}}).apply(trained.model, context)
    assert {"quant_conv", "quant_hidden", "quant_scores"} <= rounded(model)
    found = to_int8(model, context, tmp_path / "m.tflite")
    assert found.quantization == "int8"
    assert context.trainer.score(model) > context.reference - 0.05
    x = context.trainer.dataset.features("test")
    agree = predict(tmp_path / "m.tflite", x).argmax(1) == model.predict(x, verbose=0).argmax(1)
    assert agree.mean() >= 0.995, "the file is the model that was trained"


def test_without_finetuning_the_ranges_fit_the_data(trained: Any, context: Context) -> None:
    model = parse_pass({"qat": {"finetune": "none"}}).apply(trained.model, context)
    assert context.trainer.score(model) > context.reference - 0.1


def test_rounding_is_learned_in_float32_unless_asked_for(trained: Any, context: Context) -> None:
    mixed = replace(context, train=context.train.model_copy(update={"precision": "mixed_bfloat16"}))
    finetune = {"epochs": 1, "batch_size": 512}
    plain = parse_pass({"qat": {"finetune": finetune}}).apply(trained.model, context)
    same = parse_pass({"qat": {"finetune": finetune}}).apply(trained.model, mixed)
    for a, b in zip(plain.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_skipped_layers_are_calibrated_instead(trained: Any, context: Context, said: list[str], tmp_path: Path) -> None:
    model = parse_pass({"qat": {"skip": ["conv*", "hidden"], "finetune": "none"}}).apply(trained.model, context)
    assert not {"quant_conv", "quant_hidden"} & rounded(model) and "quant_scores" in rounded(model)
    assert any("left to the converter's calibration" in line and "hidden" in line for line in said)
    assert to_int8(model, context, tmp_path / "m.tflite").quantization == "int8"


def test_what_is_left_to_the_converter_is_said(context: Context, said: list[str], tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    model = _tf.tf_keras().Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Reshape((8, 8)),
            layers.Dense(8, name="dense"),
            layers.LayerNormalization(name="norm"),
            layers.GRU(8, name="gru"),
            layers.Dense(10, activation="softmax", name="scores"),
        ]
    )
    result = parse_pass({"qat": {"finetune": "none"}}).apply(model, context)
    assert rounded(result) == {"quant_dense", "quant_scores"}
    assert "qat: left to the converter's calibration: gru" in said
    assert any("the inside is left to calibration: norm" in line for line in said)
    assert to_int8(result, context, tmp_path / "m.tflite").quantization == "int8"


@pytest.mark.parametrize("ranges", ["moving_average", "learned"])
def test_ranges_and_freezing(ranges: str, trained: Any, context: Context, tmp_path: Path) -> None:
    item = parse_pass({"qat": {"ranges": ranges, "freeze_batch_norm": 0.5, "finetune": {"epochs": 2}}})
    model = item.apply(trained.model, context)
    assert context.trainer.score(model) > context.reference - 0.05
    save_model(model, tmp_path / "m.h5")
    x = context.trainer.dataset.features("test")
    np.testing.assert_allclose(load_model(tmp_path / "m.h5")(x[:8]).numpy(), model(x[:8]).numpy(), atol=1e-5)
    to_int8(model, context, tmp_path / "m.tflite")
    agree = predict(tmp_path / "m.tflite", x).argmax(1) == model.predict(x, verbose=0).argmax(1)
    assert agree.mean() >= 0.995


@pytest.mark.parametrize("skip", [[], ["hidden"]])  # a skipped layer before a wrapped one gets a wrapper of its own
def test_zeros_of_sparsify_are_kept(skip: list[str], trained: Any, context: Context, tmp_path: Path) -> None:
    sparse = parse_pass({"sparsify": {"sparsity": 0.8, "finetune": "none"}}).apply(trained.model, context)
    masks = zero_masks(sparse)
    assert {"conv/kernel", "hidden/kernel", "scores/kernel"} == set(masks)
    model = parse_pass({"qat": {"finetune": {"epochs": 1}, "skip": skip}}).apply(sparse, context)
    after = zero_masks(model, least=0)
    for name, mask in masks.items():
        assert after[name][mask].all(), name
    assert to_int8(model, context, tmp_path / "m.tflite").zeros >= sum(m.sum() for m in masks.values())


def test_check_says_what_stands_against_it(trained: Any, context: Context) -> None:
    (finding,) = parse_pass({"qat": {"skip": ["cnov"]}}).check(trained.model, context.target)
    assert finding.where == "skip" and finding.received == "'cnov'" and finding.remedy == "Did you mean 'conv'?"
    twice = parse_pass({"qat": {"finetune": "none"}}).apply(trained.model, context)
    assert any(f.rule == "qat comes once, and last" for f in parse_pass("qat").check(twice, context.target))


def test_weights_are_untouched_without_finetuning(trained: Any, context: Context) -> None:
    model = parse_pass({"qat": {"finetune": "none"}}).apply(trained.model, context)
    kernels = {w.name.split(":")[0].split("/")[-2]: w.numpy() for w in model.weights if "kernel" in w.name}
    np.testing.assert_array_equal(kernels["hidden"], trained.model.get_layer("hidden").get_weights()[0])


def test_rescaling_after_sparsify(context: Context, said: list[str], tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    model = _tf.tf_keras().Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Rescaling(2.0, -1.0, name="scale"),
            layers.SeparableConv2D(8, 3, name="separable"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    sparse = parse_pass({"sparsify": {"sparsity": 0.8, "finetune": "none"}}).apply(model, context)
    result = parse_pass({"qat": {"finetune": {"epochs": 1}}}).apply(sparse, context)
    assert {"quant_separable_depthwise", "quant_separable_pointwise"} <= rounded(result)
    assert zero_masks(result)["separable_pointwise/kernel"].mean() >= 0.7, "its zeros are kept"
    assert any("calibration: scale" in line for line in said)
    assert to_int8(result, context, tmp_path / "m.tflite").quantization == "int8"


def test_zeros_of_attention_and_recurrent_layers_have_names_of_their_own() -> None:
    layers = _tf.tf_keras().layers
    inputs = layers.Input((6, 8))
    x = layers.MultiHeadAttention(2, 4, name="first")(inputs, inputs)
    x = layers.MultiHeadAttention(2, 4, name="second")(x, x)
    x = layers.GRU(4, name="gru2")(layers.GRU(4, return_sequences=True, name="gru1")(x))
    model = _tf.tf_keras().Model(inputs, layers.Dense(2, activation="softmax", name="scores")(x))
    for layer in ("first", "gru1"):
        pruned = model.get_layer(layer)
        pruned.set_weights([np.where(np.arange(w.size).reshape(w.shape) % 2, w, 0) for w in pruned.get_weights()])
    masks = zero_masks(model)
    assert {name.partition("/")[0] for name in masks} == {"first", "gru1"}
    assert {"first/query/kernel", "first/value/kernel", "gru1/gru_cell/kernel"} <= set(masks)
