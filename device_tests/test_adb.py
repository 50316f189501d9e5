"""The runtime adb with the real program adb, against a device without a phone that runs models under QEMU.

Nothing of the machine's own adb is touched: server, port, keys and log are the test's. Without adb: skipped, but a
failure in CI.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError, RuntimeFailed
from edgekit.runtimes import PROBE, load_runtime
from edgekit.runtimes.adb import RUNTIME, Adb

ROOT = Path(__file__).resolve().parents[1]
PHONE = {
    "ro.product.model": "Fake Phone",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.build.version.release": "14",
    "ro.kernel.qemu": "1",
    "ro.hardware": "ranchu",
}
THERMAL = (
    "Thermal Status: 0\nCurrent temperatures from HAL:\n\tTemperature{mValue=31.5, mType=3, mName=SKIN, mStatus=0}\n"
)
TIMINGS = "Inference timings in us: Init: 5, First inference: 7, Warmup (avg): 7, Inference (avg): 9"
CORES = (1800000, 1800000, 2400000, 2800000)


def _module(name: str):
    specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


fake_adbd = _module("_fake_adbd")


def _missing(reason: str) -> None:
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An adb server of our own."""
    if shutil.which("adb") is None:
        _missing("needs the program adb: apt-get install adb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_CACHE", os.environ.get("EDGEKIT_CACHE") or os.path.expanduser("~/.cache/edgekit"))
        for name, value in (("HOME", home), ("TMPDIR", home), ("ANDROID_ADB_SERVER_PORT", port)):
            patch.setenv(name, str(value))
        for name in ("ANDROID_SERIAL", "EDGEKIT_ADB_SERIAL", "EDGEKIT_BENCHMARK_MODEL", "ADB_SERVER_SOCKET"):
            patch.delenv(name, raising=False)
        _adb("start-server")
        yield
        _adb("kill-server")


def _adb(*arguments: str) -> str:
    done = subprocess.run(["adb", *arguments], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


@pytest.fixture
def attach(server: None, tmp_path: Path) -> Iterator[Callable]:
    """Plug in another device."""
    devices = []

    def plug(*, wait: str = "device", **options):
        devices.append(
            fake_adbd.FakeDevice(
                tmp_path / f"device{len(devices)}",
                **{"properties": PHONE, "thermal": THERMAL, "frequencies": CORES, **options},
            )
        )
        _adb("connect", devices[-1].serial)
        for _ in range(100):
            if f"{devices[-1].serial}\t{wait}" in _adb("devices"):
                return devices[-1]
            time.sleep(0.05)
        raise AssertionError(_adb("devices"))

    yield plug
    for device in devices:
        _adb("disconnect", device.serial)
        device.vanish()


@pytest.fixture
def device(attach: Callable):
    return attach()


def _install(device, script: str, *, at: Path | None = None) -> None:
    tool = at or device.tmp / "benchmark_model"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


@pytest.fixture(scope="module")
def real() -> str:
    """A tool that runs models for real."""
    reason = load_runtime("arm64").probe()
    if reason is not None:
        _missing(reason)
    program = Path(__file__).with_name("_fake_benchmark_model.py")
    return f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "{program}" "$@"'


def _left(device) -> list[str]:
    return sorted(path.name for path in device.tmp.iterdir())


def test_lists_devices(attach: Callable) -> None:
    first, second = attach(), attach(properties={"ro.product.model": "Other"})
    (one,) = [device for device in Adb().devices() if device.serial == first.serial]
    assert (one.state, one.model, one.abi, one.android, one.emulated) == (
        "device",
        "Fake Phone",
        "arm64-v8a",
        "14",
        True,
    )
    (other,) = [device for device in Adb().devices() if device.serial == second.serial]
    assert (other.model, other.abi, other.emulated) == ("Other", None, False)


def test_probe_runs_a_model(device, real: str) -> None:
    _install(device, real)
    assert RUNTIME.probe() is None
    assert _left(device) == ["benchmark_model"]


def test_session_does_what_every_runtime_must(device, real: str, tmp_path: Path) -> None:
    _install(device, real)
    with RUNTIME.open(PROBE) as session:
        assert session.device.emulated
        for sign in (1, -1):
            x = sign * np.array([[-2.0, -0.5, 0.25, 3.0]], np.float32)
            (y,) = session.run([x])
            np.testing.assert_array_equal(y, np.maximum(x, 0))
            y[...] = 0  # the caller's own
        with pytest.raises(ModelError, match=r"takes float32 \[1, 4\]. Received: float64 \[4\]"):
            session.run([np.zeros(4)])
    session.close()
    with pytest.raises(RuntimeFailed, match="closed"):
        session.run([np.zeros((1, 4), np.float32)])
    junk = tmp_path / "junk.tflite"
    junk.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(range(200)))
    for call in (Adb().open, Adb().time):
        with pytest.raises(ModelError):
            call(junk)
    assert _left(device) == ["benchmark_model"]


def test_several_inputs_and_outputs_are_those_of_litert(device, real: str, tmp_path: Path) -> None:
    tf = _tf.tensorflow()
    _install(device, real)

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

    several = Several()
    tf.saved_model.save(several, str(tmp_path / "saved"), signatures={"serving_default": several.call})
    path = tmp_path / "several.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved")).convert())
    host = load_runtime("litert").open(path)
    with RUNTIME.open(path) as session:
        assert (session.inputs, session.outputs) == (host.inputs, host.outputs)
        inputs = [(np.arange(np.prod(s.shape)).reshape(s.shape) * 1.5).astype(s.dtype) for s in session.inputs]
        for ours, theirs in zip(session.run(inputs), host.run(inputs), strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    host.close()


def test_benchmark_tells_times_heat_and_operators(device, real: str) -> None:
    _install(device, real)
    result = Adb(xnnpack=False).benchmark(PROBE, runs=7, min_seconds=0, cpus="big", threads=2)
    assert result.emulated and "no phone's time" in result.note
    assert (result.figures.runs, result.threads, result.cpus, result.xnnpack) == (7, 2, (2, 3), False)
    latency = result.latency_ms
    assert 0 < latency.min <= latency.mean <= latency.max and latency.low <= latency.mean <= latency.high
    assert result.figures.init_ms > 0
    assert result.thermal_before is not None and dict(result.thermal_before.temperatures) == {"SKIN": 31.5}
    assert (result.thermal_after, result.throttled) == (result.thermal_before, False)
    assert result.profile is not None and [row.share for row in result.profile] == [1.0]
    assert device.masks == ["c", "c"]
    (command, profiled) = [text for text in device.commands if "--graph=" in text]
    for flag in ("--num_threads=2", "--num_runs=7", "--min_secs=0", "--use_xnnpack=false"):
        assert flag in command and flag in profiled
    assert "--enable_op_profiling=true" in profiled and "op_profiling" not in command
    assert _left(device) == ["benchmark_model"]


def test_times_are_those_of_the_tool(device, real: str) -> None:
    _install(device, real)
    took = Adb().time(PROBE, runs=1)
    assert took.profile is not None and took.emulated and took.runs >= 1
    assert 0 < took.low <= took.mean <= took.high and took.min <= took.mean
    assert Adb().benchmark(PROBE, runs=1, cpus=[0]).cpus == (0,)
    assert device.masks == ["1", "1"]


def test_a_phone_is_no_emulator_and_may_be_hot_or_silent(attach: Callable) -> None:
    properties = {"ro.product.model": "Real", "ro.hardware": "qcom"}
    hot = attach(properties=properties, thermal=THERMAL.replace("Status: 0", "Status: 3"))
    silent = attach(properties=properties, thermal=None)
    for one, throttled in ((hot, True), (silent, None)):
        _install(one, f"echo 'count=3 curr=9 (all same)'; echo '{TIMINGS}'")
        result = Adb(one.serial).benchmark(PROBE, profile=False)
        assert not result.emulated and "the device itself" in result.note
        assert (result.throttled, result.profile, result.figures.runs) == (throttled, None, 3)


@pytest.mark.parametrize("name", ["a b", "it's", 'a"b', "a;touch pwned", "$(touch pwned)", "-rf", "a\\b", "ä,0777"])
def test_names_of_files_are_never_commands(
    device, real: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    model = shutil.copy(PROBE, folder / f"{name}.tflite")
    _install(device, f"echo 'count=3 curr=9 (all same)'; echo '{TIMINGS}'", at=folder / name)
    monkeypatch.setenv("EDGEKIT_BENCHMARK_MODEL", str(folder / name))
    monkeypatch.chdir(folder)
    assert Adb().benchmark(Path(model.name), profile=False).figures.runs == 3
    assert _left(device) == [] and not (folder / "pwned").exists()


def test_several_devices_need_a_name(attach: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = attach(), attach()
    for one in (first, second):
        _install(one, f"echo 'count=3 curr=9 (all same)'; echo '{TIMINGS}'")
    with pytest.raises(RuntimeFailed, match=r"must be named where several .* Set EDGEKIT_ADB_SERIAL") as caught:
        Adb().benchmark(PROBE)
    assert first.serial in str(caught.value) and second.serial in str(caught.value)
    monkeypatch.setenv("ANDROID_SERIAL", first.serial)
    assert Adb().benchmark(PROBE, profile=False).device.serial == first.serial
    monkeypatch.setenv("EDGEKIT_ADB_SERIAL", second.serial)
    assert Adb().benchmark(PROBE, profile=False).device.serial == second.serial
    assert Adb(first.serial).benchmark(PROBE, profile=False).device.serial == first.serial


def test_no_device_and_an_unauthorised_one(server: None, attach: Callable) -> None:
    assert "needs a connected Android device. Received: no device." in str(RUNTIME.probe())
    attach(authorized=False, wait="unauthorized")
    reason = RUNTIME.probe()
    assert reason is not None and "Received: state 'unauthorized'. Unlock it and allow USB debugging" in reason


def test_says_how_to_get_the_tool(device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        RuntimeFailed, match=r"no executable /data/local/tmp/benchmark_model .*for arm64-v8a: ready-made"
    ):
        RUNTIME.open(PROBE)
    monkeypatch.setenv("EDGEKIT_BENCHMARK_MODEL", str(tmp_path / "absent"))
    with pytest.raises(RuntimeFailed, match="must name a file of this machine"):
        Adb().time(PROBE)
    assert _left(device) == []


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'ERROR: No such kernel.' >&2; echo 'ERROR: Benchmarking failed.'; exit 1",
         r"refuses the model \(exit code 1\)\. Received: No such kernel\. "),
        ("kill -SEGV $$", r"^The model crashed benchmark_model on \S+ \(SIGSEGV\)\. "),
        ("exec /no/linker", r"^benchmark_model must run on the device \S+\. Received: .*not found\. Get a build"),
        ("echo nothing", r"^benchmark_model must print its timings\. Received: no line of inference timings\. "),
    ],
)  # fmt: skip
def test_failures_are_one_line_and_leave_nothing(device, script: str, message: str) -> None:
    _install(device, script)
    with pytest.raises(RuntimeFailed, match=message) as caught:
        Adb().benchmark(PROBE)
    assert "\n" not in str(caught.value) and "edgekit-" not in str(caught.value)
    assert _left(device) == ["benchmark_model"]


def test_cores_that_the_device_lacks(device, real: str) -> None:
    _install(device, real)
    with pytest.raises(
        RuntimeFailed, match=r"cores must be some that the device has\. Received: taskset: bad mask: 40"
    ):
        Adb().benchmark(PROBE, cpus=[6])


def test_an_old_tool_gives_no_outputs(device) -> None:
    _install(device, f"echo '{TIMINGS}'")
    with pytest.raises(RuntimeFailed, match="a benchmark_model that knows --output_filepath"):
        RUNTIME.open(PROBE).run([np.zeros((1, 4), np.float32)])
    _install(device, 'for a; do case $a in --output_filepath=*) echo abc > "${a#*=}";; esac; done')
    with pytest.raises(RuntimeFailed, match=r"outputs take 16 bytes, .* Received: 4 bytes"):
        RUNTIME.open(PROBE).run([np.zeros((1, 4), np.float32)])
    assert _left(device) == ["benchmark_model"]


def test_a_hanging_tool_is_ended(device) -> None:
    _install(device, "echo $$ > ../number; exec sleep 60")
    with pytest.raises(RuntimeFailed, match=r"must answer within 1 s\. Received: no answer") as caught:
        Adb().benchmark(PROBE, time_limit=1.0)
    assert "\n" not in str(caught.value)
    state = Path(f"/proc/{(device.tmp / 'number').read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
    assert _left(device) == ["benchmark_model", "number"]


@pytest.mark.parametrize("said", ["", f"count=3 curr=9\n{TIMINGS}"])
def test_a_device_that_vanishes(device, said: str) -> None:
    _install(device, f"echo '{said}'; echo > ../started; exec sleep 60")

    def pull_the_cable() -> None:
        while not (device.tmp / "started").exists():
            time.sleep(0.02)
        device.vanish()

    hand = threading.Thread(target=pull_the_cable)
    hand.start()
    with pytest.raises(RuntimeFailed, match=rf"^The device {device.serial} must stay connected\. ") as caught:
        Adb().benchmark(PROBE)
    hand.join()
    assert "\n" not in str(caught.value)
