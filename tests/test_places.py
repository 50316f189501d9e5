"""A remedy speaks the language of the place where the user stands: flags, keys of a recipe, or arguments."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edgekit
from edgekit.errors import DataError, EdgekitError
from edgekit.ownership import check_writable
from edgekit.places import COMMAND, PYTHON, RECIPE, by_place, place, setting, standing
from edgekit.runtimes import PROBE

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    ("outer", "inner", "said"),
    [
        ([], [], "--bound DB (in Python bound=DB)"),
        ([], [COMMAND], "--bound DB"),
        ([], [PYTHON], "bound=DB"),
        ([PYTHON], [RECIPE], "bound: DB"),
        ([COMMAND], [RECIPE], "bound: DB"),
        ([COMMAND], [PYTHON], "--bound DB"),
        ([], ["a place that is none"], "--bound DB (in Python bound=DB)"),
    ],
)
def test_one_setting_in_the_words_of_each_place(outer: list[str], inner: list[str], said: str) -> None:
    with standing(outer), standing(inner):
        assert by_place(command="--bound DB", python="bound=DB", recipe="bound: DB") == said
    assert place() == []


def test_what_is_the_same_everywhere_is_said_once() -> None:
    assert by_place(command="Name a file", python="Name a file", recipe="Write a file") == "Name a file"


def test_images_of_two_sizes(tmp_path: Path, cli: Cli) -> None:
    """Only a recipe has keys: a command and a program are told where there are some."""
    for number, size in enumerate([(8, 8), (9, 8)] * 4):
        (tmp_path / "images" / f"class{number % 2}").mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(tmp_path / "images" / f"class{number % 2}" / f"{number}.png")
    Image.new("L", (9, 9)).save(tmp_path / "images" / "class0" / "other.png")
    told = cli("evaluate", PROBE, "--data", tmp_path / "images")
    assert told.code == 1 and "use a recipe with data: {preprocessing: [{resize:" in told.err
    with pytest.raises(DataError, match=r'give data=edgekit\.data\.DataSpec\(.*preprocessing=\[\{"resize"'):
        edgekit.evaluate(PROBE, str(tmp_path / "images"))
    small = [{"resize": {"height": 4, "width": 4}}]
    spec = edgekit.data.DataSpec(source=str(tmp_path / "images"), preprocessing=small)  # type: ignore[arg-type]
    assert edgekit.load_data(spec).features("train").shape[1:] == (4, 4, 1), "as the remedy says"


def test_what_a_recipe_does_not_say_is_said_by_who_runs_it() -> None:
    for runner, said in ((COMMAND, "--overwrite"), (PYTHON, "overwrite=True")):
        with standing([runner]), standing([RECIPE]):
            assert by_place(command="--overwrite", python="overwrite=True") == said


@pytest.mark.parametrize(
    ("where", "said"),
    [([COMMAND], "--arena-margin"), ([PYTHON], "arena_margin="), ([PYTHON, RECIPE], "the key arena_margin")],
)
def test_an_exporters_option(where: list[str], said: str) -> None:
    with ExitStack() as places:
        for name in where:
            places.enter_context(standing([name]))
        assert setting("arena_margin") == said


def test_a_command_names_flags(tmp_path: Path, cli: Cli) -> None:
    lacking = cli("convert", "some.keras", "-o", tmp_path / "m.tflite")
    assert "Give --data SPEC" in lacking.err and "data=" not in lacking.err


def test_python_names_arguments(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError) as lacking:
        edgekit.convert("some.keras", tmp_path / "m.tflite")
    assert "Give data=(x_train, y_train)." in str(lacking.value) and "--" not in str(lacking.value)


def test_files_of_others_in_the_way(tmp_path: Path, cli: Cli, build_tiny: Callable[[], Any]) -> None:
    """By the same function, from a command and from a program."""
    out, trained_file = tmp_path / "m.tflite", tmp_path / "tiny.h5"
    build_tiny().save(trained_file)
    out.write_bytes(b"mine")
    told = cli("convert", trained_file, "--format", "float32", "-o", out)
    assert told.code == 1 and "replace it with --overwrite." in told.err
    with pytest.raises(EdgekitError, match=r"replace it with overwrite=True\.$"):
        edgekit.convert(trained_file, out, format="float32")
    with pytest.raises(EdgekitError, match=r"--overwrite \(in Python overwrite=True\)\.$"):
        check_writable(tmp_path, [out.name])


def test_a_child_process_speaks_to_the_same_user(tmp_path: Path, cli: Cli) -> None:
    """A Lambda layer is refused in the process that reads the file."""
    import tf_keras

    model = tf_keras.Sequential([tf_keras.Input((2,)), tf_keras.layers.Lambda(lambda x: 2 * x)])
    model.save(tmp_path / "twice.h5")
    told = cli("convert", tmp_path / "twice.h5", "--format", "float32", "-o", tmp_path / "m.tflite")
    assert told.code == 1 and "pass --unsafe if you trust the file." in told.err
    with pytest.raises(EdgekitError, match=r"pass unsafe=True if you trust the file\."):
        edgekit.convert(tmp_path / "twice.h5", tmp_path / "m.tflite", format="float32")


def test_a_recipe_names_keys(tmp_path: Path) -> None:
    """Labels that may be classes as well as numbers: the recipe says it by its key, a program by its argument."""
    x = np.random.default_rng(0).random((40, 4), np.float32)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=(x[:, 0] > 0.5).astype(np.float32))
    data = {"source": str(tmp_path / "d.npz")}
    recipe = {"model": "digits_cnn", "data": data, "train": {"epochs": 1}, "convert": ["float32"]}
    with pytest.raises(EdgekitError, match=r"Add objective: \{task: classification\} or .* to the recipe\.$"):
        edgekit.compress(recipe, tmp_path / "run")
    with pytest.raises(EdgekitError, match=r'Add task="classification" or task="regression"\.$'):
        edgekit.compress("digits_cnn", tmp_path / "run", data=str(tmp_path / "d.npz"), train={"epochs": 1})
