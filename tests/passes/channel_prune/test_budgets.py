"""Budgets and fractions are met in the model and in its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit import _tf, tflite
from edgekit.errors import ModelError
from edgekit.keras.macs import model_macs
from edgekit.methods.channels import analyse
from edgekit.passes import Context, parse_pass
from edgekit.training import seed_everything
from edgekit_converters.tflite import ConvertSpec, convert_keras

PLAIN = {"criterion": "l1", "correct": False}
"""Where it does not matter which channels go: without data and without repair, both of which take time."""


@pytest.mark.parametrize(
    ("unit", "options"),
    [
        ("macs", {}),
        ("params", {"scope": "uniform", "criterion": "l2"}),
        ("macs", {"scope": "uniform", "criterion": "batch_norm", "correct": False}),
        ("params", {"per_cost": False, "normalise": True, "steps": 2}),
    ],
)
def test_the_budget_is_met_in_the_counted_model(
    unit: str,
    options: dict[str, Any],
    residual: Any,
    context: Context,
    prune: Callable[..., Any],
    said: list[str],
) -> None:
    count = model_macs if unit == "macs" else lambda m: m.count_params()
    found = prune(residual, context, **{unit: 0.4}, **options)
    share = count(found) / count(residual)
    assert 0.3 < share <= 0.4
    assert any(f"({share:.3f})" in line for line in said)


def test_macs_count_in_the_file_too(residual: Any, context: Context, tmp_path: Path, prune: Callable[..., Any]) -> None:
    found = prune(residual, context, macs=0.5, **PLAIN)
    macs = {}
    for name, made in (("before", residual), ("after", found)):
        convert_keras(made, tmp_path / f"{name}.tflite", ConvertSpec(format="float32"))
        macs[name] = tflite.inspect(tmp_path / f"{name}.tflite").macs
        assert macs[name] == model_macs(made)
    assert macs["after"] <= 0.5 * macs["before"]
    assert (tmp_path / "after.tflite").stat().st_size < 0.8 * (tmp_path / "before.tflite").stat().st_size


def test_bytes_are_those_of_an_integer_file(
    residual: Any, context: Context, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    found, sizes = prune(residual, context, bytes=0.5, **PLAIN), {}
    calibration = context.trainer.dataset.features("calibration")
    for name, made in (("before", residual), ("after", found)):
        spec = ConvertSpec(format="int8")
        convert_keras(made, tmp_path / f"{name}.tflite", spec, representative=calibration)
        sizes[name] = sum(tflite.inspect(tmp_path / f"{name}.tflite").constants.values())
    assert sizes["after"] == pytest.approx(0.5 * sizes["before"], rel=0.05)


def test_ratio_takes_the_same_share_of_every_group(
    residual: Any,
    context: Context,
    prune: Callable[..., Any],
    said: list[str],
    width: Callable[[Any, str], int],
) -> None:
    found = prune(residual, context, ratio=0.25)
    for layer in residual.layers:
        if layer.name != "scores" and layer.weights:
            assert width(found, layer.name) == 0.75 * width(residual, layer.name), layer.name
    assert width(found, "scores") == 10
    assert "channel_prune: stem, stack1_conv2: 16 -> 12 channels" in said


def test_ratios_by_pattern_and_in_steps(
    residual: Any, context: Context, prune: Callable[..., Any], width: Callable[[Any, str], int]
) -> None:
    found = prune(residual, context, ratios={"stack2_*": 0.5, "stack1_conv1": 0.25}, steps=2, **PLAIN)
    widths = {n: width(found, n) for n in ("stem", "stack1_conv1", "stack1_conv2", "stack2_conv1", "stack2_skip")}
    assert widths == {"stem": 16, "stack1_conv1": 12, "stack1_conv2": 16, "stack2_conv1": 16, "stack2_skip": 16}


def test_ratios_by_sensitivity_take_what_each_group_bears(
    trained: Any, context: Context, prune: Callable[..., Any], said: list[str]
) -> None:
    strict = prune(trained.model, context, ratios="sensitivity", tolerance=0.01)
    loose = prune(trained.model, context, ratios="sensitivity", tolerance=0.5)
    assert model_macs(loose) < model_macs(strict) <= model_macs(trained.model)
    assert any("hidden tolerates the loss of" in line for line in said)
    assert context.trainer.score(strict) > context.reference - 0.1


def test_widths_are_what_the_target_prefers(residual: Any, context: Context, prune: Callable[..., Any]) -> None:
    narrow = replace(context, target=context.target.model_copy(update={"channel_multiple": 8}))
    found = prune(residual, narrow, macs=0.5, **PLAIN)
    assert model_macs(found) <= 0.5 * model_macs(residual)
    assert all(len(g.channels) % 8 == 0 for g in analyse(found).groups)
    odd = prune(residual, narrow, macs=0.5, multiple=1, **PLAIN)
    assert model_macs(found) < model_macs(odd) <= 0.5 * model_macs(residual)


def test_min_keep_and_skip(
    residual: Any, context: Context, prune: Callable[..., Any], width: Callable[[Any, str], int]
) -> None:
    found = prune(residual, context, macs=0.6, min_keep=0.5, skip=["stack2*"], **PLAIN)
    for layer in residual.layers:
        if layer.weights and layer.name != "scores":
            least = 1.0 if layer.name.startswith("stack2") else 0.5
            assert width(found, layer.name) >= least * width(residual, layer.name), layer.name


def test_uniform_takes_the_same_fraction_whatever_the_rounds(
    context: Context, prune: Callable[..., Any], width: Callable[[Any, str], int]
) -> None:
    layers = _tf.tf_keras().layers
    seed_everything(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", name="narrow")(inputs)
    x = layers.Conv2D(64, 3, padding="same", name="wide")(x)
    x = layers.Dense(10, activation="softmax", name="scores")(layers.GlobalAveragePooling2D()(x))
    model = _tf.tf_keras().Model(inputs, x)
    found = [prune(model, context, macs=0.3, scope="uniform", multiple=4, rounds=rounds) for rounds in (1, 5)]
    assert [(width(m, "narrow"), width(m, "wide")) for m in found] == [(8, 32), (8, 32)]


@pytest.mark.parametrize(
    "options",
    [
        {"instructions": 0.5},
        {"instructions": 0.3, "steps": 2, "scope": "uniform"},
        {"instructions": 0.9, "multiple": 8, "rounds": 10},
    ],
)
def test_instructions_are_budgeted_by_counting_choices(
    options: Any, residual: Any, context: Context, prune: Callable[..., Any], width: Callable[[Any, str], int]
) -> None:
    asked = []

    def count(model: Any) -> int:
        """Neither proportional to MACs nor smooth in them."""
        asked.append(model)
        return 40_000 + 3 * model_macs(model) + 2_000 * sum(width(model, n) % 8 != 0 for n in ("stem", "stack2_conv1"))

    found = prune(residual, replace(context, instructions=count), **options, **PLAIN)
    fraction = options["instructions"]
    assert 0.85 * fraction < count(found) / count(residual) <= fraction
    assert len(asked) < 25


def test_instructions_that_cannot_be_reached_are_refused(
    residual: Any, context: Context, prune: Callable[..., Any]
) -> None:
    counting = replace(context, instructions=lambda model: 1_000_000 + model_macs(model))
    with pytest.raises(ModelError, match=r"must reach instructions: 0.3. Received: at least 0\.\d+"):
        prune(residual, counting, instructions=0.3, **PLAIN)
    with pytest.raises(ModelError, match="no converter and no runtime"):
        prune(residual, context, instructions=0.3)


def test_a_budget_that_rounding_misses_is_an_error_not_a_lie(residual: Any, context: Context) -> None:
    item = parse_pass({"channel_prune": {"macs": 0.1, "min_keep": 0.9, "finetune": "none", "criterion": "l1"}})
    with pytest.raises(ModelError, match="must reach macs: 0.1"):
        item.apply(residual, context)
