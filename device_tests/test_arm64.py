"""The runtime arm64 for real: LiteRT's arm64 build under QEMU. Without the tools: skipped, but a failure in CI."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from real_data import DATA, MISSING

from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError, RuntimeFailed
from edgekit.observer import notes_to
from edgekit.runtimes import PROBE, Runtime, Session, load_runtime
from edgekit.runtimes.arm64 import CPUS, install

RESNET_INT8, RESNET = "models/ic/pretrainedResnet_quant.tflite", "models/ic/pretrainedResnet.tflite"
DS_CNN_INT8 = "models/kws/kws_ref_model_int8.tflite"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)


@pytest.fixture(scope="module")
def arm64() -> Runtime:
    runtime = load_runtime("arm64")
    reason = runtime.probe()
    if reason is not None:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return runtime


@pytest.fixture(scope="module")
def models(arm64: Runtime, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A convolution net in float32 and int8; several inputs and outputs; a batch to be chosen; an embedding."""
    tf, folder, rng = _tf.tensorflow(), tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    first = tf.constant(rng.normal(size=(3, 3, 4, 32)) / 6, tf.float32)
    second = tf.constant(rng.normal(size=(3, 3, 32, 32)) / 17, tf.float32)
    dense = tf.constant(rng.normal(size=(32, 10)) / 2, tf.float32)

    def cnn(x):
        hidden = tf.nn.relu(tf.nn.conv2d(tf.nn.relu(tf.nn.conv2d(x, first, 1, "SAME")), second, 1, "SAME"))
        return tf.nn.softmax(tf.matmul(tf.reduce_mean(hidden, [1, 2]), dense))

    class Several(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([1, 3], tf.float32, name="zebra"),
                tf.TensorSpec([1, 2], tf.int32, name="ant"),
                tf.TensorSpec([2], tf.bool, name="mole"),
            ]
        )
        def call(self, zebra, ant, mole):
            return {"z": zebra * 2.0, "a": ant + 1, "m": tf.logical_not(mole)}

    def save(name, converter, *, int8=False):
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                [rng.random((1, 16, 16, 4)).astype(np.float32)] for _ in range(8)
            )
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        path = folder / f"{name}.tflite"
        path.write_bytes(converter.convert())
        return path

    def convert(name, function, *specs, int8=False):
        concrete = tf.function(function).get_concrete_function(*specs)
        return save(name, tf.lite.TFLiteConverter.from_concrete_functions([concrete]), int8=int8)

    several = Several()
    tf.saved_model.save(several, str(folder / "several"), signatures={"serving_default": several.call})
    image = tf.TensorSpec([1, 16, 16, 4], tf.float32)
    return {
        "float32": convert("float32", cnn, image),
        "int8": convert("int8", cnn, image, int8=True),
        "several": save("several", tf.lite.TFLiteConverter.from_saved_model(str(folder / "several"))),
        "dynamic": convert("dynamic", lambda x: tf.nn.relu(x) * 3.0, tf.TensorSpec([None, 5], tf.float32)),
        "embedding": convert("embedding", lambda i: tf.gather(dense, i), tf.TensorSpec([4], tf.int32)),
    }


@pytest.fixture
def session(arm64: Runtime) -> Iterator[Session]:
    with arm64.open(PROBE, time_limit=5.0) as opened:
        yield opened


def test_counts_repeat(arm64: Runtime, models: dict[str, Path]) -> None:
    for name in ("float32", "int8", "embedding"):
        counts = [arm64.measure(models[name])["instructions"] for _ in range(2)]
        assert all(counts) and abs(counts[0] - counts[1]) <= 1e-3 * counts[0], (name, counts)


def test_counts_rank_dtypes_and_processors(arm64: Runtime, models: dict[str, Path]) -> None:
    count = {
        (n, cpu): load_runtime(f"arm64:{cpu}").measure(models[n])["instructions"]
        for n in ("float32", "int8")
        for cpu in CPUS
    }
    assert count["int8", "cortex-a76"] < count["float32", "cortex-a76"]
    assert count["int8", "cortex-a76"] < count["int8", "cortex-a53"], "the dot product must pay"


def test_a_count_covers_the_arithmetic(arm64: Runtime, models: dict[str, Path]) -> None:
    """Between one instruction for 16 MACs, the most that the int8 dot product does, and one for each."""
    macs = 16 * 16 * 9 * 32 * (4 + 32)
    assert macs / 16 < arm64.measure(models["int8"])["instructions"] < macs
    assert macs / 4 < arm64.measure(models["float32"])["instructions"] < macs


@pytest.mark.parametrize("cpu", sorted(CPUS))
@pytest.mark.parametrize("name", ["float32", "int8", "several", "dynamic", "embedding"])
def test_outputs_are_those_of_litert(arm64: Runtime, models: dict[str, Path], name: str, cpu: str) -> None:
    """int8 within one least significant bit, float32 within 1e-5; descriptions and order alike."""
    rng = np.random.default_rng(1)
    host = load_runtime("litert").open(models[name])
    with load_runtime(f"arm64:{cpu}").open(models[name]) as session:
        assert session.inputs == host.inputs
        assert session.outputs == host.outputs
        for _ in range(3):
            inputs = [(rng.random(spec.shape) * 9).astype(spec.dtype) for spec in session.inputs]
            for ours, theirs in zip(session.run(inputs), host.run(inputs), strict=True):
                assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
                tolerance = 1 if ours.dtype == np.int8 else 1e-5
                np.testing.assert_allclose(ours.astype(float), theirs.astype(float), rtol=0, atol=tolerance)
                ours[...] = 0  # the caller's own
    host.close()


def test_crash_is_one_line_and_leaves_no_process(session) -> None:
    os.kill(session.pid, signal.SIGSEGV)
    with pytest.raises(RuntimeFailed, match=r"^The model crashed the runtime arm64 \(SIG\w+\)\. [^\n]+$"):
        session.run([np.zeros((1, 4), np.float32)])
    assert not Path(f"/proc/{session.pid}").exists()


def test_two_hangs_are_ended(arm64: Runtime) -> None:
    sessions = [arm64.open(PROBE, time_limit=5.0) for _ in range(2)]
    for session in sessions:
        os.kill(session.pid, signal.SIGSTOP)
        session._emulator._limit = 0.5
    for session in sessions:
        with pytest.raises(RuntimeFailed, match=r"must answer within 0\.5 s"):
            session.run([np.zeros((1, 4), np.float32)])
        assert not Path(f"/proc/{session.pid}").exists()


def test_process_ends_with_a_killed_parent(models: dict[str, Path]) -> None:
    """Also where it would not notice by itself, as in an inference without end: here, its input stays open."""
    script = (
        "import os, signal, threading, time; import numpy as np; from pathlib import Path\n"
        "from edgekit.runtimes import load_runtime\n"
        f"s = load_runtime('arm64').open(Path({str(models['float32'])!r}))\n"
        "s.run([np.zeros((1, 16, 16, 4), np.float32)])\n"
        "if os.fork() == 0:\n"  # it holds the socket, and lets the pipe go
        "    os.close(s._emulator._report); time.sleep(8); os._exit(0)\n"
        "print(s.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        for _ in range(100):
            state = Path(f"/proc/{pid}/stat")
            if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"process {pid} is still alive")
        process.stdout.close()


def test_damaged_models_give_an_answer_or_one_line(arm64: Runtime, models: dict[str, Path], tmp_path: Path) -> None:
    good, rng, outcomes = models["int8"].read_bytes(), np.random.default_rng(5), set()
    for i in range(16):
        bad = bytearray(good)
        for position in rng.integers(8, len(good), 3):
            bad[position] ^= 1 << int(rng.integers(8))
        path = tmp_path / f"{i}.tflite"
        path.write_bytes(bad)
        try:
            arm64.measure(path, time_limit=20.0)
            outcomes.add(None)
        except (ModelError, RuntimeFailed) as error:
            outcomes.add(type(error))
            assert "\n" not in str(error)
    assert None in outcomes and ModelError in outcomes


def test_a_failed_installation_leaves_nothing(arm64: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(RuntimeFailed, match=r"pip download .* Received: exit code 1") as caught:
        install()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_installs_into_an_empty_folder(arm64: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    lines: list[str] = []
    with notes_to(lines.append):
        install()
        install()
    assert lines[-1].startswith("already installed in ")
    assert len(list(tmp_path.iterdir())) == 1
    assert arm64.probe() is None


@pytest.mark.slow
@needs_data
def test_public_networks(arm64: Runtime) -> None:
    for name in (RESNET_INT8, DS_CNN_INT8):
        counts = [arm64.measure(DATA / name)["instructions"] for _ in range(2)]
        assert all(counts) and abs(counts[0] - counts[1]) <= 1e-3 * counts[0], (name, counts)
    assert arm64.measure(DATA / RESNET_INT8)["instructions"] < arm64.measure(DATA / RESNET)["instructions"]


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize("cpu", sorted(CPUS))
@pytest.mark.parametrize("name", [RESNET_INT8, RESNET, DS_CNN_INT8])
def test_public_networks_answer_as_on_the_host(arm64: Runtime, name: str, cpu: str) -> None:
    """Top-1 alike on real samples; int8 within one least significant bit, float32 within 1e-5."""
    if name == DS_CNN_INT8:
        with np.load(DATA / "kws/kws_eval.npz", allow_pickle=False) as file:
            samples = file[next(k for k in file.files if file[k].dtype == np.int8)][:30]
    else:
        with np.load(DATA / "cifar10/cifar10.npz", allow_pickle=False) as file:
            samples = file["x_test"][:30]
        samples = samples.astype(np.float32) if name == RESNET else (samples.astype(np.int16) - 128).astype(np.int8)
    host = load_runtime("litert").open(DATA / name)
    with load_runtime(f"arm64:{cpu}").open(DATA / name) as session:
        for sample in samples:
            x = sample.reshape(session.inputs[0].shape)
            (ours,), (theirs,) = session.run([x]), host.run([x])
            np.testing.assert_allclose(
                ours.astype(float), theirs.astype(float), rtol=0, atol=1 if ours.dtype == np.int8 else 1e-5
            )
            best = theirs.max()
            assert theirs.reshape(-1)[ours.argmax()] == best
    host.close()


@pytest.mark.slow
@needs_data
def test_every_public_model_gives_a_count_or_one_line(arm64: Runtime) -> None:
    for path in sorted((DATA / "models").rglob("*.tflite")):
        try:
            assert (arm64.measure(path)["instructions"] or 0) > 0
        except EdgekitError as error:
            assert "\n" not in str(error) and "Variable tensors" in str(error), (path, error)
