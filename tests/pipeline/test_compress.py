"""A whole recipe: what it writes, what it keeps, what it says."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.artifact import sha256_of
from edgekit.data import load_data
from edgekit.data.sidecar import read_sidecar
from edgekit.errors import EdgekitError
from edgekit.measure.predict import predict
from edgekit.observer import EpochEnded
from edgekit.pipeline import Manifest, read_manifest
from edgekit.pipeline.store import open_output, open_store


def copied(finished: Any, tmp_path: Path) -> tuple[Path, Path]:
    """The finished run somewhere else, so that a test may go on with it."""
    shutil.copytree(finished.output, tmp_path / "out")
    shutil.copy(finished.recipe, tmp_path / "recipe.yaml")
    return tmp_path / "recipe.yaml", tmp_path / "out"


def cached(manifest: Manifest) -> dict[str, bool]:
    return {s.name: s.cached for s in manifest.steps}


def test_the_files_that_ship_are_what_the_manifest_says(finished: Any) -> None:
    manifest = finished.manifest
    assert [m.path for m in manifest.models] == ["models/digits_cnn_int8.tflite", "models/digits_cnn_float32.tflite"]
    data = load_data("digits", seed=3)
    for model in manifest.models:
        path = finished.output / model.path
        assert sha256_of(path) == model.sha256 and path.stat().st_size == model.bytes
        assert edgekit.inspect(path).quantization == model.format
        own = read_sidecar(path)
        assert own is not None and own.preprocessing == data.preprocessing and own.label_names == data.label_names
        right = predict(path, data.features("test")).argmax(1) == data.labels("test")
        assert np.mean(right) == pytest.approx(model.accuracy), "measured on the very file, on the whole test split"
        assert model.accuracy_low < model.accuracy < model.accuracy_high and model.drop_low <= model.accuracy_drop
    assert manifest.samples == 359 and manifest.metric == "top1"
    assert {f.name for f in finished.output.iterdir()} == {
        ".edgekit", "manifest.json", "models", "report.html", "report.json", "report.md", "steps",
    }  # fmt: skip


def test_steps_lead_from_one_to_the_next(finished: Any) -> None:
    steps = {s.name: s for s in finished.manifest.steps}
    assert list(steps) == ["baseline", "sparsify", "qat", "convert int8", "convert float32"]
    assert [s.format for s in steps.values()] == ["float32", "float32", "int8", "int8", "float32"]
    assert steps["sparsify"].nonzero_params < 0.6 * steps["baseline"].nonzero_params
    assert steps["qat"].nonzero_params <= steps["sparsify"].nonzero_params * 1.01
    assert all(s.latency_ms and s.latency_low and s.latency_low <= s.latency_ms for s in steps.values())
    assert {m.format: m.made_from for m in finished.manifest.models} == {"int8": "qat", "float32": "sparsify"}
    artifacts = {a["sha256"]: a for a in finished.manifest.artifacts}
    for artifact in finished.manifest.artifacts:
        assert sha256_of(finished.output / artifact["path"]) == artifact["sha256"]
        assert artifact["parent"] is None or artifact["parent"] in artifacts
    chain, sha = [], finished.manifest.models[0].sha256
    while sha:
        chain.append(artifacts[sha]["made_by"])
        sha = artifacts[sha]["parent"]
    assert chain == ["convert int8", "qat", "sparsify", "baseline"]


def test_steps_keep_what_their_trainings_said(finished: Any) -> None:
    steps = {s.name: s.training for s in finished.manifest.steps}
    assert {name: list(training) for name, training in steps.items()} == {
        "baseline": ["train"], "sparsify": [], "qat": ["qat"], "convert int8": [], "convert float32": [],
    }  # fmt: skip
    told = [e for e in finished.events if isinstance(e, EpochEnded)]
    for event in told:
        assert event.figures == {k: values[event.epoch] for k, values in steps[event.step][event.fit].items()}
    assert {k: len(v) for k, v in steps["baseline"]["train"].items()} == {
        "loss": 2, "accuracy": 2, "val_loss": 2, "val_accuracy": 2,
    }  # fmt: skip
    (record,) = finished.output.glob("steps/baseline-*/step.json")
    assert json.loads(record.read_text())["training"] == steps["baseline"]


def test_the_manifest_comes_back_from_its_file(finished: Any) -> None:
    found = json.loads((finished.output / "manifest.json").read_text())
    assert found["schema"] == "edgekit.compress/3"
    again = read_manifest(finished.output)
    assert again.models == finished.manifest.models and again.steps == finished.manifest.steps
    assert {"packages", "data", "seed", "cpu"} <= set(found["environment"]) and found["recipe"]["seed"] == 3


def test_a_second_run_does_nothing_again(finished: Any, tmp_path: Path) -> None:
    recipe, output = copied(finished, tmp_path)
    manifest = edgekit.compress(recipe, output)
    assert all(cached(manifest).values())
    assert {m.path: m.sha256 for m in manifest.models} == finished.shas


def test_a_file_that_no_step_was_measured_on_is_converted_once(finished: Any, tmp_path: Path) -> None:
    recipe, output = copied(finished, tmp_path)
    first = edgekit.compress(recipe, output, overrides=["convert=[dynamic]"])
    assert cached(first)["convert dynamic"] is False
    again = edgekit.compress(recipe, output, overrides=["convert=[dynamic]"])
    assert all(cached(again).values())
    step, source = again.steps[-1], again.steps[1]
    assert (step.format, step.parent, step.keras_parent) == ("dynamic", source.parent, source.keras_parent)


def test_a_change_of_the_last_pass_starts_there(finished: Any, tmp_path: Path) -> None:
    recipe, output = copied(finished, tmp_path)
    manifest = edgekit.compress(recipe, output, overrides=["passes.1.finetune=none"])
    assert cached(manifest) == {
        "baseline": True, "sparsify": True, "qat": False, "convert int8": False, "convert float32": True,
    }  # fmt: skip
    back = edgekit.compress(recipe, output)
    assert all(cached(back).values()), "the steps of before are still there"


def test_a_wrong_pass_is_refused_before_an_earlier_one_trains(finished: Any, tmp_path: Path) -> None:
    recipe, output = copied(finished, tmp_path)
    before = {p.name for p in (output / "steps").iterdir()}
    with pytest.raises(EdgekitError, match="fits a layer of the model"):
        edgekit.compress(recipe, output, overrides=["passes.0.finetune=none", "passes.1.skip=[ghost]"])
    assert {p.name for p in (output / "steps").iterdir()} == before, "though the baseline was there already"


def test_a_budget_does_not_make_steps_again(finished: Any, tmp_path: Path, cli: Callable[..., Any]) -> None:
    recipe, output = copied(finished, tmp_path)
    result = cli("compress", recipe, "-o", output, "--set", "budget.model_bytes=1000", "--json", "--quiet")
    found = json.loads(result.out)
    assert result.code == 3 and found["schema"] == "edgekit.compress/3" and result.err == "", "it is quiet"
    assert found["budget"]["met"] is False and "above 1,000" in found["budget"]["violations"][0]
    assert all(s["cached"] for s in found["steps"])
    met = cli("compress", recipe, "-o", output)
    assert met.code == 0 and "Budget met by models/digits_cnn_int8.tflite" in " ".join(met.out.split())
    assert "done before" in met.err and not met.err.count("Traceback")


def test_damaged_steps_are_made_again(finished: Any, tmp_path: Path) -> None:
    recipe, output = copied(finished, tmp_path)
    (step,) = output.glob("steps/convert-int8-*")
    (step / "step.json").write_text('{"key": "cut')
    manifest = edgekit.compress(recipe, output)
    assert [n for n, c in cached(manifest).items() if not c] == ["convert int8"]
    assert (step / "step.json").read_text() == '{"key": "cut', "beside the damaged one, which stays"
    assert {m.path: m.sha256 for m in manifest.models} == finished.shas
    assert sha256_of(output / "models" / "digits_cnn_int8.tflite") == manifest.models[0].sha256
    assert all(cached(edgekit.compress(recipe, output)).values()), "the step made again is known from now on"


def test_one_run_at_a_time(finished: Any, tmp_path: Path, cli: Callable[..., Any]) -> None:
    recipe, output = copied(finished, tmp_path)
    with open_output(output):
        result = cli("compress", recipe, "-o", output)
        assert result.code == 1 and "in use by another run" in result.err and "choose another folder" in result.err
    assert cli("compress", recipe, "-o", output, "--quiet").code == 0, "the lock goes with its holder"


def test_a_store_serves_runs_of_other_outputs(finished: Any, tmp_path: Path, cli: Callable[..., Any]) -> None:
    recipe, home = copied(finished, tmp_path)
    (home / "manifest.json").unlink()
    output = tmp_path / "other"
    result = cli("compress", recipe, "-o", output, "--store", home, "--json", "--quiet")
    assert result.code == 0, result.err
    manifest = read_manifest(output)
    assert json.loads(result.out)["store"] == manifest.store == str(home)
    assert all(cached(manifest).values()) and {m.path: m.sha256 for m in manifest.models} == finished.shas
    assert not (output / "steps").exists() and not (home / "manifest.json").exists()
    for artifact in manifest.artifacts:
        place = home if artifact["path"].startswith("steps/") else output
        assert sha256_of(place / artifact["path"]) == artifact["sha256"]
    assert [layer.name for layer in manifest.model("baseline").layers]


def test_steps_appear_whole_or_not_at_all(tmp_path: Path, said: list[str]) -> None:
    with open_store(tmp_path) as store:
        with pytest.raises(RuntimeError), store.writing("a step", "0123456789abcdef") as (folder, record):
            (folder / "half").write_bytes(b"x")
            raise RuntimeError
        assert store.find("a step", "0123456789abcdef") is None and not list(store.root.iterdir())
        with store.writing("a step", "0123456789abcdef") as (folder, record):
            record["value"] = 1
        assert store.find("a step", "0123456789abcdef") == {"value": 1} and not said
        assert store.find("a step", "0123456789abffff") is None, "the same folder, another key"
        with store.writing("a step", "0123456789abffff") as (folder, record):
            record["value"] = 2
        assert store.find("a step", "0123456789abcdef") == {"value": 1}
        assert store.find("a step", "0123456789abffff") == {"value": 2}
    assert [f.name for f in tmp_path.iterdir()] == ["steps"]


def test_a_trained_model_goes_through_without_training(trained: Any, npz: Path, tmp_path: Path) -> None:
    recipe = {"model": str(trained.h5), "data": str(npz), "convert": ["float16"], "budget": {"accuracy_drop": 0.02}}
    manifest = edgekit.compress(recipe, tmp_path / "out")
    (model,) = manifest.models
    assert model.path == "models/tiny_float16.tflite" and model.accuracy > 0.85 and manifest.budget["met"]


def test_the_seed_reaches_the_users_own_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_net.py").write_text(
        "from edgekit import _tf\n"
        "def build():\n"
        "    l = _tf.tf_keras().layers\n"
        "    return _tf.tf_keras().Sequential([l.Input((8, 8, 1)), l.Flatten(), l.Dense(10, activation='softmax')])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    recipe = {"model": "user_net:build", "data": "digits", "train": {"epochs": 1}, "convert": ["float32"]}
    shas = [edgekit.compress(recipe, tmp_path / name).models[0].sha256 for name in ("a", "b")]
    assert shas[0] == shas[1]


@pytest.mark.slow  # a whole run more
def test_another_runtime_measures_again(finished: Any, tmp_path: Path) -> None:
    recipe, output = copied(finished, tmp_path)
    manifest = edgekit.compress(recipe, output, overrides=["measure=[tensorflow]"])
    assert not cached(manifest)["baseline"]


def test_a_refused_recipe_leaves_no_folder(trained: Any, tmp_path: Path) -> None:
    recipe = {"model": str(trained.h5), "data": {"source": "digits", "preprocessing": [{"reshape": {"shape": [64]}}]}}
    with pytest.raises(EdgekitError, match="shape of the model's input"):
        edgekit.compress(recipe, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["train", "finetune"])
def test_images_too_small_to_shift_are_refused_before_training(where: str, tmp_path: Path) -> None:
    augment = {"augment": {"crop": 8}}
    recipe = {
        "model": "digits_cnn",
        "data": {"source": "digits"},
        "train": {"epochs": 1, **(augment if where == "train" else {})},
        "passes": [{"sparsify": {"finetune": augment if where == "finetune" else "auto"}}],
    }
    with pytest.raises(EdgekitError, match="larger than its crop of 8"):
        edgekit.compress(recipe, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


OWN = """
from typing import ClassVar
from edgekit.passes import Pass, Stage

class Half(Pass):
    stage: ClassVar[Stage] = Stage.STRUCTURE
    summary: ClassVar[str] = "Halves the last layer's weights."

    def check(self, model, target, loading=None):
        return []

    def apply(self, model, context):
        layer = model.layers[-1]
        layer.set_weights([weight * 0.5 for weight in layer.get_weights()])
        return model
"""


def test_a_pass_of_the_users_own_is_a_step(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, output = copied(finished, tmp_path)
    (tmp_path / "halving_pass.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    change = ["passes=[{'halving_pass:Half': {id: halved, finetune: none}}]", "convert=[float32]"]
    manifest = edgekit.compress(recipe, output, overrides=change)
    assert cached(manifest) == {"baseline": True, "halved": False, "convert float32": False}
    assert manifest.recipe["passes"] == [{"halving_pass:Half": {"id": "halved", "finetune": "none"}}]
    renamed = edgekit.compress(recipe, output, overrides=[*change, "passes.halved.id=other"])
    assert cached(renamed) == {"baseline": True, "other": False, "convert float32": True}, "of the same content"
    assert manifest.chosen.sha256 == renamed.chosen.sha256


def test_a_step_knows_the_content_of_its_target(trained: Any, tmp_path: Path) -> None:
    board, recipe, output = tmp_path / "board.yaml", tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text(
        f"model: {trained.h5}\ndata: {{source: digits, calibration: 32}}\ntarget: board.yaml\n"
        "passes: [{sparsify: {finetune: none}}, {qat: {finetune: none}}]\nconvert: [int8]\n"
    )
    board.write_text("description: a board\nformats: [int8, float32]\n")
    edgekit.compress(recipe, output)
    assert all(cached(edgekit.compress(recipe, output)).values())
    board.write_text("description: a board\nformats: [int8, float32]\nchannel_multiple: 8\n")
    assert cached(edgekit.compress(recipe, output)) == {
        "baseline": True, "sparsify": False, "qat": False, "convert int8": False,
    }  # fmt: skip
