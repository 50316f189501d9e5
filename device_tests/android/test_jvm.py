"""The runtime `jvm` in a real Java machine: answers beside Python's, state, refusals, crashes, installation."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from java import java_missing
from real_data import DATA, MISSING
from small_tflite import DTYPES, counter, crossed, dense, lstm, needing, picked, steps

from edgekit import tflite
from edgekit.cli import main
from edgekit.errors import ModelRefused, RuntimeFailed
from edgekit.observer import notes_to
from edgekit.runtimes import PROBE, Session, load_runtime
from edgekit.runtimes._jvm.toolbox import toolbox, unbuilt_toolbox
from edgekit.tensors import Array

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

JVM = load_runtime("jvm")
installing = importlib.import_module("edgekit.runtimes._jvm.install")
X = np.array([[-1.0, 0.5, 2.0, -3.0]], np.float32)
ROUNDED = {"kws_ref_model_int8.tflite": 16, "pretrainedResnet_quant.tflite": 72}
"""Least significant bits: one of a hundred results of an int8 CONV_2D differs by one between 2.6 and 2.14, and several
such layers, a coarse scale and a softmax make more of it."""
WRONG = {"keras_lstm_mnist_ptq.tflite": 2}
"""Of which EdgeKit warns."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    installing.install()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def to_file(content: bytes) -> Path:
        path = tmp_path / "grüße $x.tflite"
        path.write_bytes(content)
        return path

    return to_file


def inputs_of(session: Session, rng: np.random.Generator) -> list[Array]:
    return [_drawn(rng, spec.shape, np.dtype(spec.dtype)) for spec in session.inputs]


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    return rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_of_each_dtype_travel_in_both_directions(dtype: str, write: Callable[[bytes], Path]) -> None:
    with JVM.open(write(crossed(dtype))) as session:  # type: ignore[attr-defined]
        assert [(spec.shape, spec.dtype) for spec in session.inputs] == [((2, 3), dtype), ((4,), dtype)]
        for seed in range(3):
            first, second = inputs_of(session, np.random.default_rng(seed))
            outputs = session.run([first, second])
            assert [output.dtype.name for output in outputs] == [dtype, dtype]
            np.testing.assert_array_equal(outputs[0], second.reshape(2, 2))
            np.testing.assert_array_equal(outputs[1], first.reshape(6))


@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
def test_published_models_answer_as_the_same_kernels_do_in_python() -> None:
    paths = sorted((DATA / "models").rglob("*.tflite"))
    assert len(paths) >= 11
    for path in paths:
        model = tflite.read(path)
        assert bool(JVM.wrong_answers(model)) == (path.name in WRONG)
        session, other = JVM.open(model), load_runtime("tflite_runtime").open(model, kernels="builtin")
        try:
            steps = {**ROUNDED, **WRONG}.get(path.name, 0)
            for seed in range(3):
                inputs = inputs_of(session, np.random.default_rng(seed))
                for received, expected in zip(
                    session.run(inputs, fresh=True), other.run(inputs, fresh=True), strict=True
                ):
                    assert received.dtype == expected.dtype and received.shape == expected.shape
                    if received.dtype.kind == "f":
                        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6, err_msg=path.name)
                    else:
                        assert np.abs(received.astype(int) - expected).max() <= steps, path.name
        finally:
            session.close()
            other.close()


def test_a_fused_lstm_begins_afresh_where_it_is_asked_to(write: Callable[[bytes], Path]) -> None:
    path, x = write(lstm(steps=3, zero_point=0)), np.full((1, 3, 2), 90, np.int8)
    session, other = JVM.open(path), load_runtime("tflite_runtime").open(path, kernels="builtin")
    try:
        for fresh in (False, False, True, False):
            (received,), (expected,) = session.run([x], fresh=fresh), other.run([x], fresh=fresh)
            np.testing.assert_array_equal(received, expected)
        first, again = session.run([x], fresh=True), session.run([x])
        assert not np.array_equal(first, again)
    finally:
        session.close()
        other.close()


def test_a_stateful_model_keeps_its_state_from_call_to_call(write: Callable[[bytes], Path]) -> None:
    with JVM.open(write(counter())) as session:  # type: ignore[attr-defined]
        kept = [float(session.run([np.array([1], np.float32)], fresh=fresh)[0][0]) for fresh in (False, True, False)]
    assert kept == [11, 12, 13]


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (needing("GELU", 2), "GELU version 2"),
        (needing("TANH", 9), "TANH version 9"),
    ],
)
def test_an_operator_that_is_lacking_is_named(content: bytes, received: str, write: Callable[[bytes], Path]) -> None:
    with pytest.raises(ModelRefused, match=rf"^[^\n]*every operator of the model.* Received: {received}\. [^\n]+$"):
        JVM.open(write(content))


def test_a_shape_that_changes_is_refused(write: Callable[[bytes], Path]) -> None:
    """The classes remember the first shape, so an app would read the wrong one too."""
    with JVM.open(write(steps())) as session:  # type: ignore[attr-defined]
        np.testing.assert_array_equal(session.run([np.array(3, np.int32)])[0], [0, 1, 2])
        with pytest.raises(ModelRefused, match="another shape than at the first inference"):
            session.run([np.array(4, np.int32)])


def test_what_this_runtime_answers_wrongly_is_so_and_is_told(write: Callable[[bytes], Path]) -> None:
    """The proof of `wrong_answers`: dense layers give one answer, LSTMs miss twice the zero point."""
    x = np.array([[100, -100, 50]], np.int8)
    for channels, expected in ((False, x), (True, 0 * x)):
        model = tflite.read(write(dense(channels=channels)))
        with JVM.open(model) as session:  # type: ignore[attr-defined]
            np.testing.assert_array_equal(session.run([x])[0], expected)
        assert bool(JVM.wrong_answers(model)) == channels
    model, x = tflite.read(write(lstm(steps=1, zero_point=7))), np.array([[[90, -30]]], np.int8)
    session, other = JVM.open(model), load_runtime("tflite_runtime").open(model, kernels="reference")
    try:
        difference = session.run([x])[0].astype(int) - other.run([x])[0]
    finally:
        session.close()
        other.close()
    np.testing.assert_array_equal(difference, np.full((1, 1, 3), -14))
    assert JVM.wrong_answers(model)


def test_evaluate_and_benchmark_warn_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: object) -> tuple[dict[str, Any], str]:
        main([*map(str, arguments), "--runtime", "jvm", "--json"])
        printed = capsys.readouterr()
        return json.loads(printed.out), printed.err

    x = np.random.default_rng(0).uniform(-1, 1, (90, 3)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x_test=x, y_test=x.argmax(1), x_train=x, y_train=x.argmax(1))
    models = [tmp_path / "right.tflite", tmp_path / "wrong.tflite"]
    for model, channels in zip(models, (False, True), strict=True):
        model.write_bytes(dense(channels=channels))
    right, printed = told("evaluate", models[0], "--data", tmp_path / "data.npz")
    assert right["value"] > 0.95 and right["warnings"] == [] and "Warning" not in printed
    wrong, printed = told("evaluate", models[1], "--data", tmp_path / "data.npz")
    assert wrong["value"] < 0.6 and "FULLY_CONNECTED" in wrong["warnings"][0]
    assert printed.count("Warning: ") == 1 and wrong["warnings"][0] in printed
    results = told("benchmark", *models, "--runs", 5, "--launches", 1)[0]["results"]
    assert [bool(result["warnings"]) for result in results] == [False, True]
    assert all(result["latency_ms"]["p50"] > 0 and result["runs"] == 5 for result in results)
    assert all(result["peak_memory_bytes"] is result["switches"] is None for result in results)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SIGKILL", r"^The model crashed the runtime jvm \(SIGKILL\)\. [^\n]+$"),
        ("SIGSTOP", r"^The runtime jvm must answer within 2 s\. [^\n]+$"),
    ],
)
def test_an_end_or_hang_is_one_line_and_leaves_no_process(name: str, message: str) -> None:
    session = JVM.open(PROBE, time_limit=2.0)
    pid = session.pid  # type: ignore[attr-defined]
    os.kill(pid, getattr(signal, name))
    with pytest.raises(RuntimeFailed, match=message):
        session.run([X])
    assert not Path(f"/proc/{pid}").exists()


def test_a_model_that_crashes_is_one_line_and_leaves_no_file(write: Callable[[bytes], Path]) -> None:
    before = sorted(toolbox().folder.iterdir())
    with JVM.open(write(picked())) as session:  # type: ignore[attr-defined]
        values = np.arange(4, dtype=np.float32)
        np.testing.assert_array_equal(session.run([values, np.array([2], np.int32)])[0], [2.0])
        with pytest.raises(RuntimeFailed, match=r"^The model crashed the runtime jvm \(SIGSEGV\)\. The file [^\n]+$"):
            session.run([values, np.array([1 << 29], np.int32)])
    assert sorted(toolbox().folder.iterdir()) == before


def test_the_machine_ends_with_a_killed_parent() -> None:
    script = (
        "import os, signal; from pathlib import Path; from edgekit.runtimes import load_runtime\n"
        f"print(load_runtime('jvm').open(Path({str(PROBE)!r})).pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    state = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(100):
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail(f"{state} is still there")


def test_another_file_of_the_same_name_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    first = installing.LIBRARIES[0]
    monkeypatch.setattr(installing, "LIBRARIES", (replace(first, sha256="0" * 64),))
    with pytest.raises(RuntimeFailed, match=rf"sha256 is 0{{64}}\. Received: {first.sha256}\. "):
        installing.install()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_work_is_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a folder whose name Java could read in another encoding."""
    works = toolbox().folder
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "größer 日本"))
    shutil.copytree(works, unbuilt_toolbox().folder)
    assert JVM.probe() is None
    (toolbox().folder / "Runner.class").write_bytes(b"spoilt")
    reason = JVM.probe()
    assert reason is not None and "cannot be loaded here. Received: java.lang.ClassFormatError" in reason
    said: list[str] = []
    with notes_to(said.append):
        installing.install()
    assert JVM.probe() is None and any("does not work, so it is installed again" in line for line in said)
