"""`edgekit android lock`: from files and from a finished run to the lock, and how it is renewed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit.errors import EdgekitError, RecipeError
from edgekit.tflite.metadata import Metadata, attach, encode
from edgekit_converters.android.lock import read_lock

MODEL = packed(dense_model())
OTHER = MODEL + bytes(16)


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "app" / "src" / "main" / "assets"
    (folder / "deep").mkdir(parents=True)
    (folder / "digits.tflite").write_bytes(MODEL)
    (folder / "deep" / "größe $x's.v1.tflite").write_bytes(OTHER)
    (folder / "notes.txt").write_text("no model")
    return folder


def test_a_folder_and_a_module_folder_give_the_same_lock(assets: Path, tmp_path: Path) -> None:
    edgekit.lock_models([assets], tmp_path / "a.lock")
    edgekit.lock_models([tmp_path / "app"], tmp_path / "b.lock")
    assert (tmp_path / "a.lock").read_bytes() == (tmp_path / "b.lock").read_bytes()
    lock = read_lock(tmp_path / "a.lock")
    assert [m.asset for m in lock.models] == ["deep/größe $x's.v1.tflite", "digits.tflite"]
    assert [m.sha256 for m in lock.models] == [hashlib.sha256(c).hexdigest() for c in (OTHER, MODEL)]


def test_renewing_says_what_changed_and_keeps_budgets(assets: Path, tmp_path: Path) -> None:
    path = tmp_path / "edgekit.lock"
    first = edgekit.lock_models([assets], path, budget={"model_bytes": len(MODEL)})
    assert set(first.changes.values()) == {"new"} and list(first.over_budget) == ["deep/größe $x's.v1.tflite"]
    (assets / "digits.tflite").write_bytes(OTHER)
    shutil.rmtree(assets / "deep")
    again = edgekit.lock_models([assets], path)
    assert again.changes == {"digits.tflite": "changed", "deep/größe $x's.v1.tflite": "removed"}
    assert again.lock.models[0].budget == {"model_bytes": len(MODEL)}
    assert again.over_budget == {"digits.tflite": f"model_bytes {len(OTHER)} is above {len(MODEL)}"}
    assert "removed" in again.summary() and again.to_dict()["schema"] == "edgekit.android-lock/1"


def test_what_cannot_be_locked_is_one_line(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tflite").write_text("hello")
    (tmp_path / "digits.tflite").write_bytes(MODEL)
    (tmp_path / "newer.lock").write_text('{"schema": "edgekit.lock/7"}')
    (tmp_path / "foreign.lock").write_text("mine")
    refused: list[tuple[list[Path], str, dict[str, Any], str]] = [
        ([tmp_path / "empty"], "e.lock", {}, "names the .tflite files"),
        ([tmp_path / "none.tflite"], "e.lock", {}, "does not exist"),
        ([tmp_path / "text.tflite"], "e.lock", {}, "TFL3"),
        ([assets, tmp_path / "digits.tflite"], "e.lock", {}, "two models at 'digits.tflite'"),
        ([assets], "newer.lock", {}, "Update EdgeKit"),
        ([assets], "foreign.lock", {}, "overwrite=True"),
        ([assets], "e.lock", {"budget": {"model_byte": 3}}, "Did you mean 'model_bytes'"),
        ([assets], "e.lock", {"run": tmp_path}, "output folder of edgekit compress"),
        ([assets], "e.lock", {"recipe": tmp_path / "none.yaml"}, "A recipe must be a readable file"),
    ]
    for sources, output, options, said in refused:
        with pytest.raises(EdgekitError) as error:
            edgekit.lock_models(sources, tmp_path / output, **options)
        assert said in str(error.value) and "\n" not in str(error.value), (said, str(error.value))
    assert not (tmp_path / "e.lock").exists() and (tmp_path / "foreign.lock").read_text() == "mine"
    edgekit.lock_models([assets], tmp_path / "foreign.lock", overwrite=True)
    assert len(read_lock(tmp_path / "foreign.lock").models) == 2


def test_a_manifest_of_another_program_is_left_alone(assets: Path, tmp_path: Path) -> None:
    (assets / "manifest.json").write_text('{"name": "web app"}')
    assert edgekit.lock_models([assets], tmp_path / "edgekit.lock").lock.models[0].accuracy is None


def test_a_run_gives_budget_accuracy_and_recipe(finished: Any, tmp_path: Path, cli: Any) -> None:
    chosen = finished.manifest.chosen
    (tmp_path / "assets").mkdir()
    shutil.copy(finished.manifest.path, tmp_path / "assets" / "digits.tflite")
    path = tmp_path / "edgekit.lock"
    result = cli("android", "lock", tmp_path / "assets", "-o", path, "--run", finished.output,
                 "--recipe", finished.recipe, "--json")  # fmt: skip
    assert result.code == 0 and json.loads(result.out)["changes"] == {"digits.tflite": "new"}
    (model,) = read_lock(path).models
    assert model.budget == {"accuracy_drop": 1.0} and model.recipe_sha256
    assert model.recipe_sha256 == hashlib.sha256(finished.recipe.read_bytes()).hexdigest()
    assert (path.parent / str(model.recipe)).resolve() == finished.recipe.resolve() and "\\" not in str(model.recipe)
    assert model.accuracy is not None and model.accuracy.value == chosen.accuracy and model.accuracy.metric == "top1"
    assert (model.accuracy.low, model.accuracy.high) == (chosen.accuracy_low, chosen.accuracy_high)
    again = edgekit.lock_models([tmp_path / "assets"], path)
    assert again.lock.models == (model,) and again.changes == {"digits.tflite": "unchanged"}
    beside = edgekit.lock_models([finished.manifest.path], tmp_path / "beside.lock")
    assert beside.lock.models[0].accuracy == model.accuracy  # the run that the file lies in is found


def test_a_run_gives_its_recipe_to_its_own_files_alone(finished: Any, assets: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "edgekit.lock", tmp_path / "other.yaml"
    other.write_text("model: resnet8\n")
    before = edgekit.lock_models([assets], path, recipe=other).lock.models
    shutil.copy(finished.manifest.path, assets / "zz.tflite")
    *others, model = edgekit.lock_models([assets], path, run=finished.output, recipe=finished.recipe).lock.models
    assert tuple(others) == before and {m.recipe for m in others} == {"other.yaml"}
    assert (path.parent / str(model.recipe)).resolve() == finished.recipe.resolve() and model.accuracy is not None


def test_a_file_of_the_run_with_metadata_put_into_it_is_still_its_file(finished: Any, tmp_path: Path) -> None:
    content = finished.manifest.path.read_bytes()
    described = attach(content, encode(Metadata("Zahlen")), {"labels.txt": b"one\n"}, {})
    (tmp_path / "digits.tflite").write_bytes(described)
    lock = edgekit.lock_models([tmp_path / "digits.tflite"], tmp_path / "a.lock", run=finished.output).lock
    assert lock.models[0].accuracy is not None and lock.models[0].bytes == len(described)
    (tmp_path / "digits.tflite").write_bytes(described.replace(b"Zahlen", b"Ziffer"))
    assert edgekit.lock_models([tmp_path / "digits.tflite"], tmp_path / "b.lock", run=finished.output).lock
    changed = bytearray(described)
    changed[described.index(content) + len(content) // 2] ^= 1
    (tmp_path / "digits.tflite").write_bytes(changed)
    with pytest.raises(EdgekitError):
        edgekit.lock_models([tmp_path / "digits.tflite"], tmp_path / "c.lock", run=finished.output)


def test_a_run_of_another_model_or_recipe_is_refused(finished: Any, assets: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="The run must have made a model that is locked"):
        edgekit.lock_models([assets], tmp_path / "edgekit.lock", run=finished.output)
    other = tmp_path / "other.yaml"
    other.write_text(finished.recipe.read_text().replace("epochs: 2", "epochs: 3"))
    with pytest.raises(RecipeError, match="differs in train"):
        edgekit.lock_models([finished.manifest.path], tmp_path / "edgekit.lock", recipe=other)
    assert not (tmp_path / "edgekit.lock").exists()


def test_the_command_says_a_missed_budget_with_code_3(assets: Path, tmp_path: Path, cli: Any) -> None:
    result = cli("android", "lock", assets, "-o", tmp_path / "edgekit.lock", "--budget", "model_bytes=10")
    assert result.code == 3 and "over budget: model_bytes" in result.out


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("model_bytes=much", "--budget takes FIGURE=LIMIT"),
        ("model_bytes", "--budget takes FIGURE=LIMIT"),
        ("model_byte=3", "A budget limits figures. Received: 'model_byte'. Did you mean 'model_bytes'?"),
        ("model_bytes=-3", "The limit of model_bytes must fit: "),
        ("model_bytes=nan", "The limit of model_bytes must fit: "),
    ],
)
def test_a_limit_that_is_none_is_named_as_the_user_wrote_it(
    limit: str, words: str, assets: Path, tmp_path: Path, cli: Any
) -> None:
    result = cli("android", "lock", assets, "-o", tmp_path / "edgekit.lock", "--budget", limit)
    assert result.code == 1 and words in result.err and not (tmp_path / "edgekit.lock").exists()


def test_a_lock_that_is_renewed_in_a_module_is_no_foreign_file_to_the_next_export(tmp_path: Path) -> None:
    model, module = tmp_path / "m.tflite", tmp_path / "module"
    model.write_bytes(packed(dense_model()))
    edgekit.export(model, {"android": {"name": "Cats"}}, module)
    edgekit.lock_models([module], module / "edgekit.lock", budget={"model_bytes": 1_000_000})
    edgekit.export(model, {"android": {"name": "Cats"}}, module)
    (module / "edgekit.lock").write_text("mine\n")
    with pytest.raises(EdgekitError, match="changed since"):
        edgekit.export(model, {"android": {"name": "Cats"}}, module)
