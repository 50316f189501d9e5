"""What a user can get wrong: one paragraph with the rule, what was received and the remedy; nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_lines import LEAVES
from PIL import Image

import edgekit
from edgekit import _tf
from edgekit.measure import latency

Cli = Callable[..., Any]


def errors(result: Any) -> int:
    """How many errors the user is shown."""
    return len(re.findall(r"^Error: ", result.err, re.MULTILINE))


def refused(cli: Cli, code: int, message: str, *arguments: object) -> None:
    """The command fails with one error, with and without --json."""
    for form in ([], ["--json"]):
        result = cli(*arguments, *form)
        assert result.code == code, (result.out, result.err)
        assert errors(result) == 1 and "Traceback" not in result.err + result.out
        flat = " ".join(result.err.split())
        assert message in flat, flat
        if form:
            found = json.loads(result.out)
            assert set(found) == {"schema", "error", "exit_code"}
            assert (found["schema"], found["exit_code"]) == ("edgekit.error/1", code)
            assert message in " ".join(found["error"].split())
        else:
            assert not result.out.strip()
        if code == 1:
            assert "Received: " in flat


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compres"], "Did you mean 'compress'?"),
        (["inspect"], "Missing argument 'MODEL'"),
        (["inspect", "a", "b"], "unexpected extra argument"),
        (["inspect", "a", "--jsn"], "No such option"),
        (["evaluate", "m.h5"], "Missing option '--data'"),
        (["evaluate", "m.h5", "--data", "digits", "--task", "guess"], "Invalid value for '--task'"),
        (["benchmark", "m.tflite", "--runs", "0"], "Invalid value for '--runs'"),
        (["benchmark", "m.tflite", "--runtime", "litter"], "Did you mean 'litert'?"),
        (["convert", "m.h5", "--calibration", "x"], "Invalid value for '--calibration'"),
        (["convert", "m.h5", "--format", "int8"], "no data. Give --data SPEC"),
        (["compress", "r.yaml", "--set", "epochs"], "--set takes KEY.PATH=VALUE"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, cli: Cli, here: Path) -> None:
    (here / "r.yaml").write_text("model: digits_cnn\ndata: digits\n")
    refused(cli, 2, message, *arguments)
    assert [f.name for f in here.iterdir()] == ["r.yaml"]


def test_no_command_at_all(cli: Cli) -> None:
    result = cli()
    assert result.code == 2 and "Commands:" in result.err + result.out


def models(here: Path, trained: Any, tflite: Path) -> dict[str, tuple[str, str]]:
    """Bad model files: name -> (what `evaluate` says, where)."""
    h5 = trained.h5.read_bytes()
    trained.model.save(here / "whole.keras")
    archive = (here / "whole.keras").read_bytes()
    (here / "whole.keras").unlink()
    content = {
        "empty.h5": (b"", "must hold a model"),
        "empty.keras": (b"", "must hold a model"),
        "empty.tflite": (b"", "tflite"),
        "cut.h5": (h5[: len(h5) // 2], "damaged or truncated"),
        "cut.keras": (archive[: len(archive) // 2], "damaged or truncated"),
        "cut.tflite": (tflite.read_bytes()[:-900], "tflite"),
        "text.tflite": (b"hello, I am a model", "tflite"),
    }
    for name, (data, _) in content.items():
        (here / name).write_bytes(data)
    absent = {f"absent{s}": (b"", "exist") for s in (".h5", ".keras", ".tflite")}
    return {name: (name, message) for name, (_, message) in {**content, **absent}.items()}


def test_bad_model_files(cli: Cli, here: Path, trained: Any, tflites: dict[str, Path], npz: Path) -> None:
    for name, (path, message) in models(here, trained, tflites["int8"]).items():
        before = sorted(f.name for f in here.iterdir())
        refused(cli, 1, message, "evaluate", path, "--data", npz)
        if name.endswith(".tflite"):
            refused(cli, 1, message, "inspect", path)
        else:
            refused(cli, 1, message, "convert", path, "--data", npz, "-o", "out/m.tflite")
        assert sorted(f.name for f in here.iterdir()) == before, name


X = np.random.default_rng(0).random((60, 8, 8, 1)).astype(np.float32)
Y = np.arange(60) % 10


def save_npz(path: Path, x: Any = X, y: Any = Y, **more: Any) -> Path:
    np.savez(path, x_train=x, y_train=y, **more)
    return path


def bad_data(here: Path) -> dict[str, str]:
    """Bad data sets: path -> what is said."""
    whole = save_npz(here / "whole.npz").read_bytes()
    (here / "whole.npz").unlink()
    (here / "empty.npz").write_bytes(b"")
    (here / "cut.npz").write_bytes(whole[: len(whole) // 2])
    save_npz(here / "pickled.npz", y=np.array([{}] * 60, object))
    save_npz(here / "negative.npz", y=Y - 1)
    save_npz(here / "names.npz", label_names=np.array(["a", "b"]))
    save_npz(here / "above.npz", y=Y + 5)
    save_npz(here / "shape.npz", x=X[:, :4])
    spoilt = X.copy()
    spoilt[7, 1, 1] = np.nan
    save_npz(here / "nan.npz", x=spoilt)
    (here / "ragged.csv").write_text("a,label\n1,x\n2\n")
    (here / "words.csv").write_text("a,label\none,x\n")
    for name in ("a", "b"):
        (here / "pictures" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(here / "pictures" / name / "0.png")
    (here / "pictures" / "a" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (here / "sizes" / "a").mkdir(parents=True)
    (here / "sizes" / "b").mkdir(parents=True)
    Image.new("L", (8, 8)).save(here / "sizes" / "a" / "0.png")
    Image.new("L", (9, 8)).save(here / "sizes" / "b" / "0.png")
    (here / "one" / "a").mkdir(parents=True)
    Image.new("L", (8, 8)).save(here / "one" / "a" / "0.png")
    return {
        "absent.npz": "must exist",
        "empty.npz": "an empty file",
        "cut.npz": "damaged or truncated",
        "pickled.npz": "pickled objects can run code",
        "negative.npz": "the label -1 in y_train",
        "names.npz": "Labels are class indices from 0 to 1.",
        "above.npz": "classes",
        "shape.npz": "[8, 8, 1]",
        "nan.npz": "NaN or infinity, first in sample 7",
        "ragged.csv": "Every row of a .csv has 2 columns",
        "words.csv": "Feature columns of a .csv are numbers",
        "pictures": "Every image must be readable",
        "sizes": "Images of one data set have one size",
        "one": "at least two",
        "nothing": "A data source is",
    }


def test_bad_data(cli: Cli, here: Path, trained: Any, tflites: dict[str, Path]) -> None:
    for path, message in bad_data(here).items():
        before = sorted(f.name for f in here.iterdir())
        for model in (trained.h5, tflites["int8"]):
            refused(cli, 1, message, "evaluate", model, "--data", path)
        if path != "above.npz":  # calibration looks at no labels
            refused(cli, 1, message, "convert", trained.h5, "--data", path, "-o", "out/m.tflite")
        assert sorted(f.name for f in here.iterdir()) == before, path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle: digits_cnn\ndata: digits\n", "Unknown recipe key. Received: 'modle'. Did you mean 'model'?"),
        ("model: digits_cnn\ndata: digits\npasses: [sparse]\n", "Unknown pass. Received: 'sparse'."),
        ("model: digits_cnn\ndata: {source: digits, preprocessing: [resise]}\ntrain: {epochs: 1}\n", "'resise'"),
        ("model: digits_cnn\ndata: digits\n", "comes untrained"),
        ("model: absent.h5\ndata: digits\n", "must exist"),
        ("model: digits_cnn\ndata: absent.npz\ntrain: {epochs: 1}\n", "must exist"),
        ("model: digits_cnn\ndata: one.npz\ntrain: {epochs: 1}\n", "at least two classes"),
        ("model: lenet5\ndata: small.npz\ntrain: {epochs: 1}\n", "network lenet5 must fit its input"),
        ("model: digits_cnn\ndata: digits\ntrain: {epochs: 1}\npasses: [qat: {skip: [nope]}]\n", "received 'nope'"),
    ],
)
def test_bad_recipes(text: str, message: str, cli: Cli, here: Path) -> None:
    save_npz(here / "one.npz", y=Y * 0)
    save_npz(here / "small.npz", x=X[:, :3, :3])
    (here / "r.yaml").write_text(text)
    refused(cli, 1, message, "compress", "r.yaml", "-o", "out")
    left = [f for f in here.rglob("*") if f.is_file() and "out" in f.parts and f.name != ".lock"]
    assert not left


@pytest.mark.parametrize("version", [2, 3])
def test_lambda(version: int, cli: Cli, here: Path, npz: Path) -> None:
    keras = _tf.tf_keras() if version == 2 else _tf.keras3()
    path = here / ("m.h5" if version == 2 else "m.keras")
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Lambda(lambda x: x * 2.0, output_shape=(8, 8, 1), name="twice"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.save(path)
    refused(cli, 1, "with the Lambda layer 'twice'", "evaluate", path, "--data", npz)
    refused(cli, 1, "pass --unsafe", "convert", path, "--format", "float32", "-o", "out.tflite")
    assert [f.name for f in here.iterdir()] == [path.name]
    assert cli("evaluate", path, "--data", npz, "--unsafe").code == 0
    assert cli("convert", path, "--format", "float32", "-o", "out.tflite", "--unsafe").code == 0


def test_a_model_that_crashes_its_runtime(
    cli: Cli, tflites: dict[str, Path], npz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child is killed as a crash would: what the user sees must be the same."""
    from edgekit.runtimes._child import Child

    request = Child.request

    def crash(self: Any, header: Any, *rest: Any, **limits: Any) -> Any:
        if header["op"] != "open":
            os.kill(self.pid, signal.SIGSEGV)
        return request(self, header, *rest, **limits)

    monkeypatch.setattr(Child, "request", crash)
    result = cli("evaluate", tflites["int8"], "--data", npz)
    assert result.code == 1 and errors(result) == 1 and "Traceback" not in result.err
    assert "The model crashed the runtime litert (SIGSEGV)." in result.err and "edgekit inspect" in result.err
    timed = cli("benchmark", tflites["int8"], "--json")
    assert timed.code == 1 and "SIGSEGV" in json.loads(timed.out)["results"][0]["error"]


def test_converted_file_must_be_named_so(cli: Cli, here: Path, trained: Any) -> None:
    refused(cli, 1, "A converted model is a .tflite file", "convert", trained.h5, "--format", "float32", "-o", "m.lite")
    (here / "m.tflite").mkdir()
    result = cli("convert", trained.h5, "--format", "float32", "-o", "m.tflite")
    assert result.code == 1 and errors(result) == 1
    assert [f.name for f in here.iterdir()] == ["m.tflite"]


def test_formats_and_dtypes_are_checked_before_work(cli: Cli, here: Path, trained: Any) -> None:
    refused(cli, 1, "Unknown format. Received: 'int9'", "convert", trained.h5, "--format", "int9")
    refused(
        cli, 1, "float32. Received: int8", "convert", trained.h5, "--format", "float16", "--input-dtype", "int8"
    )  # fmt: skip


def test_debug_shows_the_traceback(cli: Cli) -> None:
    with pytest.raises(edgekit.errors.EdgekitError):
        cli("inspect", "absent.tflite", "--debug")


def test_what_nobody_foresaw_is_one_paragraph_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(latency, "benchmark", fail)
    result = cli("benchmark", "m.tflite")
    assert result.code == 1 and "ZeroDivisionError: by zero" in result.err and "--debug" in result.err


def test_interrupt(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(latency, "benchmark", interrupt)
    result = cli("benchmark", "m.tflite")
    assert result.code == 130 and "Interrupted" in result.err and "Traceback" not in result.err


def test_every_command_takes_json_and_debug() -> None:
    for path, command in LEAVES.items():
        options = {o for p in command.params for o in p.opts}
        assert {"--json", "--debug"} <= options, path
