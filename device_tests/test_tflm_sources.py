"""What `edgekit export tflm` writes, built with TensorFlow Lite Micro itself and run: its answers are the wheel's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from real_data import DATA
from recurrent_cells import Cell
from tflm_tree import MISSING, TREE, built, library

import edgekit
from edgekit import tflite
from edgekit.installing import cache_folder
from edgekit_converters.tflite import ConvertSpec, convert_keras
from edgekit_converters.tflm.operators import CUSTOM, METHODS

RESOLVER = TREE / "tensorflow" / "lite" / "micro" / "micro_mutable_op_resolver.h"
MODELS = DATA / "models"
SAMPLES = {
    "kws": MODELS / "kws" / "kws_ref_model_int8.tflite",
    "resnet": MODELS / "ic" / "pretrainedResnet_quant.tflite",
    "hello": MODELS / "tflite" / "hello_world_int8.tflite",
    "hello_float": MODELS / "tflite" / "hello_world_float.tflite",
    "speech": MODELS / "tflite" / "micro_speech_quantized.tflite",
    "lstm": MODELS / "tflite" / "trained_lstm_int8.tflite",
}
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not RESOLVER.is_file(), reason=MISSING)]


@pytest.fixture(scope="module")
def archive() -> Path:
    return library(TREE, cache_folder() / "tflm")


def test_the_table_of_methods_is_the_resolvers_own() -> None:
    text = RESOLVER.read_text(encoding="utf-8")
    found = {}
    for method, body in re.findall(r"TfLiteStatus (Add\w+)\((.*?)\n  \}", text, re.DOTALL):
        custom, builtin = (re.search(form, body) for form in (r'AddCustom\(\s*"(\w+)"', r"BuiltinOperator_(\w+)"))
        name = custom[1] if custom else builtin[1] if builtin else "ethos-u" if method == "AddEthosU" else None
        if name is not None and method not in ("AddBuiltin", "AddCustom"):
            found[name] = method
    assert found == METHODS | CUSTOM


@pytest.mark.parametrize("name", SAMPLES)
def test_a_program_gives_the_golden_answers(name: str, archive: Path, tmp_path: Path) -> None:
    if not SAMPLES[name].is_file():
        pytest.skip("EDGEKIT_DATA names no folder with this model")
    folder = tmp_path / name
    exported = edgekit.export(SAMPLES[name], {"tflm": {"name": name, "selftest": 8}}, folder)
    assert "tflm, default kernels" in (folder / f"{name}_selftest.cc").read_text(), "the wheel answered"
    done = subprocess.run([built(folder, TREE, archive)], capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    print(f"{name}: arena {exported.figures['arena_bytes']} bytes; {said.strip()}")
    assert done.returncode == 0 and f"{name}: self-test passed, samples: 8" in said, said


def test_a_program_notices_a_wrong_answer_and_a_wrong_model(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "hello"
    edgekit.export(SAMPLES["hello"], {"tflm": {"name": "hello"}}, path)
    source = path / "hello_selftest.cc"
    right = source.read_text()
    (value,) = re.findall(r"output_0\[\] = \{\n    (0x..),\n", right)
    source.write_text(right.replace(f"output_0[] = {{\n    {value}", f"output_0[] = {{\n    {int(value, 16) ^ 1:#04x}"))
    assert ran(path, archive) == (1, "hello: self-test FAILED, samples that differ: 1 of 1")
    source.write_text(right)
    operators = path / "hello_ops.h"
    whole = operators.read_text()
    operators.write_text(re.sub(r"  if \(resolver\.AddFullyConnected\(\).*\n", "", whole))
    code, said = ran(path, archive)
    assert code == 1 and "hello: self-test FAILED, error -4 of hello_selftest.h" in said
    operators.write_text(whole)
    header = path / "hello_data.h"
    header.write_text(re.sub(r"#define HELLO_ARENA_BYTES \d+", "#define HELLO_ARENA_BYTES 1024", header.read_text()))
    code, said = ran(path, archive)
    assert code == 1 and "hello: self-test FAILED, error -4 of hello_selftest.h" in said


def ran(folder: Path, archive: Path) -> tuple[int, str]:
    done = subprocess.run([built(folder, TREE, archive)], capture_output=True, text=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_a_model_with_variables_goes_on_from_sample_to_sample(archive: Path, tmp_path: Path) -> None:
    cell, path = Cell("GRU", ("stateful",)), tmp_path / "gru.tflite"
    convert_keras(cell.model(), path, ConvertSpec(format="int8"), representative=cell.samples())
    assert any(operator.name == "VAR_HANDLE" for graph in tflite.read(path).graphs for operator in graph.operators)
    edgekit.export(path, {"tflm": {"name": "gru", "selftest": 4}}, tmp_path / "gru")
    assert ran(tmp_path / "gru", archive) == (0, "gru: self-test passed, samples: 4")
