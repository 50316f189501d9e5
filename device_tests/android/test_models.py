"""Models through the wrappers that EdgeKit writes for them, on the real TFLite interpreter for Java in a JVM."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from java import TFLITE, compile_java, compile_kotlin, java_missing, run_java
from real_data import DATA, MISSING
from wrapped_models import dense, recurrent, stateful, two_by_two

import edgekit
from edgekit import tflite
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

PACKAGE = "com.example.model"
SAMPLES = 20
DRIVER = """
package com.example.model;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.List;

public final class Driver {
  public static void main(String[] arguments) throws Exception {
    Model.Options options = new Model.Options().xnnpack(false).otherSha256(arguments.length > 4);
    Model model = Model.open(new File(arguments[0]), options);
    List<String> found = model.selfTest(new FileInputStream(arguments[1]));
    System.out.println(found.isEmpty() ? "as it should be" : found.get(0));
    model.forget();
    FileChannel in = new FileInputStream(arguments[2]).getChannel();
    FileChannel out = new FileOutputStream(arguments[3]).getChannel();
    ByteBuffer all = ByteBuffer.allocate((int) in.size());
    in.read(all);
    all.flip();
    while (all.hasRemaining()) {
      for (int i = 0; i < INPUTS; i++) {
        ByteBuffer buffer = model.inputAt(i);
        while (buffer.hasRemaining()) {
          buffer.put(all.get());
        }
      }
      model.run();
      for (int i = 0; i < OUTPUTS; i++) {
        ByteBuffer output = model.outputAt(i);
        out.write(output);
      }
    }
    out.close();
    model.close();
  }
}
"""

KOTLIN_DRIVER = """
package com.example.model

import java.io.File
import java.io.FileInputStream
import java.io.FileOutputStream
import java.nio.ByteBuffer

public object Driver {
    @JvmStatic
    public fun main(arguments: Array<String>) {
        val options = Model.Options(xnnpack = false, otherSha256 = arguments.size > 4)
        val model = Model.open(File(arguments[0]), options)
        println(model.selfTest(FileInputStream(arguments[1])).firstOrNull() ?: "as it should be")
        val all = ByteBuffer.wrap(File(arguments[2]).readBytes())
        val out = FileOutputStream(arguments[3]).channel
        while (all.hasRemaining()) {
            for (i in 0 until INPUTS) {
                val buffer = model.inputAt(i)
                while (buffer.hasRemaining()) {
                    buffer.put(all.get())
                }
            }
            model.run()
            for (i in 0 until OUTPUTS) {
                out.write(model.outputAt(i))
            }
        }
        out.close()
        model.close()
    }
}
"""


MADE: dict[str, Callable[[Path], None]] = {"two_by_two": two_by_two, "stateful": stateful, "recurrent": recurrent}
PUBLISHED = {
    "mobilenet_uint8": "tflite/mobilenet_v1_0.25_128_quant.tflite",
    "keyword_spotting_int8": "kws/kws_ref_model_int8.tflite",
    "resnet_float32": "ic/pretrainedResnet.tflite",
}


@pytest.fixture(scope="module")
def model_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = request.param
    path = tmp_path_factory.mktemp(name) / f"{name}.tflite"
    if name in MADE:
        MADE[name](path)
        return path
    if not DATA.is_dir():
        pytest.skip(MISSING)
    path.write_bytes((DATA / "models" / PUBLISHED[name]).read_bytes())
    return path


def _exported(model: Path, folder: Path, language: str = "java") -> tuple[Path, Path, Path]:
    """Classes with the driver, the shipped model, and the golden vectors."""
    options = {"package": PACKAGE, "name": "Model", "language": language}
    edgekit.export(model, {"android": options}, folder / "module")
    main = folder / "module" / "src" / "main"
    graph = tflite.read(model).graphs[0]
    text = KOTLIN_DRIVER if language == "kotlin" else DRIVER
    text = text.replace("INPUTS", str(len(graph.inputs))).replace("OUTPUTS", str(len(graph.outputs)))
    if language == "kotlin":
        (folder / "Driver.kt").write_text(text)
        compile_kotlin([*main.rglob("*.kt"), folder / "Driver.kt"], folder / "classes")
    else:
        (folder / "Driver.java").write_text(text)
        assert compile_java([*main.rglob("*.java"), folder / "Driver.java"], folder / "classes") == []
    assets = main / "assets" / "edgekit" / PACKAGE
    return folder / "classes", assets / "Model.tflite", assets / "Model.golden"


def _samples(model: Path) -> list[list[Array]]:
    graph = tflite.read(model).graphs[0]
    rng = np.random.default_rng(3)
    return [[_drawn(rng, graph.tensors[i].shape, graph.tensors[i].dtype) for i in graph.inputs] for _ in range(SAMPLES)]


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    if dtype == "float32":
        return rng.normal(size=shape).astype(np.float32)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize(
    ("model_file", "language"),
    [*((name, "java") for name in (*MADE, *PUBLISHED)), ("two_by_two", "kotlin"), ("stateful", "kotlin")],
    indirect=["model_file"],
)
def test_the_wrapper_answers_as_the_same_kernels_do_in_python(
    model_file: Path, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes, shipped, golden = _exported(model_file, tmp_path, language)
    samples = _samples(model_file)
    (tmp_path / "in").write_bytes(b"".join(array.tobytes() for sample in samples for array in sample))
    said = run_java(
        f"{PACKAGE}.Driver", classes, shipped, golden, tmp_path / "in", tmp_path / "out", kotlin=language == "kotlin"
    )
    assert said.strip() == "as it should be"
    monkeypatch.setenv("RUY_PATHS", "1")  # as in the JVM: code for AVX2 rounds one value in a thousand otherwise
    session = load_runtime("tflite_runtime").open(model_file, kernels="builtin")
    try:
        fresh = tflite.state_of(tflite.read(model_file)) != "kept"
        expected = [array for sample in samples for array in session.run(sample, fresh=fresh)]
    finally:
        session.close()
    content, at = (tmp_path / "out").read_bytes(), 0
    for array in expected:
        received = np.frombuffer(content, array.dtype, array.size, at).reshape(array.shape)
        if array.dtype.kind == "f":
            np.testing.assert_allclose(received, array, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(received, array)
        at += array.nbytes
    assert at == len(content)


@pytest.mark.parametrize("model_file", ["two_by_two"], indirect=True)
def test_a_changed_weight_is_named_by_the_self_test(model_file: Path, tmp_path: Path) -> None:
    classes, shipped, golden = _exported(model_file, tmp_path)
    model = tflite.read(shipped)
    weight = max(
        (t for t in model.graphs[0].tensors if t.data is not None and t.dtype == "int8"), key=lambda t: t.elements
    )
    assert weight.data is not None
    raw = np.ascontiguousarray(weight.data).tobytes()
    changed = bytearray(model.content)
    start = changed.find(raw)
    changed[start : start + len(raw)] = bytes(255 - byte for byte in raw)
    other = tmp_path / "changed.tflite"
    other.write_bytes(changed)
    (tmp_path / "in").write_bytes(b"")
    said = run_java(f"{PACKAGE}.Driver", classes, other, golden, tmp_path / "in", tmp_path / "out", "other")
    assert re.match(r"output \d+, sample \d+, element \d+: expected .* within .*\. Received: ", said), said
    with pytest.raises(AssertionError, match="with sha256"):
        run_java(f"{PACKAGE}.Driver", classes, other, golden, tmp_path / "in", tmp_path / "out")


def test_the_self_test_finds_what_an_old_interpreter_computes_wrong(tmp_path: Path) -> None:
    """TFLite 2.6 takes int8 dense layers with a scale for each channel, and multiplies by 0."""
    dense(tmp_path / "dense.tflite")
    classes, shipped, golden = _exported(tmp_path / "dense.tflite", tmp_path)
    (tmp_path / "in").write_bytes(b"")
    said = run_java(f"{PACKAGE}.Driver", classes, shipped, golden, tmp_path / "in", tmp_path / "out")
    assert said.startswith("output 0, sample 0, element")


@pytest.mark.parametrize("model_file", ["two_by_two"], indirect=True)
def test_a_model_of_another_signature_is_refused(model_file: Path, tmp_path: Path) -> None:
    classes, _, golden = _exported(model_file, tmp_path)
    other = tmp_path / "another.tflite"
    dense(other)
    (tmp_path / "in").write_bytes(b"")
    with pytest.raises(AssertionError, match="must have 2 inputs and 2 outputs. Received: 1 and 1"):
        run_java(f"{PACKAGE}.Driver", classes, other, golden, tmp_path / "in", tmp_path / "out", "other")


@pytest.mark.parametrize("tflite_version", TFLITE)
@pytest.mark.parametrize("model_file", ["two_by_two", "stateful"], indirect=True)
def test_the_sources_compile_against_both_libraries(model_file: Path, tflite_version: str, tmp_path: Path) -> None:
    edgekit.export(model_file, {"android": {"package": PACKAGE, "name": "Model"}}, tmp_path / "module")
    sources = list((tmp_path / "module" / "src" / "main").rglob("*.java"))
    assert compile_java(sources, tmp_path / "classes", tflite=tflite_version) == []


@pytest.mark.parametrize("model_file", ["two_by_two"], indirect=True)
def test_the_classes_are_of_java_8_without_lambdas_and_reflection(model_file: Path, tmp_path: Path) -> None:
    classes, _, _ = _exported(model_file, tmp_path)
    for path in classes.rglob("Model*.class"):
        content = path.read_bytes()
        assert struct.unpack(">H", content[6:8])[0] == 52
        assert b"java/lang/invoke" not in content and b"java/lang/reflect" not in content
