"""`edgekit.compress` of a model that the user's program holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError, RecipeError, UsageError
from edgekit.passes import QAT, ChannelPrune, Sparsify

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 8, 8, 1)).astype(np.float32)
Y = (X.mean((1, 2, 3)) > 0).astype(np.int64)


def model_of(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3, name="conv"), layers.Flatten(), layers.Dense(2, name="scores")],
        name="mine",
    )


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    """The model, the result of compressing it, and its folder."""
    keras = _tf.keras3() if request.param == "keras" else _tf.tf_keras()
    model, output = model_of(keras), tmp_path_factory.mktemp("run") / "out"
    before = model.get_weights()
    passes = [Sparsify(sparsity=0.5, finetune="none"), {"qat": {"finetune": "none"}}]
    made = edgekit.compress(model, output, data=(X, Y), passes=passes, format=["int8", "float32"], seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)), "it is left as it is"
    return model, made, output


def test_a_result_has_the_models_in_reach(result: tuple[Any, Any, Path]) -> None:
    model, made, output = result
    assert made.path == output / made.selected and made.path.parent.name == "models"
    assert sorted(m.path for m in made.models) == ["models/mine_float32.tflite", "models/mine_int8.tflite"]
    assert hashlib.sha256(made.tflite_bytes).hexdigest() == made.chosen.sha256
    sparse = made.model("sparsify")
    assert float(np.mean(sparse.get_layer("conv").get_weights()[0] == 0)) == pytest.approx(0.5, abs=0.05)
    assert any("Quantize" in type(layer).__name__ for layer in made.model().layers), "the last step is qat"
    assert np.allclose(made.model("baseline").predict(X[:4], verbose=0), model.predict(X[:4], verbose=0), atol=1e-5)
    back = made.keras3()
    assert isinstance(back, _tf.keras3().Model)
    assert np.allclose(back.predict(X[:4], verbose=0), sparse.predict(X[:4], verbose=0), atol=1e-5)


def test_a_result_reads_well(result: tuple[Any, Any, Path]) -> None:
    _, made, _ = result
    text, html = made.summary(), made._repr_html_()
    assert "mine (in memory)" in text and "times smaller than the baseline" in text and "<table>" in html
    assert made.to_dict()["schema"].startswith("edgekit.compress/") and made.to_dict() == made.as_dict()
    assert made.recipe["model"] == "mine (in memory)" and made.recipe["data"]["source"] == "the arrays in memory"


def test_models_and_results_are_benchmarked(result: tuple[Any, Any, Path], tmp_path: Path) -> None:
    model, made, _ = result
    converted = edgekit.convert(model, tmp_path / "m.tflite", format="float16")
    report = edgekit.benchmark([model, made, converted, made.path], runs=3, launches=1)
    assert [r.error for r in report.results] == [None] * 4
    names = ["mine.tflite", made.path.name, "m.tflite", made.path.name]
    assert [Path(r.model).name for r in report.results] == names
    assert report.summary().count(" ms [") == 4 and "<table>" in report._repr_html_()
    assert len(edgekit.benchmark(made, runs=3, launches=1).results) == 1


def test_a_lambda_in_memory_is_measured_with_consent() -> None:
    keras = _tf.keras3()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2.0)])
    with pytest.raises(ModelError, match="pass unsafe=True"):
        edgekit.benchmark(model, runs=3, launches=1)
    (result,) = edgekit.benchmark(model, runs=3, launches=1, unsafe=True).results
    assert result.error is None


def test_steps_are_found_again_until_the_weights_change(result: tuple[Any, Any, Path]) -> None:
    model, _, output = result
    passes = [Sparsify(sparsity=0.5, finetune="none"), {"qat": {"finetune": "none"}}]

    def cached() -> list[bool]:
        made = edgekit.compress(model, output, data=(X, Y), passes=passes, format=["int8", "float32"], seed=1)
        return [step.cached for step in made.steps]

    before = model.get_weights()
    assert all(cached())
    model.set_weights([weight + 0.1 for weight in before])
    assert not any(cached())
    model.set_weights(before)
    assert all(cached()), "and the file of before is the result again, which other tests read"


def test_a_model_that_is_trained_first_is_left_as_it_is(tmp_path: Path) -> None:
    model = model_of(_tf.tf_keras())
    before = model.get_weights()
    made = edgekit.compress(
        model, tmp_path, data={"x_train": X, "y_train": Y}, train={"epochs": 1}, task="classification"
    )
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not np.array_equal(made.model("baseline").get_weights()[0], before[0])


def test_names_and_files_with_data_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _tf.tf_keras().models.save_model(model_of(_tf.tf_keras()), "mine.h5")
    assert edgekit.compress("mine.h5", data=(X, Y)).path == Path("runs/mine/models/mine_int8.tflite")
    made = edgekit.compress(
        "lenet5", data=(np.tile(X, (1, 4, 4, 1)), Y), train={"epochs": 1}, format="float16", export=["tflm"]
    )
    assert made.selected == "models/lenet5_float16.tflite"
    sources = [a for a in made.artifacts if a["made_by"] == "export tflm"]
    ends = ("data.cc", "data.h", "main.cc", "ops.h", "selftest.cc", "selftest.h")
    assert [a["path"] for a in sources] == [f"exports/tflm/model_{end}" for end in ends]
    assert all((Path(made.output) / a["path"]).stat().st_size == a["bytes"] for a in sources)
    assert all(a["parent"] == made.chosen.sha256 for a in sources)


MODEL = object()
WRONG: dict[str, tuple[Any, dict[str, Any], type[EdgekitError], str]] = {
    "no model": (MODEL, {"data": (X, Y)}, ModelError, "from the model in memory"),
    "no data": (MODEL, {}, UsageError, r"data=\(x, y\)"),
    "passes without data": ({"model": "lenet5", "data": "digits"}, {"passes": ["qat"]}, UsageError, "passes without"),
    "format without data": ({"model": "lenet5", "data": "digits"}, {"format": "int16x8"}, UsageError, "format without"),
    "overrides": ("lenet5", {"data": (X, Y), "overrides": ["seed=1"]}, UsageError, "overrides"),
    "a pass": ("lenet5", {"data": (X, Y), "passes": ["qad"]}, RecipeError, "Did you mean 'qat'"),
    "an order": ("lenet5", {"data": (X, Y), "passes": [QAT(), ChannelPrune(macs=0.5)]}, RecipeError, "would undo"),
    "a format": ("lenet5", {"data": (X, Y), "format": "int4"}, RecipeError, "Unknown format"),
    "a target": ("lenet5", {"data": (X, Y), "target": "cortex-m9"}, RecipeError, "cortex-m"),
    "untrained": ("lenet5", {"data": (X, Y)}, RecipeError, "comes untrained"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str, tmp_path: Path) -> None:
    what, settings, error, said = WRONG[name]
    with pytest.raises(error, match=said):
        edgekit.compress(what, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_a_step_that_is_none(result: tuple[Any, Any, Path]) -> None:
    with pytest.raises(UsageError, match="Did you mean 'qat'"):
        result[1].model("qad")
    with pytest.raises(ModelError, match="quantisation-aware"):
        result[1].keras3("qat")


def test_passes_by_their_class_names() -> None:
    from edgekit import passes

    assert passes.QAT is passes.load_pass("qat") and passes.LowRank is passes.load_pass("low_rank")
    with pytest.raises(AttributeError):
        _ = passes.Nothing


@pytest.mark.parametrize("passes", ["qat", QAT(), {"qat": {"finetune": "none"}}])
def test_what_stands_alone_needs_no_list(passes: Any) -> None:
    """All is taken, up to what a network without training is refused for."""
    with pytest.raises(RecipeError, match="A reference network comes untrained"):
        edgekit.compress("digits_cnn", data="digits", passes=passes, format="int8", measure="litert", export="tflm")


@pytest.mark.parametrize("runtimes", ["litertt", ["litertt"]])
def test_one_runtime_needs_no_list(runtimes: Any) -> None:
    with pytest.raises(UsageError, match="Received: 'litertt'. Did you mean 'litert'"):
        edgekit.benchmark("m.tflite", runtimes=runtimes)
