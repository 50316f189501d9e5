from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data import Dataset
from edgekit.errors import ModelError, RecipeError
from edgekit.models import load_model, save_model
from edgekit.models.channels import analyse, correct, importance, reconstruct, shrink
from edgekit.models.macs import model_macs
from edgekit.models.tflite import inspect_tflite
from edgekit.passes import Context, parse_pass
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer, seed_everything
from edgekit_converters.tflite import ConvertSpec, convert_keras


@pytest.fixture
def context(make_trainer: Callable[..., Trainer], few_digits: Dataset, trained: Any) -> Context:
    trainer, log = make_trainer(few_digits), []
    reference = trainer.score(trained.model)
    return Context(trainer, Train(learning_rate=0.01), load_target("generic"), Budget(), reference, log.append)


@pytest.fixture(scope="session")
def residual() -> Any:
    """Two residual stacks; the second one halves the image."""
    layers = _tf.tf_keras().layers
    seed_everything(0)

    def conv(x: Any, filters: int, stride: int, name: str, activation: str = "linear") -> Any:
        x = layers.Conv2D(filters, 3, stride, padding="same", name=name)(x)
        return layers.Activation(activation)(layers.BatchNormalization(name=f"{name}_bn")(x))

    inputs = layers.Input((8, 8, 1))
    x = conv(inputs, 16, 1, "stem", "relu")
    y = conv(conv(x, 16, 1, "stack1_conv1", "relu"), 16, 1, "stack1_conv2")
    x = layers.ReLU()(layers.Add()([x, y]))
    y = conv(conv(x, 32, 2, "stack2_conv1", "relu"), 32, 1, "stack2_conv2")
    x = layers.ReLU()(layers.Add()([layers.Conv2D(32, 1, 2, name="stack2_skip")(x), y]))
    x = layers.GlobalAveragePooling2D()(x)
    return _tf.tf_keras().Model(inputs, layers.Dense(10, activation="softmax", name="scores")(x))


def prune(model: Any, context: Context, **options: Any) -> Any:
    item = parse_pass({"channel_prune": {"finetune": "none", **options}})
    assert item.check(model, context.target) == []
    return item.apply(model, context)


def said(context: Context) -> list[str]:
    lines: list[str] = context.log.__self__  # type: ignore[attr-defined]
    return lines


def width(model: Any, name: str) -> int:
    return int(model.get_layer(name).output_shape[-1])


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
    unit: str, options: dict[str, Any], residual: Any, context: Context
) -> None:
    count = model_macs if unit == "macs" else lambda m: m.count_params()
    found = prune(residual, context, **{unit: 0.4}, **options)
    share = count(found) / count(residual)
    assert 0.3 < share <= 0.4
    assert any(f"({share:.3f})" in line for line in said(context))


def test_macs_count_in_the_file_too(residual: Any, context: Context, tmp_path: Path) -> None:
    found = prune(residual, context, macs=0.5)
    macs = {}
    for name, made in (("before", residual), ("after", found)):
        convert_keras(made, tmp_path / f"{name}.tflite", ConvertSpec(format="float32"))
        macs[name] = inspect_tflite(tmp_path / f"{name}.tflite").macs
        assert macs[name] == model_macs(made)
    assert macs["after"] <= 0.5 * macs["before"]
    assert (tmp_path / "after.tflite").stat().st_size < 0.8 * (tmp_path / "before.tflite").stat().st_size


def test_bytes_are_those_of_an_integer_file(residual: Any, context: Context, tmp_path: Path) -> None:
    found, sizes = prune(residual, context, bytes=0.5), {}
    calibration = context.trainer.dataset.features("calibration")
    for name, made in (("before", residual), ("after", found)):
        spec = ConvertSpec(format="int8")
        convert_keras(made, tmp_path / f"{name}.tflite", spec, representative=calibration)
        sizes[name] = sum(inspect_tflite(tmp_path / f"{name}.tflite").constants.values())
    assert sizes["after"] == pytest.approx(0.5 * sizes["before"], rel=0.05)


@pytest.mark.parametrize("criterion", ["l1", "l2", "batch_norm", "taylor", "hessian"])
def test_criteria_remove_what_adds_nothing(criterion: str, trained: Any, context: Context) -> None:
    """Channels whose batch norm gives zero, and units of zeros, are the first to go."""
    made = _tf.tf_keras().models.clone_model(trained.model)
    made.set_weights(trained.model.get_weights())
    idle, idle_units = [1, 4, 6], [0, 3, 5, 9]
    for name in ("conv", "conv_bn", "hidden"):
        weights = made.get_layer(name).get_weights()
        for values in weights[:2]:
            values[..., idle_units if name == "hidden" else idle] = 0
        made.get_layer(name).set_weights(weights)
    ratios = {"conv": 3 / 8} if criterion == "batch_norm" else {"conv": 3 / 8, "hidden": 4 / 16}
    found = prune(made, context, ratios=ratios, criterion=criterion)
    assert (width(found, "conv"), width(found, "conv_bn")) == (5, 5)
    x = context.trainer.dataset.features("test")[:32]
    np.testing.assert_allclose(found(x).numpy(), made(x).numpy(), atol=1e-4)


def test_taylor_is_the_change_of_the_loss(trained: Any, context: Context) -> None:
    """For every unit: the derivative of the loss by a factor on what it gives to the next layer, sample by sample."""
    data, model = context.trainer.dataset, trained.model
    x, y = data.features("calibration"), data.labels("calibration")
    loss = context.trainer.objective.loss(model)
    channels = analyse(model)
    scores = importance(model, channels, "taylor", x, y, loss, seed=0)
    units = next(g for g in channels.groups if g.layers == ("hidden",)).channels
    hidden = _tf.tf_keras().Model(model.inputs, model.get_layer("hidden").output)(x).numpy().astype("f8")
    kernel, bias = (w.astype("f8") for w in model.get_layer("scores").get_weights())

    def losses(factor: Any) -> Any:
        logits = (hidden * factor) @ kernel + bias
        return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]

    step = 1e-4
    for i, unit in enumerate(units):
        nudge = step * np.eye(len(units))[i]
        slope = (losses(1 + nudge) - losses(1 - nudge)) / (2 * step)
        assert scores[unit] == pytest.approx(np.mean(slope**2), rel=2e-3, abs=1e-9)


def test_hessian_is_the_curvature_of_the_loss(trained: Any, context: Context) -> None:
    data, model = context.trainer.dataset, trained.model
    x, y = data.features("calibration"), data.labels("calibration")
    channels = analyse(model)
    scores = importance(model, channels, "hessian", x, y, context.trainer.objective.loss(model), seed=0)
    units = next(g for g in channels.groups if g.layers == ("hidden",)).channels
    hidden = _tf.tf_keras().Model(model.inputs, model.get_layer("hidden").output)(x).numpy()
    p, kernel = model(x).numpy(), model.get_layer("scores").get_weights()[0]
    parts = hidden[:, :, None] * kernel[None]  # what each unit gives to each logit
    exact = 0.5 * ((parts**2 * p[:, None]).sum(-1) - (parts * p[:, None]).sum(-1) ** 2).mean(0)
    assert np.corrcoef(exact, scores[units])[0, 1] > 0.8
    assert scores[units].sum() == pytest.approx(exact.sum(), rel=0.35), "random projections, right in the mean"


def test_attention_heads_that_give_nothing_go_first(make_trainer: Callable[..., Trainer], digits: Dataset) -> None:
    layers = _tf.tf_keras().layers
    seed_everything(0)
    inputs = layers.Input((8, 8, 1))
    x = layers.Dense(6, name="embed")(layers.Reshape((8, 8))(inputs))
    mha = layers.MultiHeadAttention(4, 3, name="mha")
    x = layers.Add()([x, mha(x, x)])
    model = _tf.tf_keras().Model(inputs, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
    weights = mha.get_weights()
    weights[6][[0, 2]] = 0
    mha.set_weights(weights)
    for criterion in ("taylor", "hessian"):
        context = Context(make_trainer(), Train(), load_target("generic"), Budget(), 1.0, [].append)
        found = prune(model, context, ratios={"mha.heads": 0.5}, criterion=criterion)
        assert found.get_layer("mha").get_config()["num_heads"] == 2
        x_test = digits.features("test")[:8]
        np.testing.assert_allclose(found(x_test).numpy(), model(x_test).numpy(), atol=1e-5)
    assert "_compute_attention" not in mha.__dict__, "the model given is left as it is"


def test_ratio_takes_the_same_share_of_every_group(residual: Any, context: Context) -> None:
    found = prune(residual, context, ratio=0.25)
    for layer in residual.layers:
        if layer.name != "scores" and layer.weights:
            assert width(found, layer.name) == 0.75 * width(residual, layer.name), layer.name
    assert width(found, "scores") == 10
    assert "channel_prune: stem, stack1_conv2: 16 -> 12 channels" in said(context)


def test_ratios_by_pattern_and_in_steps(residual: Any, context: Context) -> None:
    found = prune(residual, context, ratios={"stack2_*": 0.5, "stack1_conv1": 0.25}, steps=2, criterion="l1")
    widths = {n: width(found, n) for n in ("stem", "stack1_conv1", "stack1_conv2", "stack2_conv1", "stack2_skip")}
    assert widths == {"stem": 16, "stack1_conv1": 12, "stack1_conv2": 16, "stack2_conv1": 16, "stack2_skip": 16}


def test_ratios_by_sensitivity_take_what_each_group_bears(trained: Any, context: Context) -> None:
    strict = prune(trained.model, context, ratios="sensitivity", tolerance=0.01)
    loose = prune(trained.model, context, ratios="sensitivity", tolerance=0.5)
    assert model_macs(loose) < model_macs(strict) <= model_macs(trained.model)
    assert any("hidden bears the loss of" in line for line in said(context))
    assert context.trainer.score(strict) > context.reference - 0.1


def test_widths_are_what_the_target_prefers(residual: Any, context: Context) -> None:
    narrow = replace(context, target=context.target.model_copy(update={"channel_multiple": 8}))
    found = prune(residual, narrow, macs=0.5, criterion="l2")
    assert model_macs(found) <= 0.5 * model_macs(residual)
    assert all(len(g.channels) % 8 == 0 for g in analyse(found).groups)
    odd = prune(residual, narrow, macs=0.5, criterion="l2", multiple=1)
    assert model_macs(found) < model_macs(odd) <= 0.5 * model_macs(residual)


def test_min_keep_and_skip(residual: Any, context: Context) -> None:
    found = prune(residual, context, macs=0.6, min_keep=0.5, skip=["stack2*"], criterion="l1")
    for layer in residual.layers:
        if layer.weights and layer.name != "scores":
            least = 1.0 if layer.name.startswith("stack2") else 0.5
            assert width(found, layer.name) >= least * width(residual, layer.name), layer.name


def test_biases_make_up_for_constant_channels(trained: Any, context: Context) -> None:
    """A unit that always gives the same is worth nothing once the next bias has it."""
    made = _tf.tf_keras().models.clone_model(trained.model)
    made.set_weights(trained.model.get_weights())
    kernel, bias = made.get_layer("hidden").get_weights()
    kernel[:, :4], bias[:4] = 0, 3.0
    made.get_layer("hidden").set_weights([kernel, bias])
    channels, keep = analyse(made), analyse(made).all_kept()
    keep[next(g for g in channels.groups if g.layers == ("hidden",)).channels[:4]] = False
    x = context.trainer.dataset.features("calibration")
    plain, better, fitted = (shrink(made, channels, keep) for _ in range(3))
    correct(made, better, channels, keep, x)
    reconstruct(made, fitted, channels, keep, x, seed=0)
    assert np.abs(plain(x).numpy() - made(x).numpy()).max() > 0.1
    np.testing.assert_allclose(better(x).numpy(), made(x).numpy(), atol=1e-4)
    np.testing.assert_allclose(fitted(x).numpy(), made(x).numpy(), atol=1e-3)


def test_batch_norm_statistics_follow_what_is_left(context: Context) -> None:
    """Without a bias between them, the mean and variance of the next batch norm move."""
    layers = _tf.tf_keras().layers
    seed_everything(0)
    x = inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu", bias_initializer="ones", name="first")(x)
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(6, 3, use_bias=False, name="second")(x))
    model = _tf.tf_keras().Model(inputs, layers.Dense(3, name="out")(layers.GlobalAveragePooling2D()(x)))
    data = context.trainer.dataset.features("calibration")
    before = _tf.tf_keras().Model(inputs, model.get_layer("second").output)(data).numpy()
    norm = model.get_layer("bn")
    norm.moving_mean.assign(before.mean((0, 1, 2)))
    norm.moving_variance.assign(before.var((0, 1, 2)))
    channels, keep = analyse(model), analyse(model).all_kept()
    keep[channels.groups[0].channels[:4]] = False
    small = shrink(model, channels, keep)
    correct(model, small, channels, keep, data)
    seen = _tf.tf_keras().Model(small.inputs, small.get_layer("second").output)(data).numpy()
    np.testing.assert_allclose(small.get_layer("bn").moving_mean, seen.mean((0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(small.get_layer("bn").moving_variance, seen.var((0, 1, 2)), rtol=1e-3)
    whole = shrink(model, channels, channels.all_kept())
    correct(model, whole, channels, channels.all_kept(), data)
    for old, new in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_reconstruction_lowers_the_error_of_the_next_layer(padding: str, context: Context) -> None:
    layers = _tf.tf_keras().layers
    seed_everything(0)
    x = inputs = layers.Input((8, 8, 1))
    x = layers.Conv2D(12, 3, padding="same", activation="relu", name="first")(x)
    x = layers.Conv2D(6, (3, 2), strides=(2, 1), padding=padding, name="second")(x)
    model = _tf.tf_keras().Model(inputs, layers.Conv2D(2, 1, name="out")(x))
    data = context.trainer.dataset.features("test")[:128]
    channels, keep = analyse(model), analyse(model).all_kept()
    keep[channels.groups[0].channels[:5]] = False

    def error(repair: Callable[[Any], object]) -> float:
        small = shrink(model, channels, keep)
        repair(small)
        return float(np.mean((small(data[64:]).numpy() - model(data[64:]).numpy()) ** 2))

    sliced = error(lambda small: None)
    means = error(lambda small: correct(model, small, channels, keep, data[:64]))
    fitted = error(lambda small: reconstruct(model, small, channels, keep, data[:64], seed=0))
    assert fitted < 0.5 * means < 0.5 * sliced


def test_finetuning_after_each_step_repairs(trained: Any, context: Context) -> None:
    bare = prune(trained.model, context, macs=0.3)
    tuned = prune(trained.model, context, macs=0.3, steps=2, finetune={"epochs": 1, "learning_rate": 0.01})
    assert context.trainer.score(tuned) > context.trainer.score(bare)
    assert model_macs(tuned) <= 0.3 * model_macs(trained.model)


@pytest.mark.parametrize("options", [{"instructions": 0.5}, {"instructions": 0.3, "steps": 2, "scope": "uniform"}])
def test_instructions_are_budgeted_by_counting_choices(options: Any, residual: Any, context: Context) -> None:
    asked = []

    def count(model: Any) -> int:
        """Neither proportional to MACs nor smooth in them."""
        asked.append(model)
        return 40_000 + 3 * model_macs(model) + 2_000 * sum(width(model, n) % 8 != 0 for n in ("stem", "stack2_conv1"))

    found = prune(residual, replace(context, instructions=count), **options)
    fraction = options["instructions"]
    assert 0.85 * fraction < count(found) / count(residual) <= fraction
    assert len(asked) < 25


def test_instructions_that_cannot_be_reached_are_refused(residual: Any, context: Context) -> None:
    counting = replace(context, instructions=lambda model: 1_000_000 + model_macs(model))
    with pytest.raises(ModelError, match=r"must reach instructions: 0.3. Received: at least 0\.\d+"):
        prune(residual, counting, instructions=0.3)
    with pytest.raises(ModelError, match="no converter and no runtime"):
        prune(residual, context, instructions=0.3)


def test_a_killed_pruning_goes_on_after_its_last_step(
    trained: Any, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"macs": 0.3, "steps": 2, "finetune": {"epochs": 1, "learning_rate": 0.01}}
    whole = prune(trained.model, context, **options)
    fit, fitted = Trainer.fit, list[str]()

    def killed(trainer: Trainer, model: Any, plan: Train, *, name: str, callbacks: Any = ()) -> Any:
        fitted.append(name)
        if fitted == ["channel_prune-1", "channel_prune-2"]:
            raise KeyboardInterrupt
        return fit(trainer, model, plan, name=name, callbacks=callbacks)

    monkeypatch.setattr(Trainer, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        prune(trained.model, context, **options)
    resumed = prune(trained.model, context, **options)
    assert fitted == ["channel_prune-1", "channel_prune-2", "channel_prune-2"]
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(context.trainer.workdir.iterdir()) == []


def test_what_it_gives_can_be_saved_and_pruned_on(residual: Any, context: Context, tmp_path: Path) -> None:
    found = prune(residual, context, macs=0.7, criterion="l1")
    save_model(found, tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    x = context.trainer.dataset.features("test")[:4]
    np.testing.assert_allclose(again(x).numpy(), found(x).numpy(), atol=1e-6)
    item = parse_pass("channel_prune")
    further = prune(again, context, macs=0.7, criterion="l1")
    assert model_macs(further) <= 0.7 * model_macs(found)
    assert item.broken(found, further) == [], "narrower keeps the promise"
    (first, *_) = item.broken(found, residual)
    assert "channels again instead of" in first


def test_quantisation_wrappers_are_looked_through(trained: Any, context: Context) -> None:
    item = parse_pass("channel_prune")
    found = prune(trained.model, context, ratio=0.5, criterion="l1")
    scope = _tf.tfmot().quantization.keras
    assert item.broken(found, scope.quantize_model(found)) == []
    wrapped = scope.quantize_model(trained.model)
    assert item.broken(found, wrapped)[0] == "the layer 'conv' has 8 channels again instead of 4"
    assert item.check(wrapped, context.target) == ["the model is quantisation-aware: channels are pruned before qat"]


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
        ({"ratios": {"cnov": 0.5}}, "ratios names 'cnov', which no layer of the model fits"),
        ({"skip": ["x*"]}, "skip names 'x*', which no layer of the model fits"),
        (
            {"ratios": {"scores": 0.5}},
            "ratios names 'scores', but the layer 'scores' cannot be pruned: it makes the model's output",
        ),
        (
            {"ratios": {"stem_bn": 0.5}},
            "ratios names 'stem_bn', but the layer 'stem_bn' cannot be pruned: it makes no channels of its own",
        ),
        (
            {"ratios": {"stem": 0.5, "stack1_conv2": 0.25}},
            "ratios gives layers different fractions whose channels go together: 'stem': 0.5, 'stack1_conv2': 0.25",
        ),
        ({"macs": 0.1, "min_keep": 0.9}, "macs: 0.1 cannot be reached: with min_keep 0.9 and multiples of 1, at least"),
    ],
)
def test_check_names_what_stands_against_it(
    options: dict[str, Any], finding: str, residual: Any, context: Context
) -> None:
    (found,) = parse_pass({"channel_prune": options}).check(residual, context.target)
    assert found.startswith(finding)


def test_check_of_models_that_cannot_be_pruned(context: Context) -> None:
    keras, item = _tf.tf_keras(), parse_pass("channel_prune")
    layers = keras.layers
    (found,) = item.check(keras.Sequential([layers.Input((4,)), layers.Dense(2, name="d")]), context.target)
    assert found == "the model has no channels that can be pruned ('d': it makes the model's output)"

    class Own(keras.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    (found,) = item.check(Own(name="own"), context.target)
    assert "must be Functional" in found and "'own', a subclassed model" in found
    twice, inputs = layers.Dense(4, name="twice"), layers.Input((4,))
    x = layers.Dense(3, name="free")(twice(twice(inputs)))
    model = keras.Model(inputs, layers.Dense(2, name="out")(x))
    (found,) = parse_pass({"channel_prune": {"ratios": {"twice": 0.5}}}).check(model, context.target)
    assert "'twice' cannot be pruned: the layer 'twice' (Dense) is called twice" in found
    params = prune(model, context, params=0.9, criterion="l1", correct=False, reconstruct=False)
    assert (width(params, "twice"), width(params, "free")) == (4, 2)
    open_shape = layers.Input((None, None, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1)(open_shape))
    (found,) = item.check(keras.Model(open_shape, layers.Dense(2)(x)), context.target)
    assert "MACs need fixed input shapes" in found


def test_a_budget_that_rounding_misses_is_an_error_not_a_lie(residual: Any, context: Context) -> None:
    item = parse_pass({"channel_prune": {"macs": 0.1, "min_keep": 0.9, "finetune": "none", "criterion": "l1"}})
    with pytest.raises(ModelError, match="must reach macs: 0.1"):
        item.apply(residual, context)
