"""The C of every operation against Python, bit for bit: compilers, C and C++, cores with and without an FPU."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from c_cores import linked, on_board
from c_preprocessing import C_CASES, Answer, Call, Program, calls, programs, read, write
from preprocessing_cases import Case

SAMPLES = 8
WARNINGS = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
ARM = ("arm-none-eabi-gcc", "-mthumb", "-std=gnu11")
M4 = ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
M7 = ("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16")
BUILDS = {
    "gcc": ("gcc", "-std=c99", "-O2", "-ffp-contract=off"),
    "gcc_sanitized": ("gcc", "-std=c99", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover"),
    "gcc_fused": ("gcc", "-std=gnu11", "-O3", "-mfma", "-ffp-contract=fast"),
    "clang": ("clang", "-std=c99", "-O2", "-ffp-contract=off"),
    "clang_fused": ("clang", "-std=gnu11", "-O3", "-mfma", "-ffp-contract=fast"),
    "g++": ("g++", "-x", "c++", "-std=c++11", "-O2", "-ffp-contract=off"),
    "clang++": ("clang++", "-x", "c++", "-std=c++11", "-O2", "-ffp-contract=off"),
    "m4": (*ARM, *M4, "-O2", "-ffp-contract=off"),
    "m4_fused": (*ARM, *M4, "-O2"),
    "m7": (*ARM, *M7, "-O2", "-ffp-contract=off"),
    "m7_fused": (*ARM, *M7, "-O2", "-ffp-contract=fast"),
    "m3": (*ARM, "-mcpu=cortex-m3", "-Os"),
}
"""How each is compiled; a core's program runs under QEMU."""
PACKAGES = {"arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi", "clang++": "clang"}

Answers = dict[str, list[tuple[Call, Answer]]]


@pytest.fixture(scope="module")
def table() -> tuple[list[Program], list[Call]]:
    made = [program for case in C_CASES for program in programs(case)]
    found = [call for program in made for call in calls(program, SAMPLES)]
    return made, [*found, *(refused for program in made for refused in _refused(program))]


@pytest.fixture(scope="module", params=BUILDS)
def answers(
    request: pytest.FixtureRequest, table: tuple[list[Program], list[Call]], tmp_path_factory: pytest.TempPathFactory
) -> Answers:
    """What a build made of every sample: one compilation and one run for all cases."""
    build, folder = request.param, tmp_path_factory.mktemp("c")
    _need(build)
    source = write(folder, *table)
    core = next((word[6:] for word in BUILDS[build] if word.startswith("-mcpu=")), None)
    command = [*BUILDS[build], *WARNINGS, str(source), "-o", "program", *(linked(folder) if core else [])]
    compiled = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert not compiled.returncode and not compiled.stderr, compiled.stderr
    start = on_board(core, "program") if core else ["./program"]
    ended = subprocess.run(start, cwd=folder, capture_output=True, text=True, timeout=600)
    assert not ended.returncode and not ended.stderr, ended.stderr
    found: Answers = {}
    for call, answer in zip(table[1], read(folder, table[1]), strict=True):
        found.setdefault(call.program.case.name, []).append((call, answer))
    return found


def _need(build: str) -> None:
    tools = [BUILDS[build][0], *(["qemu-system-arm"] if "-mthumb" in BUILDS[build] else [])]
    missing = [PACKAGES.get(tool, tool) for tool in tools if shutil.which(tool) is None]
    if "-mfma" in BUILDS[build] and " fma " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no instructions that fuse a multiplication and an addition")
    if missing:
        reason = f"{', '.join(missing)} is not installed: apt-get install {' '.join(missing)}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def _refused(program: Program) -> list[Call]:
    """One good call of each dtype, spoilt in every way that the function can see."""
    found = []
    for call in {call.dtype: call for call in calls(program, 1)}.values():
        found += [replace(call, flags=1), replace(call, flags=2)] if call.sample.size else []
        if program.sized:
            sizes = (0, call.width), (call.height, 0), (65536, call.width), (call.height, 65536)
            found += [replace(call, height=h, width=w) for h, w in sizes] + [replace(call, flags=4)]
        if program.strided(call.dtype):
            found.append(replace(call, row_bytes=call.sample[0].nbytes - 1))
    return found


def _is_refused(call: Call) -> bool:
    height, width = call.sample.shape[:2] if call.sample.ndim == 3 else (0, 0)
    short = call.program.strided(call.dtype) and call.row_bytes < call.sample[0].nbytes
    return bool(call.flags & 7) or (call.height, call.width) != (height, width) or short


@pytest.mark.parametrize("case", C_CASES, ids=lambda case: case.name)
def test_c_gives_the_bits_that_python_gives(case: Case, answers: Answers) -> None:
    for call, answer in answers[case.name]:
        where = f"{call.program.name} from {call.dtype} {call.sample.shape}"
        if _is_refused(call):
            assert answer.code == -1, where
            assert set(answer.values.tobytes()) == {0xA5}, where
            continue
        assert answer.code == 0, where
        expected = call.expected
        assert expected.dtype == answer.values.dtype
        np.testing.assert_array_equal(answer.values, expected, err_msg=where)
        if expected.dtype == np.float32:
            same = np.signbit(answer.values) == np.signbit(expected)
            assert (same | np.isnan(expected)).all(), where


@pytest.mark.parametrize("name", ["rescale_floats", "resize_floats", "grayscale_floats"])
def test_a_product_that_is_fused_would_be_seen(name: str, tmp_path: Path) -> None:
    """Without what keeps the two apart, the same samples differ: so the builds that fuse do prove something."""
    _need("gcc_fused")
    made = programs(next(case for case in C_CASES if case.name == name))
    found = [call for program in made for call in calls(program, SAMPLES)]
    source = write(tmp_path, made, found)
    body = re.compile(r"(_product\(float a, float b\)\n\{\n).*?\n\}", re.DOTALL)
    plain, count = body.subn(r"\1    return a * b;\n}", source.read_text())
    assert count == len(made)
    source.write_text(plain)
    subprocess.run([*BUILDS["gcc_fused"], str(source), "-o", "program"], cwd=tmp_path, check=True, timeout=600)
    subprocess.run(["./program"], cwd=tmp_path, check=True, timeout=600)
    answers = read(tmp_path, found)
    assert any(
        not np.array_equal(answer.values, call.expected, equal_nan=call.expected.dtype.kind == "f")
        for call, answer in zip(found, answers, strict=True)
    )
