"""What needs no Java: what is known of TensorFlow Lite 2.6, and what is missing. See also device_tests/android."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_tflite import dense, lstm, needing

from edgekit import tflite
from edgekit.errors import ModelError, ModelRefused, RuntimeFailed, UsageError
from edgekit.installing import step
from edgekit.runtimes import PROBE, load_runtime
from edgekit.runtimes._jvm import APT_LINE, explained, install
from edgekit.runtimes._jvm.toolbox import tool

LINUX = sys.platform == "linux" and os.uname().machine == "x86_64"


def test_checks_its_arguments(tmp_path: Path) -> None:
    runtime = load_runtime("jvm")
    with pytest.raises(UsageError, match="at least one thread"):
        runtime.open(PROBE, threads=0)
    with pytest.raises(UsageError, match="No such kernels.*'reference'"):
        runtime.open(PROBE, kernels="reference")
    with pytest.raises(ModelError):
        runtime.open(tmp_path / "absent.tflite")


@pytest.mark.skipif(not LINUX, reason="is about the machines that the library is published for")
def test_one_line_says_what_is_missing_and_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = load_runtime("jvm").probe()
    assert reason is not None and "\n" not in reason
    assert "no program java" in reason and reason.endswith("edgekit doctor --install jvm")
    with pytest.raises(RuntimeFailed, match=r"Java development kit.*Received: no java, javac, mvn\.") as caught:
        install()
    assert str(caught.value).endswith(APT_LINE)
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\n")
    java.chmod(0o755)
    reason = load_runtime("jvm").probe()
    assert reason is not None and f"no folder {tmp_path / 'cache'}" in reason


def test_the_kit_of_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "home" / "bin", tmp_path / "path"):
        folder.mkdir(parents=True)
        (folder / "java").write_text("#!/bin/sh\n")
        (folder / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert tool("java") == str(tmp_path / "home" / "bin" / "java")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "absent"))
    assert tool("java") == str(tmp_path / "path" / "java")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (dense(channels=True), "FULLY_CONNECTED needs one scale for all its weights"),
        (dense(channels=False), None),
        (dense(channels=False, floating=True), None),
        (lstm(steps=1, zero_point=7), "LSTM of integers needs a hidden state whose zero point is 0"),
        (lstm(steps=1, zero_point=0), None),
        (lstm(steps=1, zero_point=None), None),
    ],
    ids=["dense per channel", "dense", "float dense", "lstm with a zero point", "lstm", "float lstm"],
)
def test_what_is_answered_wrongly_is_known(content: bytes, told: str | None) -> None:
    findings = load_runtime("jvm").wrong_answers(tflite.read(content))
    assert [told in finding.rule for finding in findings if told] == ([] if told is None else [True])
    assert bool(findings) == bool(told) and not load_runtime("litert").wrong_answers(tflite.read(content))
    assert all(finding.received and "newer runtime" in finding.remedy for finding in findings)


@pytest.mark.parametrize(
    ("said", "received"),
    [
        ("Cannot create interpreter: Didn't find op for builtin opcode 'TANH' version '9'. An older", "TANH version 9"),
        ("Cannot create interpreter: Op builtin_code out of range: 150. Are you using old", "GELU version 2"),
        ("Encountered unresolved custom op: FlexErf. See instructions", "the custom operator FlexErf"),
    ],
)
def test_a_lacking_operator_is_named_with_its_version(said: str, received: str) -> None:
    error = explained(ModelRefused("It refuses.", received=said), tflite.read(needing("GELU", 2)))
    assert isinstance(error, ModelRefused) and error.received == received and "newer runtime" in error.remedy


def test_other_refusals_stay_as_they_are() -> None:
    error = ModelRefused("It refuses.", received="Failed to allocate tensors")
    assert explained(error, tflite.read(needing("TANH", 1))) is error


def test_import_is_light() -> None:
    code = "import sys, edgekit.runtimes.jvm; assert not {'tensorflow', 'ai_edge_litert'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "printf '\\033[0m[ERROR] no such plugin\\n[ERROR]\\n[ERROR] see the manual\\n\\033[0m'; exit 1",
            "no such plugin",
        ),
        ("echo first; echo last.; exit 1", "last"),
        ("exit 1", "without a word"),
    ],
)
def test_a_step_that_fails_says_why(script: str, said: str) -> None:
    with pytest.raises(RuntimeFailed, match=rf"Received: exit code 1, {said}\.$"):
        step(["sh", "-c", script], telling="[ERROR]")
