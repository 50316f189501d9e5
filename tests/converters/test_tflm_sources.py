"""Sources for TensorFlow Lite Micro: they hold the model, compile without a warning, and test what was golden."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit import tflite
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.errors import ConversionError
from edgekit.golden import Bounds, Golden
from edgekit_converters.exporters import Checked, Source
from edgekit_converters.exporters.tflm import Tflm
from edgekit_converters.identifiers import check_c_name
from edgekit_converters.tflm.operators import CUSTOM, METHODS, adding, unsupported

LABELS = ('the "big" one\\', "größer??=", "cat")
SIGNATURES = Path(__file__).parents[1] / "support" / "tflm_signatures"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]


@pytest.fixture(scope="module")
def compiler() -> str:
    if shutil.which("g++") is None:
        pytest.fail("g++ is not installed") if os.environ.get("CI") else pytest.skip("g++ is not installed")
    return "g++"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(packed(dense_model()))
    write_sidecar(path, Sidecar(Preprocessing(), LABELS, "classification"))
    return path


def written(model: Path, name: str, folder: Path) -> Path:
    """The sources of a model whose answers are told: no runtime is asked."""
    vectors = Golden((np.zeros((2, 1, 4), np.float32),), (np.ones((2, 1, 3), np.float32),), "tflm, default kernels", ())
    checked = Checked(vectors, Bounds(1, 1e-5), Bounds(1, 1e-5))
    folder.mkdir()
    labelled = Sidecar(Preprocessing(), LABELS, "classification")
    Tflm(name=name, selftest=8).write(Source(tflite.read(model), labelled, {"arena_bytes": 900}, checked), folder)
    return folder


@pytest.fixture
def sources(model: Path, tmp_path: Path) -> Path:
    return written(model, "net", tmp_path / "sources")


def test_they_hold_the_model(sources: Path, model: Path) -> None:
    header, source, operators = ((sources / f"net_{end}").read_text() for end in ("data.h", "data.cc", "ops.h"))
    assert bytes(int(byte, 16) for byte in re.findall(r"0x(..),", source)) == model.read_bytes()
    told = dict(re.findall(r"^#define (\w+) (.+)$", header, re.MULTILINE))
    assert told["NET_MODEL_BYTES"] == str(model.stat().st_size) and told["NET_ARENA_BYTES"] == "1936"
    assert told["NET_INPUT_0_SHAPE"] == "{1, 4}" and told["NET_OUTPUT_0_ELEMENTS"] == "3"
    assert told["NET_LABELS"] == str(len(LABELS))
    assert "MicroMutableOpResolver<1>" in operators and re.findall(r"resolver\.(\w+)\(", operators) == [
        "AddFullyConnected"
    ]
    for path in sources.iterdir():
        text = path.read_text()
        assert tflite.read(model).sha256 in text and "SPDX-License-Identifier" in text and "@" not in text, path


@pytest.mark.parametrize("defined", [[], ["-DTF_LITE_STRIP_ERROR_STRINGS"], ["-DNET_ARENA_BYTES=4096"]], ids=str)
def test_they_compile_without_a_warning(sources: Path, compiler: str, defined: list[str]) -> None:
    flags = ["-std=c++17", "-fsyntax-only", *WARNINGS, *defined, f"-I{SIGNATURES}"]
    subprocess.run([compiler, *flags, *sorted(map(str, sources.glob("*.cc")))], check=True)


def test_the_headers_are_c_too(sources: Path, compiler: str, tmp_path: Path) -> None:
    (tmp_path / "both.c").write_text('#include "net_data.h"\n#include "net_selftest.h"\nint unused;\n')
    flags = ["-x", "c", "-std=c99", "-fsyntax-only", *WARNINGS, f"-I{sources}"]
    subprocess.run([compiler, *flags, str(tmp_path / "both.c")], check=True)


def test_two_models_link_into_one_program(sources: Path, model: Path, compiler: str, tmp_path: Path) -> None:
    other = written(model, "other", tmp_path / "other")
    objects = [p for folder in (sources, other) for p in folder.glob("*.cc") if not p.stem.endswith("_main")]
    command = [compiler, "-std=c++17", "-r", "-nostdlib", f"-I{SIGNATURES}", *map(str, sorted(objects))]
    subprocess.run([*command, "-o", str(tmp_path / "both.o")], check=True)


def test_a_compiler_reads_the_model_and_the_labels_back(
    sources: Path, model: Path, compiler: str, tmp_path: Path
) -> None:
    main = tmp_path / "main.cc"
    main.write_text(
        '#include <cstdint>\n#include <cstdio>\n#include "net_data.h"\n'
        "int main() { std::fwrite(net_data, 1, NET_MODEL_BYTES, stdout);\n"
        '  for (int i = 0; i < NET_LABELS; i++) std::fprintf(stderr, "%s\\n", net_labels[i]);\n'
        "  return static_cast<int>(reinterpret_cast<std::uintptr_t>(net_data) % 16); }\n"
    )
    command = [compiler, "-std=c++17", *WARNINGS, f"-I{sources}", str(main), str(sources / "net_data.cc")]
    subprocess.run([*command, "-o", str(tmp_path / "main")], check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, check=True)
    assert done.stdout == model.read_bytes() and done.stderr.decode().splitlines() == list(LABELS)


def test_what_was_not_measured_is_asked_for(model: Path, compiler: str, tmp_path: Path, sources: Path) -> None:
    text = (sources / "net_data.h").read_text()
    (sources / "net_data.h").write_text(re.sub(r"#ifndef NET_ARENA_BYTES\n.*\n#endif\n", "", text))
    flags = ["-std=c++17", "-fsyntax-only", f"-I{SIGNATURES}", str(sources / "net_selftest.cc")]
    done = subprocess.run([compiler, *flags], capture_output=True, text=True)
    assert done.returncode != 0 and "Define NET_ARENA_BYTES" in done.stderr


@pytest.mark.parametrize(("oracle", "steps"), [("tflm, default kernels", 0), ("litert, default kernels", 3)])
def test_only_its_own_answers_are_held_to_equality(oracle: str, steps: int, model: Path, tmp_path: Path) -> None:
    vectors = Golden((np.zeros((3, 1, 4), np.int8),), (np.ones((3, 1, 3), np.int8),), oracle, ())
    source = Source(tflite.read(model), golden=Checked(vectors, Bounds(3, 1e-5), Bounds(4, 1e-5)))
    Tflm(name="net", selftest=2).write(source, tmp_path)
    assert f"#define NET_SELFTEST_STEPS {steps}\n" in (tmp_path / "net_selftest.h").read_text()
    assert "#define NET_SELFTEST_SAMPLES 2\n" in (tmp_path / "net_selftest.h").read_text()
    assert "{kTfLiteInt8, 4, input_0}" in (tmp_path / "net_selftest.cc").read_text()


def changed(path: Path, change: Any) -> Path:
    made = dense_model()
    change(made)
    path.write_bytes(packed(made))
    return path


def custom(name: str) -> Any:
    def change(made: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        made.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        made.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        made.operatorCodes[0].customCode = name
        made.subgraphs[0].operators[0].builtinOptionsType = 0
        made.subgraphs[0].operators[0].builtinOptions = None

    return change


def test_what_no_runtime_here_takes_is_exported_without_a_self_test(tmp_path: Path, said: list[str]) -> None:
    path = changed(tmp_path / "vela.tflite", custom("ethos-u"))
    exported = edgekit.export(path, {"tflm": {"name": "net"}}, tmp_path / "out")
    assert [file.path for file in exported.files] == ["net_data.cc", "net_data.h", "net_ops.h"]
    assert "AddEthosU()" in (tmp_path / "out" / "net_ops.h").read_text()
    assert any("without a self-test" in line for line in said), said


def test_a_custom_operator_is_none_of_the_builtin_ones(tmp_path: Path) -> None:
    path = changed(tmp_path / "m.tflite", custom("CONV_2D"))
    assert unsupported(tflite.read(path)) == ["CONV_2D"]
    with pytest.raises(ConversionError, match="every operator.*CONV_2D"):
        edgekit.export(path, "tflm", tmp_path / "out")
    rfft = tflite.read(changed(tmp_path / "m.tflite", custom("SignalRfft"))).graphs[0].operators[0]
    assert adding(rfft) == "AddRfft"


def test_a_type_of_an_input_that_it_lacks(tmp_path: Path) -> None:
    def change(made: Any) -> None:
        made.subgraphs[0].tensors[0].type = 1  # float16

    with pytest.raises(ConversionError, match="type of every input and output.*float16"):
        edgekit.export(changed(tmp_path / "m.tflite", change), "tflm", tmp_path / "out")


def test_no_method_adds_two_operators() -> None:
    methods = [*METHODS.values(), *CUSTOM.values()]
    assert len(methods) == len(set(methods)) and all(re.fullmatch(r"Add[A-Z]\w+", method) for method in methods)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("9lives", "lower-case letter"),
        ("Net", "lower-case letter"),
        ("a__b", "single underscores"),
        ("int", "keyword"),
        ("co_await", "keyword"),
        ("string", "header"),
        ("nul", "device"),
        ("größe", "lower-case letter"),
        ("net\n", "lower-case letter"),
        ("", "lower-case letter"),
    ],
)
def test_a_name_that_sources_cannot_have(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_c_name(name)


@pytest.mark.parametrize("name", ["net", "model", "a1_b", "main", "keyword_spotting"])
def test_a_name_that_they_can_have(name: str) -> None:
    assert check_c_name(name) == name
