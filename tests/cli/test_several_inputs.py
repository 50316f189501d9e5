"""Models with several inputs: calibration by the input's name, in every form in which data come."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.golden import read_golden
from edgekit.measure.predict import predict
from edgekit_converters.tflite import ConvertSpec, convert_file

Cli = Callable[..., Any]

RNG = np.random.default_rng(0)
LEFT = RNG.uniform(0, 1, (80, 4)).astype(np.float32)
RIGHT = RNG.uniform(-100, 100, (80, 3)).astype(np.float32)
WORDS = RNG.integers(0, 9, (80, 5))
Y = (RIGHT[:, 0] > 0).astype(int)
NAMED = {"left": LEFT, "a-b": RIGHT, "words": WORDS}
CODE = """\
import numpy as np
a = np.load("arrays.npz")
x = {name: a[name] for name in ("words", "left", "a-b")}
def labelled(): return {"x_train": x, "y_train": a["y"]}
def unlabelled(): return {"x_train": x}
def flat(): return {"x_train": a["left"], "y_train": a["y"]}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """m.keras and m.h5: left in 0..1, a-b in -100..100, words as indices; two.h5 has two outputs."""
    folder, keras = tmp_path_factory.mktemp("models"), _tf.tf_keras()
    layers = keras.layers
    left, right = layers.Input((4,), name="left"), layers.Input((3,), name="a-b")
    words = layers.Input((5,), name="words", dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(words))
    all_three = layers.Concatenate()([layers.Dense(4)(left), layers.Dense(4)(right), pooled])
    scores = layers.Dense(2, activation="softmax", name="scores")(all_three)
    model = keras.Model([left, right, words], scores)
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    one = layers.Input((4,))
    keras.Model(one, [layers.Dense(2, name="a")(one), layers.Dense(3, name="b")(one)]).save(folder / "two.h5")
    np.savez(folder / "plain.npz", **NAMED)
    np.savez(folder / "prefixed.npz", **{f"x_train/{k}": v for k, v in NAMED.items()})
    np.savez(
        folder / "labelled.npz",
        **{f"x_{s}/{k}": v for k, v in NAMED.items() for s in ("train", "test")},
        y_train=Y,
        y_test=Y,
    )
    np.savez(folder / "arrays.npz", **NAMED, y=Y)
    np.savez(folder / "one.npz", x_train=LEFT, y_train=Y)
    (folder / "several_data.py").write_text(CODE)
    return folder


@pytest.fixture
def here(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(models)
    monkeypatch.syspath_prepend(str(models))
    return models


FORMS = ["plain.npz", "prefixed.npz", "labelled.npz", "several_data:labelled", "several_data:unlabelled"]


def _check_ranges(path: Path) -> None:
    """Each input has the range of its own samples, and golden vectors are made of them."""
    inputs = {t.name: t for t in edgekit.inspect(path).inputs}
    (left,), (right,), (words,) = ([t for n, t in inputs.items() if part in n] for part in ("left", "a_b", "words"))
    steps = (255, 255) if left.dtype == "int8" else (32767, 65534)  # 16 bits are symmetric
    assert left.scale == pytest.approx(1 / steps[0], rel=0.1) and right.scale == pytest.approx(200 / steps[1], rel=0.1)
    assert words.dtype == "int32"
    golden = read_golden(path)
    by_name = dict(zip(inputs, golden.inputs, strict=True))
    rows = {tuple(row) for row in WORDS.tolist()}
    assert all(tuple(row) in rows for row in by_name[words.name].reshape(len(golden), 5).tolist())
    real = by_name[right.name].astype(np.float32).reshape(len(golden), 3)
    near = np.abs((real - right.zero_point) * right.scale - RIGHT[:, np.newaxis]).max(axis=-1).min(axis=0)
    assert near.max() <= right.scale, "samples of the input of that name"


@pytest.mark.parametrize("data", FORMS)
@pytest.mark.parametrize("model", ["m.keras", "m.h5"])
def test_convert_on_the_command_line(model: str, data: str, here: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "m.tflite"
    result = cli("convert", model, "--data", data, "-o", out, "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["quantization"] == "int8"
    _check_ranges(out)
    sidecar = json.loads((tmp_path / "m.tflite.json").read_text())
    assert sidecar["preprocessing"] == [{"cast": {"dtype": "float32"}}]
    assert sidecar["task"] == ("classification" if "labelled" in data and "un" not in data else "unknown")


def test_convert_from_python(here: Path, tmp_path: Path) -> None:
    edgekit.convert("m.h5", tmp_path / "m.tflite", format="int16x8", data="plain.npz")
    _check_ranges(tmp_path / "m.tflite")
    convert_file(Path("m.h5"), tmp_path / "n.tflite", ConvertSpec(format="int8"), representative=NAMED)
    assert edgekit.inspect(tmp_path / "n.tflite").quantization == "int8"


def test_evaluate_the_file(here: Path, cli: Cli, tmp_path: Path) -> None:
    for kind in ("float32", "int8"):
        out = tmp_path / f"{kind}.tflite"
        assert cli("convert", "m.h5", "--format", kind, "--data", "labelled.npz", "-o", out).code == 0
        found = json.loads(cli("evaluate", out, "--data", "labelled.npz", "--json").out)
        right = predict(out, NAMED).argmax(1) == Y
        assert found["samples"] == 80 and found["value"] == pytest.approx(right.mean())


def save(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "d.npz", **arrays)
    return folder / "d.npz"


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "one array": (
        {"x_train": LEFT, "y_train": Y},
        ("Received: one array", "x_train/left, x_train/a-b, x_train/words", "or just left, a-b, words", "'left': ..."),
    ),
    "missing": ({"left": LEFT, "words": WORDS}, ("inputs: left, a-b, words", "Received: left, words", "x_train/a-b")),
    "surplus": ({**NAMED, "more": LEFT}, ("Received: left, a-b, words, more",)),
    "another name": ({"left": LEFT, "a_b": RIGHT, "words": WORDS}, ("Received: left, a_b, words",)),
    "another shape": ({**NAMED, "left": RIGHT}, ("'left' must have the shape [4]", "Received: [3]")),
    "unequal": ({**NAMED, "left": LEFT[:50]}, ("same number of samples", "50 in x_train/left, 80 in x_train/a-b")),
    "not finite": ({**NAMED, "left": LEFT * np.nan}, ("x_train/left must be finite",)),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_samples_that_do_not_fit_are_refused(fault: str, here: Path, cli: Cli, tmp_path: Path) -> None:
    arrays, said = REFUSED[fault]
    data = save(tmp_path, **arrays)
    result = cli("convert", "m.h5", "--data", data, "-o", tmp_path / "out" / "m.tflite")
    assert result.code == 1 and result.err.startswith("Error: ") and "Traceback" not in result.err
    for text in said:
        assert text in result.err
    assert [f.name for f in tmp_path.iterdir() if f.name != "out"] == ["d.npz"]
    assert not list(tmp_path.rglob("*.tflite"))


@pytest.mark.parametrize(
    ("command", "model", "data", "said"),
    [
        ("evaluate", "m.h5", "labelled.npz", "with one input and one output. Received: 3 inputs and 1 outputs"),
        ("evaluate", "two.h5", "one.npz", "with one input and one output. Received: 1 inputs and 2 outputs"),
        ("sensitivity", "m.h5", "labelled.npz", "with one input and one output"),
        ("compress", "m.h5", "labelled.npz", "with one input and one output"),
        ("compress", "two.h5", "one.npz", "with one input and one output"),
        ("compress", "lenet5", "labelled.npz", "one input; edgekit convert takes several. Received: samples for 3"),
    ],
)
def test_other_commands_say_that_they_take_one(
    command: str, model: str, data: str, said: str, here: Path, cli: Cli, tmp_path: Path
) -> None:
    arguments: list[object] = [model, "--data", here / data]
    if command == "compress":
        named, trained = (here / model, "") if "." in model else (model, "train: {epochs: 1}\n")
        (tmp_path / "r.yaml").write_text(f"model: {named}\ndata: {here / data}\n{trained}")
        arguments = [tmp_path / "r.yaml", "-o", tmp_path / "out"]
    result = cli(command, *arguments)
    assert result.code == 1 and said in result.err and "Traceback" not in result.err


def test_a_file_with_two_outputs_is_not_evaluated(here: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("convert", "two.h5", "--data", "one.npz", "-o", tmp_path / "m.tflite").code == 0
    result = cli("evaluate", tmp_path / "m.tflite", "--data", "one.npz")
    assert result.code == 1 and "Models are evaluated with one output. Received: 2 outputs" in result.err


def test_names_that_a_file_cannot_tell_apart_give_random_vectors(tmp_path: Path) -> None:
    keras = _tf.tf_keras()
    inputs = [keras.layers.Input((4,), name=name) for name in ("a-b", "a.b")]
    keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Add()(inputs))).save(tmp_path / "m.h5")
    data = save(tmp_path, **{"a-b": LEFT, "a.b": LEFT[::-1]})
    edgekit.convert(tmp_path / "m.h5", tmp_path / "m.tflite", data=str(data))
    assert len(read_golden(tmp_path / "m.tflite")) == 8
