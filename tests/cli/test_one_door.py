"""Whatever a command wants of a Keras file, a child process opens it: with that door closed no command gets in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from edgekit import _tf, registry, sandbox
from edgekit.cli import commands
from edgekit.errors import ModelError
from edgekit.keras import save_model

RECIPES = {
    "a model": "model: {file}\ndata: digits\nconvert: [float32]\n",
    "an objective's teacher": (
        "model: digits_cnn\ndata: digits\ntrain: {{epochs: 1}}\nobjective: {{distill: {{teacher: {file}}}}}\n"
    ),
    "a pass's teacher": (
        "model: digits_cnn\ndata: digits\ntrain: {{epochs: 1}}\npasses:\n- distill: {{teacher: {file}}}\n"
    ),
    "a pass's student": (
        "model: digits_cnn\ndata: digits\ntrain: {{epochs: 1}}\npasses:\n- distill: {{student: {file}}}\n"
    ),
}
WAYS: dict[str, list[object]] = {
    "convert float32": ["convert", "{file}", "--format", "float32", "-o", "{folder}/m.tflite"],
    "convert int8": ["convert", "{file}", "--format", "int8", "--data", "digits", "-o", "{folder}/m.tflite"],
    "evaluate": ["evaluate", "{file}", "--data", "digits"],
    "sensitivity": ["sensitivity", "{file}", "--data", "digits"],
    "auto": ["auto", "{file}", "--data", "digits", "-o", "{folder}/auto"],
    **{f"compress {what}": ["compress", "{folder}/recipe.yaml", "-o", "{folder}/run"] for what in RECIPES},
}
NONE_OPENED = {
    "android", "benchmark", "demo", "doctor", "export", "init", "inspect", "passes", "report", "runtimes", "schema",
    "search", "skill", "targets",
}  # fmt: skip
"""Commands that take no Keras file: `inspect` and `benchmark` say so of one."""


@pytest.fixture(scope="module")
def files(build_tiny: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same honest model in every form."""
    folder, model = tmp_path_factory.mktemp("forms"), build_tiny()
    save_model(model, folder / "tf_keras.h5")
    model.save(folder / "tf_keras.keras")
    model.save(folder / "saved_model", save_format="tf")
    keras = _tf.keras3()
    third = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    third.save(folder / "keras3.keras")
    third.save(folder / "keras3.h5")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[sandbox.Limits]:
    """Children are refused; gives the limits of those that were asked for."""
    asked = []

    def refuse(job: str, request: Any, *arrays: Any, limits: sandbox.Limits, **options: Any) -> NoReturn:
        asked.append(limits)
        raise ModelError("The door must be open.", received=f"a closed one before {options['what']}")

    monkeypatch.setattr(sandbox, "run", refuse)
    return asked


@pytest.mark.parametrize("form", ["tf_keras.h5", "tf_keras.keras", "saved_model", "keras3.keras", "keras3.h5"])
@pytest.mark.parametrize("way", WAYS)
def test_no_command_opens_a_model_by_another_way(
    way: str, form: str, files: dict[str, Path], closed: list[sandbox.Limits], cli: Any, tmp_path: Path
) -> None:
    recipe = RECIPES.get(way.removeprefix("compress "), "")
    (tmp_path / "recipe.yaml").write_text(recipe.format(file=files[form]))
    arguments = [str(a).format(file=files[form], folder=tmp_path) for a in WAYS[way]]
    result = cli(*arguments, "--time-limit", 77)
    assert result.code == 1 and f"a closed one before {files[form]}" in result.err
    assert [limits.seconds for limits in closed] == [77]  # a run's limits hold for all that it names


def test_every_command_that_takes_a_model_is_tried() -> None:
    assert {str(way[0]) for way in WAYS.values()} | NONE_OPENED == set(registry.names(commands))


@pytest.mark.parametrize("command", ["benchmark", "inspect"])
@pytest.mark.parametrize("form", ["tf_keras.h5", "keras3.keras", "saved_model"])
def test_commands_for_tflite_files_do_not_open_others(
    command: str, form: str, files: dict[str, Path], closed: list[sandbox.Limits], cli: Any
) -> None:
    result = cli(command, files[form])
    assert result.code == 1 and "Traceback" not in result.err and not closed
