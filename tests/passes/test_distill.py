from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.data import DataSpec, load_data
from edgekit.errors import EdgekitError, ModelError, RecipeError
from edgekit.keras import save_model
from edgekit.passes import Context, parse_pass, zero_masks
from edgekit.target import Budget, load_target
from edgekit.training import Distillation, Objective, Train, Trainer, keras_teacher
from edgekit.training.student import narrower

PLAN = Train(epochs=1, learning_rate=0.01, batch_size=128)


@pytest.fixture
def context(make_trainer: Callable[..., Trainer]) -> Context:
    return Context(make_trainer(), PLAN, load_target("generic"), Budget(), 0.9)


def distill(model: Any, context: Context, **options: Any) -> Any:
    item = parse_pass({"distill": options})
    assert item.check(model, context.target) == []
    return item.apply(model, context)


def findings(model: Any, target: str = "generic", **options: Any) -> str:
    return "; ".join(map(str, parse_pass({"distill": options}).check(model, load_target(target))))


def widths(model: Any) -> dict[str, int]:
    return {layer.name: layer.output_shape[-1] for layer in model.layers if layer.weights}


def test_the_same_network_is_born_again(trained: Any, context: Context, said: list[str]) -> None:
    student = distill(trained.model, context, train={"epochs": 6, "learning_rate": 0.01}, alpha=0.7)
    assert widths(student) == widths(trained.model)
    assert not np.allclose(student.get_weights()[0], trained.model.get_weights()[0], atol=0.05)
    assert context.trainer.score(student) > 0.85
    assert any("taught by the model" in line for line in said)
    copy = distill(trained.model, context, finetune="none")
    np.testing.assert_array_equal(copy.get_weights()[0], trained.model.get_weights()[0])


def test_a_narrower_student_learns(trained: Any, context: Context) -> None:
    student = distill(trained.model, context, width=0.5, train={"epochs": 8, "learning_rate": 0.01})
    assert widths(student) == {"conv": 4, "conv_bn": 4, "hidden": 8, "scores": 10}
    assert context.trainer.score(student) > 0.5


def test_a_named_network_and_a_users_file(trained: Any, context: Context, tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    mine = _tf.tf_keras().Sequential(
        [layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10, activation="softmax", name="mine")]
    )
    save_model(mine, tmp_path / "mine.h5")
    student = distill(trained.model, context, student=str(tmp_path / "mine.h5"))
    assert [layer.name for layer in student.layers if layer.weights] == ["mine"]
    assert not np.allclose(student.get_weights()[0], mine.get_weights()[0])
    assert findings(trained.model, student="digits_cnn") == ""
    assert "Did you mean 'digits_cnn'" in findings(trained.model, student="digits_cn")


def test_widths_follow_the_target_the_groups_and_the_ties() -> None:
    keras = _tf.tf_keras()
    layers = keras.layers
    words = layers.Input((6,), dtype="int32")
    x = layers.Embedding(50, 64, name="embedding")(words)
    x = layers.EinsumDense("nld,de->nle", (6, 64), bias_axes="le", name="positions")(x)
    y = layers.MultiHeadAttention(4, 16, name="attention")(x, x)
    x = layers.Add()([x, y])
    x = layers.Conv1D(48, 3, groups=4, name="grouped")(x)
    x = layers.GRU(30, name="gru")(x)
    model = keras.Model(words, layers.Softmax()(layers.Dense(3, name="last")(x)))
    half = narrower(model, 0.5)
    assert widths(half) == {"embedding": 32, "positions": 32, "attention": 32, "grouped": 24, "gru": 15, "last": 3}
    assert half.get_layer("attention").get_config()["key_dim"] == 8
    by8 = narrower(model, 0.6, 8)
    assert widths(by8) == {"embedding": 40, "positions": 40, "attention": 40, "grouped": 32, "gru": 16, "last": 3}
    assert half(np.zeros((2, 6), np.int32)).shape == (2, 3)


def tied_to_the_input() -> Any:
    keras = _tf.tf_keras()
    layers = keras.layers
    image = layers.Input((8, 8, 4))
    x = layers.Add()([image, layers.Conv2D(4, 3, padding="same", name="tied")(image)])
    return keras.Model(image, layers.Dense(10)(layers.Flatten()(x)))


def test_networks_that_cannot_be_narrower() -> None:
    assert "whose layers follow the channels before them" in findings(tied_to_the_input(), width=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"width": 0.5, "finetune": "none"},
            "finetune: A new student is trained, for it knows nothing (received none",
        ),
        ({"features": [{"student": "conv", "teacher": "cnov"}]}, "layer of the teacher (received 'cnov'; Did you"),
        ({"attention": [{"student": "hidden", "teacher": "conv"}]}, "as many places"),
        ({"student": "nowhere.h5"}, "A model file must exist"),
    ],
)
def test_check_says_what_stands_against_it(options: Any, message: str, trained: Any) -> None:
    assert message in findings(trained.model, **options)


def test_other_classes_are_refused(trained: Any, context: Context, tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    five = _tf.tf_keras().Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(5, activation="softmax")])
    save_model(five, tmp_path / "five.h5")
    assert "gives as many outputs, [10]" in findings(trained.model, student=str(tmp_path / "five.h5"))
    with pytest.raises(ModelError, match=r"as many classes as its student, \[10\]. Received: .*five.h5 .* \[5\]"):
        distill(trained.model, context, teacher=str(tmp_path / "five.h5"))


@pytest.mark.parametrize("value", [0, 1, 1.5])
def test_a_width_beyond_its_range(value: float) -> None:
    with pytest.raises(RecipeError, match="distill.width must fit"):
        parse_pass({"distill": {"width": value}})
    with pytest.raises(RecipeError, match="student and width exclude each other"):
        parse_pass({"distill": {"width": 0.5, "student": "resnet8"}})


def test_wrapped_students_learn_too(trained: Any, few_digits: Any, make_trainer: Callable[..., Trainer]) -> None:
    """Pruning and quantisation-aware training with all kinds of distillation: zeros stay, and the teacher counts."""
    pair = [{"student": "conv", "teacher": "conv_relu"}]
    settings = Distillation.model_validate({"features": pair, "attention": pair, "temperature": 2})
    teacher = keras_teacher(trained.model, name="the baseline")
    trainer = replace(make_trainer(few_digits), objective=Objective(distill=settings), teacher=teacher)
    context = Context(trainer, PLAN, load_target("generic"), Budget(), 0.9)
    pruned = parse_pass({"sparsify": {"sparsity": 0.6, "finetune": {"epochs": 3}}}).apply(trained.model, context)
    assert all(mask.mean() > 0.55 for mask in zero_masks(pruned, least=0).values())
    quantized = parse_pass({"qat": {"finetune": {"epochs": 1}}}).apply(pruned, context)
    assert all(mask.mean() > 0.55 for mask in zero_masks(quantized, least=0).values())
    assert trainer.score(quantized) > 0.8
    plain = replace(context, trainer=replace(trainer, teacher=None))
    alone = parse_pass({"sparsify": {"sparsity": 0.6, "finetune": {"epochs": 3}}}).apply(trained.model, plain)
    assert not np.allclose(alone.get_weights()[0], pruned.get_weights()[0])


@pytest.mark.slow  # three whole runs
def test_a_run_teaches_and_its_steps_know_by_whom(
    trained: Any, tflites: dict[str, Path], npz: Path, tmp_path: Path
) -> None:
    count = sum(
        len(load_data(DataSpec(source=str(npz), calibration=16)).splits[n])
        for n in ("train", "validation", "calibration")
    )
    np.savez(tmp_path / "logits.npz", logits=np.zeros((count, 10)))
    data = {"source": str(npz), "calibration": 16}
    recipe: dict[str, Any] = {"model": str(trained.h5), "data": data, "budget": {"accuracy_drop": 1.0}}
    recipe |= {"passes": [{"distill": {"width": 0.5, "teacher": str(tflites["int8"]), "train": {"epochs": 1}}}]}
    recipe |= {"convert": ["float32"]}

    def steps(**changes: Any) -> list[str]:
        manifest = edgekit.compress({**recipe, **changes}, tmp_path / "out")
        return [s.name for s in manifest.steps if not s.cached]

    assert steps() == ["baseline", "distill", "convert float32"]
    assert len(list((tmp_path / "out" / ".edgekit" / "teachers").rglob("outputs-0.npy"))) == 1
    assert steps() == []
    by_objective: dict[str, Any] = {"objective": {"distill": {"teacher": str(tmp_path / "logits.npz")}}}
    by_objective |= {"passes": [{"sparsify": {"sparsity": 0.3, "finetune": {"epochs": 1}}}]}
    assert steps(**by_objective) == ["sparsify", "convert float32"]
    np.savez(tmp_path / "logits.npz", logits=np.eye(10)[np.zeros(count, int)])
    assert steps(**by_objective) == ["sparsify", "convert float32"], "the same name, another teacher"
    assert steps(**by_objective) == []


@pytest.mark.parametrize(
    ("distill", "said"),
    [
        ({"teacher": "logits.npz"}, "before the split: {count}.*Received: {fewer} rows"),
        ({"attention": [{"student": "conv", "teacher": "cnov"}]}, "Did you mean 'conv'"),
    ],
)
def test_what_cannot_teach_is_refused_before_any_training(
    distill: dict[str, Any], said: str, trained: Any, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    count = sum(
        len(load_data(DataSpec(source=str(npz), calibration=16)).splits[n])
        for n in ("train", "validation", "calibration")
    )
    np.savez("logits.npz", logits=np.ones((count - 1, 10)))
    recipe: dict[str, Any] = {"model": str(trained.h5), "data": {"source": str(npz), "calibration": 16}}
    recipe |= {"objective": {"distill": distill}, "passes": [{"sparsify": {"finetune": {"epochs": 1}}}]}
    with pytest.raises(EdgekitError, match=said.format(count=count, fewer=count - 1)):
        edgekit.compress(recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()
