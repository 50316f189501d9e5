"""The example with a digit on a Cortex-M4: built as its Makefile builds it, and run in the emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from digits_app import trained

from edgekit.data import load_data
from edgekit.runtimes import load_runtime
from edgekit.tensors import quantize

EXAMPLE = Path(__file__).parents[1] / "examples" / "firmware_digits"
TOOLS = ("make", "arm-none-eabi-gcc", "qemu-system-arm")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's network, narrow, after a short training."""
    path = tmp_path_factory.mktemp("model") / "digits.tflite"
    trained(path)
    return path


@pytest.fixture(autouse=True)
def _tools() -> None:
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        reason = f"missing: {', '.join(lacking)}; edgekit doctor --install cortex_m installs them"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def made(goal: str, folder: Path, model: Path) -> str:
    """What `make GOAL` says in a copy of the example."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build"))
    python = Path(sys.executable)
    given = {"MODEL": model, "PYTHON": python, "EDGEKIT": python.with_name("edgekit")}
    command = ["make", "-C", folder, goal, *(f"{key}={value}" for key, value in given.items())]
    # What the firmware says comes out of the emulator's standard error.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    said = done.stdout
    assert done.returncode == 0, said[-3000:]
    assert ": warning: " not in said, said[:3000]
    return said


def test_it_says_what_it_takes_each_digit_for(model: Path, tmp_path: Path) -> None:
    said = made("run", tmp_path / "example", model)
    assert "The self-test passes." in said
    told = [line.split("; it is ") for line in said.splitlines() if line.startswith("The model says ")]
    assert [int(answer.removesuffix(".")) for _, answer in told] == _digits(len(told))
    firmware = [int(digit.removeprefix("The model says ")) for digit, _ in told]
    assert firmware == _answers(model, len(told))
    assert f" of {len(told)} are right." in said


def test_two_models_share_an_arena_and_one_remembers(model: Path, tmp_path: Path) -> None:
    said = made("two", tmp_path / "example", model)
    assert "Both self-tests pass." in said
    whole = [int(line.split()[5].removesuffix(";")) for line in said.splitlines() if line.startswith("Seen whole")]
    assert whole == _answers(model, len(whole))
    rows = [line for line in said.splitlines() if "  a " in line]
    last = [int(line[-1]) for line in rows if not line.endswith("?")]
    assert len(rows) == 8 * len(whole) and len(last) == len(whole)
    assert sum(read == digit for read, digit in zip(last, _digits(len(last)), strict=True)) >= len(last) - 1


def _digits(count: int) -> list[int]:
    return [int(digit) for digit in load_data("digits").raw("test").y[:count]]


def _answers(model: Path, count: int) -> list[int]:
    """What the same file answers under TFLite Micro, on the same samples."""
    with load_runtime("tflm").open(model) as session:  # type: ignore[attr-defined]
        samples = load_data("digits").features("test")[:count]
        outputs = [session.run([quantize(sample[np.newaxis], session.inputs[0])])[0] for sample in samples]
    return [int(output.argmax()) for output in outputs]
