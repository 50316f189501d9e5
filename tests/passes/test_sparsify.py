from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.models.tflite import inspect_tflite
from edgekit.passes import Context, parse_pass, zero_masks
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer
from edgekit_converters.tflite import ConvertSpec, convert_keras


@pytest.fixture
def context(make_trainer: Callable[..., Trainer], trained: Any) -> Context:
    trainer, log = make_trainer(), []
    reference = trainer.score(trained.model)
    return Context(trainer, Train(learning_rate=0.01), load_target("generic"), Budget(), reference, log.append)


def sparsify(model: Any, context: Context, **options: Any) -> Any:
    item = parse_pass({"sparsify": {"finetune": "none", **options}})
    assert item.check(model, context.target) == []
    return item.apply(model, context)


def zeros(model: Any) -> dict[str, float]:
    return {name: float(mask.mean()) for name, mask in zero_masks(model, least=0).items()}


@pytest.mark.parametrize("sparsity", [0.3, 0.75, 0.95])
def test_every_kernel_reaches_its_sparsity(sparsity: float, trained: Any, context: Context) -> None:
    before = [w.copy() for w in trained.model.get_weights()]
    found = sparsify(trained.model, context, sparsity=sparsity)
    for name, share in zeros(found).items():
        assert share == pytest.approx(sparsity, abs=0.02), name
    for w, old in zip(trained.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old, "the model given is left as it is")
    assert [layer.name for layer in found.layers] == [layer.name for layer in trained.model.layers]


def test_the_smallest_weights_go_and_the_others_stay(trained: Any, context: Context) -> None:
    kernel = trained.model.get_layer("hidden").get_weights()[0]
    pruned = sparsify(trained.model, context, sparsity=0.5).get_layer("hidden").get_weights()[0]
    assert np.abs(kernel[pruned == 0]).max() <= np.abs(kernel[pruned != 0]).min()
    np.testing.assert_array_equal(pruned[pruned != 0], kernel[pruned != 0])


def test_layers_by_pattern(trained: Any, context: Context) -> None:
    found = zeros(sparsify(trained.model, context, sparsity=0.5, layers={"conv*": 0.0, "hid*": 0.9}))
    assert found["conv/kernel"] == 0
    assert found["hidden/kernel"] == pytest.approx(0.9, abs=0.01)
    assert found["scores/kernel"] == pytest.approx(0.5, abs=0.01)
    assert any("left alone: conv" in line for line in context.log.__self__)  # type: ignore[attr-defined]


def test_blocks(trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, sparsity=0.5, block=[4, 4])
    mask = found.get_layer("hidden").get_weights()[0] == 0
    blocks = mask.reshape(mask.shape[0] // 4, 4, mask.shape[1] // 4, 4).swapaxes(1, 2).reshape(-1, 16)
    assert set(blocks.sum(1)) == {0, 16}, "a block goes whole or stays whole"
    assert mask.mean() == pytest.approx(0.5, abs=0.05)
    assert zeros(found)["conv/kernel"] == 0, "a convolution is no matrix"


@pytest.mark.parametrize("finetune", ["none", {"epochs": 1}])
def test_two_of_four(finetune: object, trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, pattern="2:4", finetune=finetune)
    kernel = found.get_layer("hidden").get_weights()[0]
    groups = (kernel == 0).reshape(kernel.shape[0] // 4, 4, kernel.shape[1])
    assert (groups.sum(1) >= 2).all(), "2 zeros in every 4 weights of an output"
    assert zeros(found)["conv/kernel"] == 0, "1 input channel is no multiple of 4"


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "polynomial"},
        {"schedule": "polynomial", "initial_sparsity": 0.4, "begin": 0.2, "end": 0.9, "frequency": 1},
        {"schedule": "constant", "begin": 0.5, "end": 1.0},
    ],
)
def test_schedules_end_at_the_sparsity_asked_for(options: dict[str, Any], trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, sparsity=0.8, finetune={"epochs": 3, "learning_rate": 0.01}, **options)
    for name, share in zeros(found).items():
        assert share == pytest.approx(0.8, abs=0.02), name
    assert not np.allclose(found.get_weights()[-1], trained.model.get_weights()[-1]), "it was fine-tuned"
    at_once = sparsify(trained.model, context, sparsity=0.8)
    assert context.trainer.score(found) > context.trainer.score(at_once) + 0.1


def test_finetuning_without_much_pruning_costs_nothing(trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, sparsity=0.05, finetune={"epochs": 1})
    assert context.trainer.score(found) > context.reference - 0.03


def test_auto_trains_only_where_the_budget_asks_for_it(trained: Any, context: Context) -> None:
    said: list[str] = context.log.__self__  # type: ignore[attr-defined]
    mild = sparsify(trained.model, context, sparsity=0.1, finetune="auto")
    np.testing.assert_array_equal(mild.get_weights()[-1], trained.model.get_weights()[-1])
    assert any("within budget, no fine-tuning" in line for line in said)
    hard = sparsify(trained.model, context, sparsity=0.9, finetune="auto")
    assert any("below budget, fine-tuning" in line for line in said)
    untouched = sparsify(trained.model, context, sparsity=0.9, finetune="none")
    assert context.trainer.score(hard) > context.trainer.score(untouched)


def test_zeros_are_in_the_file(trained: Any, context: Context, tmp_path: Path) -> None:
    found = sparsify(trained.model, context, sparsity=0.8)
    expected = sum(int(m.sum()) for m in zero_masks(found).values())
    for kind in ("float32", "int8"):
        spec = ConvertSpec.model_validate({"format": kind})
        convert_keras(
            found, tmp_path / "m.tflite", spec, representative=context.trainer.dataset.features("calibration")
        )
        assert inspect_tflite(tmp_path / "m.tflite").zeros >= expected


def separable() -> Any:
    keras = _tf.tf_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.SeparableConv2D(8, 3, name="separable"),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.Conv2DTranspose(4, 3, name="transposed"),
            layers.Flatten(),
            layers.Reshape((-1, 4)),
            layers.Conv1D(4, 3, name="conv1d"),
        ]
    )


def test_other_kinds_of_layers(context: Context) -> None:
    found = zeros(sparsify(separable(), context, sparsity=0.5))
    assert found == {
        "separable/depthwise_kernel": 0.0,
        "separable/pointwise_kernel": 0.5,
        "depthwise/depthwise_kernel": 0.0,
        "transposed/kernel": 0.5,
        "conv1d/kernel": pytest.approx(0.5, abs=0.02),
    }


def test_depthwise_kernels_on_request(context: Context) -> None:
    others = {"separable": 0.0, "transposed": 0.0, "conv1d": 0.0}
    found = zeros(sparsify(separable(), context, layers={**others, "depthwise": 0.5}))
    assert found["depthwise/depthwise_kernel"] == pytest.approx(0.5, abs=0.02)
    assert found["separable/pointwise_kernel"] == 0


@pytest.mark.parametrize("option", [{"pattern": "2:4"}, {"block": [2, 2]}])
def test_forms_that_a_kind_of_layer_cannot_take_leave_it_alone(option: dict[str, Any], context: Context) -> None:
    keras = _tf.tf_keras()
    model = keras.Sequential(
        [keras.layers.Input((8, 4)), keras.layers.Conv1D(4, 3, name="c"), keras.layers.Dense(4, name="d")]
    )
    found = zeros(sparsify(model, context, **option))
    assert found["c/kernel"] == 0 and found["d/kernel"] == 0.5


def test_check_says_what_stands_against_it(trained: Any, context: Context) -> None:
    (finding,) = parse_pass({"sparsify": {"layers": {"cnov": 0.5}}}).check(trained.model, context.target)
    assert finding == "layers names 'cnov', which no layer of the model fits"
    keras = _tf.tf_keras()
    flat = keras.Sequential([keras.layers.Input((4, 4)), keras.layers.Flatten()])
    assert parse_pass("sparsify").check(flat, context.target) == ["the model has no layer that can be pruned"]
