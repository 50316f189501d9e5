"""What needs no emulator: messages, and how a process that misbehaves is ended. The rest is in device_tests."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgekit.errors import ModelError, RuntimeFailed, UsageError
from edgekit.installing import step
from edgekit.runtimes import PROBE, load_runtime
from edgekit.runtimes._arm64 import APT_LINE, CPUS, DEFAULT_CPU, Emulator, Port, Toolbox, install, plugin
from edgekit.runtimes._arm64.cpus import write_root
from edgekit.runtimes._arm64.toolbox import RUNNER
from edgekit.runtimes.arm64 import Arm64

MAGIC = 0x314D5241
PLUGIN_FOLDER = Path(__file__).parents[2] / "plugins" / "edgekit-qemu-insn"


def _octal(data: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in data)


def _start(folder: Path, script: str, limit: float = 20.0) -> Emulator:
    """A process that speaks, or fails to speak, the runner's language in the emulator's place."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Emulator(Toolbox(str(program), folder), PROBE, cpu=DEFAULT_CPU, limit=limit)


def _greeting(inputs: list[Port], outputs: list[Port]) -> bytes:
    data = struct.pack("<I", MAGIC)
    for ports in (inputs, outputs):
        data += struct.pack("<I", len(ports))
        for port in ports:
            data += struct.pack(f"<I{len(port.shape)}iQ", len(port.shape), *port.shape, port.bytes)
    return data


PORTS = [Port((1, 4), 16)]
HELLO = f"printf '{_octal(_greeting(PORTS, PORTS))}'"


def test_checks_its_arguments(tmp_path: Path) -> None:
    runtime = load_runtime("arm64")
    with pytest.raises(UsageError, match="Did you mean 'cortex-a76'"):
        Arm64("cortex-a77")
    with pytest.raises(UsageError, match="has one core"):
        runtime.open(PROBE, threads=2)
    with pytest.raises(ModelError):
        runtime.measure(tmp_path / "absent.tflite")


def test_without_an_emulator_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = load_runtime("arm64").probe()
    assert reason is not None and "\n" not in reason
    assert "no program qemu-aarch64" in reason and reason.endswith("edgekit doctor --install arm64")
    with pytest.raises(RuntimeFailed, match="no qemu-aarch64, gcc, aarch64-linux-gnu-gcc") as caught:
        install()
    assert str(caught.value).endswith(APT_LINE)


@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="needs qemu-aarch64 to look further than for it")
def test_without_built_files_one_line_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    reason = load_runtime("arm64").probe()
    assert reason is not None and "\n" not in reason
    assert f"no folder {tmp_path}" in reason and reason.endswith("edgekit doctor --install arm64")


@pytest.mark.skipif(os.geteuid() == 0, reason="is about users who are not root")
def test_packages_are_installed_by_root_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeFailed, match="needs root"):
        install(apt=True)


def test_answers_are_read(tmp_path: Path) -> None:
    answer = _octal(struct.pack("<I4f", MAGIC, 0.0, 0.5, 1.0, 2.0))
    emulator = _start(tmp_path, f"{HELLO}; head -c 20 >/dev/null; printf '{answer}'; exec sleep 60")
    try:
        assert emulator.inputs == emulator.outputs == tuple(PORTS)
        (result,) = emulator.run([bytes(16)])
        assert struct.unpack("<4f", result) == (0.0, 0.5, 1.0, 2.0)
    finally:
        emulator.close()
        emulator.close()
    with pytest.raises(RuntimeFailed, match="is closed"):
        emulator.run([bytes(16)])


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'ERROR: [a.cc:3] No such kernel.' >&2; echo 'refused: preparing fails' >&2; exit 3",
         r"^The runtime arm64 refuses the model\. Received: preparing fails: No such kernel\. [^\n]+$"),
        ("echo 'plugin cannot be loaded' >&2; exit 1",
         r"^The runtime arm64 cannot be loaded here\. Received: plugin cannot be loaded\. [^\n]+--install arm64$"),
        ("kill -SEGV $$", r"^The model crashed the runtime arm64 \(SIGSEGV\)\. [^\n]+$"),
        (f"{HELLO}; kill -ILL $$", r"^The model crashed the runtime arm64 \(SIGILL\)\. [^\n]+$"),
        (f"{HELLO}; exit 5", r"^The model crashed the runtime arm64 \(exit code 5\)\. [^\n]+$"),
        ("printf 'not at all'; exec sleep 60", "must answer in EdgeKit's own form. Received: another mark"),
        (f"printf '{_octal(struct.pack('<2I', MAGIC, 1 << 9))}'; exec sleep 60", "own form. Received: number 512"),
        (f"{HELLO}; head -c 20 >/dev/null; printf 'nonsense'; exec sleep 60", "own form. Received: another mark"),
    ],
)  # fmt: skip
def test_failures_are_one_line_and_leave_no_process(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(RuntimeFailed, match=message) as caught:
        _start(tmp_path, f"echo $$ > pid; {script}").run([bytes(16)])
    assert "\n" not in str(caught.value)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize("script", ["exec sleep 60", f"{HELLO}; exec sleep 60"])
def test_hangs_are_ended(tmp_path: Path, script: str) -> None:
    with pytest.raises(RuntimeFailed, match=r"must answer within 0\.5 s"):
        _start(tmp_path, f"echo $$ > pid; {script}", limit=0.5).run([bytes(16)])
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_session_can_be_closed_while_another_thread_waits(tmp_path: Path) -> None:
    emulator = _start(tmp_path, f"{HELLO}; exec sleep 60")
    timer = threading.Timer(0.3, emulator.close)
    timer.start()
    with pytest.raises(RuntimeFailed, match="is closed"):
        emulator.run([bytes(16)])
    timer.join()


@pytest.mark.parametrize("name", sorted(CPUS))
def test_each_processor_has_a_machine_of_one_core(tmp_path: Path, name: str) -> None:
    write_root(tmp_path / "root", CPUS[name])
    info = (tmp_path / "root/proc/cpuinfo").read_text()
    assert info.count("processor\t: 0\n") == 1 and f"CPU part\t: {CPUS[name].part}\n" in info
    assert ("asimddp" in info) == (name == "cortex-a76")
    assert (tmp_path / "root/sys/devices/system/cpu/possible").read_text() == "0\n"


def test_each_source_says_its_licence() -> None:
    assert RUNNER.read_text().splitlines()[0] == "// SPDX-License-Identifier: Apache-2.0"
    source = plugin.plugin_source(pytest.fail)
    assert source.splitlines()[0] == b"// SPDX-License-Identifier: GPL-2.0-or-later"


def test_the_plugin_of_a_wheel_comes_by_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    """As for somebody who has no checkout."""
    shutil.copytree(PLUGIN_FOLDER, tmp_path / "source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    built = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path / "wheels", tmp_path / "source"]
    subprocess.run(built, check=True, timeout=120)
    monkeypatch.setattr(plugin, "_CHECKOUT", tmp_path / "absent")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    source = plugin.plugin_source(step)
    assert source == (PLUGIN_FOLDER / "edgekit_qemu_insn" / "counter.c").read_bytes()
    assert len(said) == 1 and plugin.PLUGIN in said[0] and "GPL" in said[0]
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(RuntimeFailed, match="which pip must find.*pip install plugins/edgekit-qemu-insn"):
        plugin.plugin_source(step)


def test_another_source_of_the_plugin_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counter.c").write_text("int main() {}")
    monkeypatch.setattr(plugin, "_CHECKOUT", tmp_path / "counter.c")
    with pytest.raises(RuntimeFailed, match="sha256 .*Received: [0-9a-f]{64} of .*counter.c.*pip install"):
        plugin.plugin_source(pytest.fail)


def test_import_is_light() -> None:
    code = "import sys, edgekit.runtimes.arm64; assert not {'tensorflow', 'ai_edge_litert'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
