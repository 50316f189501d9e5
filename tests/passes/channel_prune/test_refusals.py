"""What cannot be done is refused before any training, with the layer named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgekit import _tf
from edgekit.errors import RecipeError
from edgekit.passes import Context, parse_pass


@pytest.mark.parametrize(
    "options",
    [{"ratio": 0}, {"macs": 1}, {"instructions": 0}, {"params": 1.5}, {"ratios": {"conv": 1.0}}, {"steps": 0}],
)
def test_fractions_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=f"channel_prune.{next(iter(options))}"):
        parse_pass({"channel_prune": options})


def test_two_budgets_are_refused() -> None:
    with pytest.raises(RecipeError, match="not macs and ratio"):
        parse_pass({"channel_prune": {"macs": 0.5, "ratio": 0.5}})


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"ratios": {"cnov": 0.5}}, "ratios: Each name or pattern fits a layer of the model (received 'cnov'"),
        ({"skip": ["x*"]}, "skip: Each name or pattern fits a layer of the model (received 'x*'"),
        (
            {"ratios": {"scores": 0.5}},
            "ratios: The layer can be pruned (received 'scores': it makes the model's output)",
        ),
        (
            {"ratios": {"stem_bn": 0.5}},
            "ratios: The layer can be pruned (received 'stem_bn': it makes no channels of its own)",
        ),
        (
            {"ratios": {"stem": 0.5, "stack1_conv2": 0.25}},
            "ratios: Layers whose channels go together lose the same fraction (received 'stem': 0.5, "
            "'stack1_conv2': 0.25)",
        ),
        ({"macs": 0.1, "min_keep": 0.9}, "macs: With min_keep 0.9 and multiples of 1, macs can go down to 0."),
    ],
)
def test_check_names_what_stands_against_it(
    options: dict[str, Any], finding: str, residual: Any, context: Context
) -> None:
    (found,) = parse_pass({"channel_prune": options}).check(residual, context.target)
    assert str(found).startswith(finding)


def test_check_of_models_that_cannot_be_pruned(
    context: Context, prune: Callable[..., Any], width: Callable[[Any, str], int]
) -> None:
    keras, item = _tf.tf_keras(), parse_pass("channel_prune")
    layers = keras.layers
    (found,) = item.check(keras.Sequential([layers.Input((4,)), layers.Dense(2, name="d")]), context.target)
    assert str(found) == "The model has channels that can be pruned (received 'd': it makes the model's output)"

    class Own(keras.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    (found,) = item.check(Own(name="own"), context.target)
    assert "must be Functional" in str(found) and "'own', a subclassed model" in str(found)
    twice, inputs = layers.Dense(4, name="twice"), layers.Input((4,))
    x = layers.Dense(3, name="free")(twice(twice(inputs)))
    model = keras.Model(inputs, layers.Dense(2, name="out")(x))
    (found,) = parse_pass({"channel_prune": {"ratios": {"twice": 0.5}}}).check(model, context.target)
    assert "'twice': the layer 'twice' (Dense) is called twice" in str(found)
    params = prune(model, context, params=0.9, criterion="l1", correct=False, reconstruct=False)
    assert (width(params, "twice"), width(params, "free")) == (4, 2)
    open_shape = layers.Input((None, None, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1)(open_shape))
    (found,) = item.check(keras.Model(open_shape, layers.Dense(2)(x)), context.target)
    assert "MACs need fixed input shapes" in str(found)
