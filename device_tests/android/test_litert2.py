"""The wrapper on LiteRT 2's `CompiledModel`, run with a stand-in: LiteRT is not to be had here.

The stand-in has the methods of LiteRT's Kotlin sources, on TFLite's own interpreter: what is held to the bit is what
the wrapper does around them, the order of inputs and outputs and the dtypes above all. LiteRT itself is not run.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import maven
import numpy as np
import pytest
from java import ANDROID, TFLITE, compile_java, compile_kotlin, java_missing, kotlin_library, run_java
from real_data import DATA, MISSING
from shrinking import shrunk
from small_tflite import dense

import edgekit
from edgekit import _tf, tflite
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

PACKAGE = "com.example.model"
LITERT = "com/google/ai/edge/litert"
STAND_IN = Path(__file__).parent / "litert2"
SAMPLES = 5
DRIVER = """
package com.example.model;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;

public final class Driver {
  public static void main(String[] arguments) throws Exception {
    Model model = OPEN;
    try {
      System.out.println(model.selfTest(new FileInputStream(arguments[1])));
    } catch (IllegalStateException error) {
      System.out.println(error.getMessage());
    }
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(new File(arguments[2]).toPath()));
    FileChannel out = new FileOutputStream(arguments[3]).getChannel();
    while (all.hasRemaining()) {
      for (int i = 0; i < INPUTS; i++) {
        ByteBuffer buffer = model.inputAtINSIDE(i);
        while (buffer.hasRemaining()) {
          buffer.put(all.get());
        }
      }
      model.run();
      for (int i = 0; i < OUTPUTS; i++) {
        out.write(model.outputAtINSIDE(i));
      }
    }
    out.close();
    model.close();
    model.close();
  }
}
"""
OPEN = {
    "java": "Model.open(new File(arguments[0]), new Model.Options().threads(2)GPU)",
    "kotlin": "Model.Companion.open(new File(arguments[0]), new Model.Options(2GPU))",
}
GPU = {"java": ".gpu(true)", "kotlin": ", true"}


def _sums(path: Path, kind: str) -> None:
    """Two inputs and two outputs whose names are in another order than they are."""
    keras = _tf.tf_keras()
    first, second = keras.Input((3, 4), name="zeta"), keras.Input((3, 4), name="alpha")
    outputs = [keras.layers.Subtract(name="zz")([first, second]), keras.layers.Add(name="aa")([first, second])]
    rng = np.random.default_rng(0)
    data = {name: rng.normal(size=(32, 3, 4)).astype(np.float32) for name in ("zeta", "alpha")}
    edgekit.convert(keras.Model([first, second], outputs), path, format=kind, data=data, task="regression")


def _published(path: Path) -> None:
    if not DATA.is_dir():
        pytest.skip(MISSING)
    shutil.copy(DATA / "models" / "tflite" / "mobilenet_v1_0.25_128_quant.tflite", path)


MODELS: dict[str, Callable[[Path], object]] = {
    "two of float32": lambda path: _sums(path, "float32"),
    "two of int8": lambda path: _sums(path, "int8"),
    "one of uint8": _published,
    "without a signature": lambda path: path.write_bytes(dense(channels=False)),
}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    classes = tmp_path_factory.mktemp("litert")
    assert compile_java(STAND_IN.glob("*.java"), classes) == []
    return classes


def _built(model: Path, folder: Path, stand_in: Path, language: str, *, gpu: bool = False) -> list[Path]:
    """Classes with the driver and the stand-in, the model as it is shipped, its golden vectors."""
    options = {"package": PACKAGE, "name": "Model", "language": language, "gpu": gpu, "interpreter": "litert2"}
    edgekit.export(model, {"android": options}, folder / "module")
    main, classes, driver = folder / "module" / "src" / "main", folder / "classes", folder / "Driver.java"
    graph, kotlin = tflite.read(model).graphs[0], language == "kotlin"
    text = DRIVER.replace("INPUTS", str(len(graph.inputs))).replace("OUTPUTS", str(len(graph.outputs)))
    text = text.replace("INSIDE", "$main" if kotlin else "")
    driver.write_text(text.replace("OPEN", OPEN[language].replace("GPU", GPU[language] if gpu else "")))
    shutil.copytree(stand_in, classes)
    if kotlin:
        compile_kotlin(main.rglob("*.kt"), classes, more=[stand_in])
        compile_java([driver], classes, more=[classes, kotlin_library()])
    else:
        assert compile_java([*main.rglob("*.java"), driver], classes, more=[stand_in]) == []
    assets = main / "assets" / "edgekit" / PACKAGE
    return [classes, assets / "Model.tflite", assets / "Model.golden"]


def _drawn(rng: np.random.Generator, spec: tflite.Tensor) -> Array:
    if spec.dtype == "float32":
        return rng.normal(size=spec.shape).astype(np.float32)
    limits = np.iinfo(spec.dtype)
    return rng.integers(limits.min, limits.max, spec.shape, dtype=spec.dtype, endpoint=True)


@pytest.mark.parametrize("language", ["java", "kotlin"])
@pytest.mark.parametrize("name", MODELS)
def test_inputs_and_outputs_go_where_they_belong(
    name: str, language: str, stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.tflite"
    MODELS[name](path)
    classes, shipped, golden = _built(path, tmp_path, stand_in, language)
    graph, rng = tflite.read(path).graphs[0], np.random.default_rng(3)
    samples = [[_drawn(rng, graph.tensors[i]) for i in graph.inputs] for _ in range(SAMPLES)]
    (tmp_path / "in").write_bytes(b"".join(array.tobytes() for sample in samples for array in sample))
    arguments = [shipped, golden, tmp_path / "in", tmp_path / "out"]
    said = run_java(f"{PACKAGE}.Driver", classes, *arguments, kotlin=language == "kotlin")
    assert said.splitlines() == ["2 threads", "[]", "model closed"]
    monkeypatch.setenv("RUY_PATHS", "1")  # as in the JVM: code for AVX2 rounds one value in a thousand otherwise
    session = load_runtime("tflite_runtime").open(path, kernels="builtin")
    try:
        expected = [array.tobytes() for sample in samples for array in session.run(sample)]
    finally:
        session.close()
    assert (tmp_path / "out").read_bytes() == b"".join(expected)


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_a_gpu_is_asked_for_and_the_processor_stands_in(language: str, stand_in: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(dense(channels=False))
    classes, *arguments = _built(path, tmp_path, stand_in, language, gpu=True)
    (tmp_path / "in").write_bytes(b"")
    arguments += [tmp_path / "in", tmp_path / "out"]
    said = run_java(f"{PACKAGE}.Driver", classes, *arguments, kotlin=language == "kotlin")
    assert said.splitlines() == ["2 threads", "[]", "model closed"]
    compile_java([_with_gpu(tmp_path / "Driver.java")], classes, more=[classes, kotlin_library()])
    said = run_java(f"{PACKAGE}.Driver", classes, *arguments, kotlin=language == "kotlin")
    refusal = "Golden vectors have bounds for processors alone: open the model without gpu."
    assert said.splitlines() == ["on a GPU", refusal, "model closed"]


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_shrunk_classes_pass_the_self_test(language: str, stand_in: Path, tmp_path: Path) -> None:
    path, small = tmp_path / "model.tflite", tmp_path / "shrunk.jar"
    path.write_bytes(dense(channels=False))
    classes, *arguments = _built(path, tmp_path, stand_in, language, gpu=True)
    (tmp_path / "in").write_bytes(b"")
    kept = f"-keep class {PACKAGE}.Driver {{ public static void main(java.lang.String[]); }}"
    (tmp_path / "app.pro").write_text(
        f"{kept}\n-dontwarn java.lang.invoke.**\n-dontwarn org.jetbrains.annotations.**\n"
    )
    rules = [f"@{tmp_path / 'app.pro'}", f"@{tmp_path / 'module' / 'consumer-rules.pro'}"]
    libraries = [*map(maven.classes, TFLITE["2.6.0"]), f"{maven.classes(ANDROID)}(android/**)"]  # the stand-in's
    shrunk([classes], small, [*libraries, kotlin_library()], rules)
    with zipfile.ZipFile(small) as jar:
        names = jar.namelist()
    assert not any("/Model" in name or name.startswith("Model") for name in names)
    assert {f"{LITERT}/{path.stem}.class" for path in STAND_IN.glob("*.java")} <= {*names}
    said = run_java(
        f"{PACKAGE}.Driver", small, *arguments, tmp_path / "in", tmp_path / "out", kotlin=language == "kotlin"
    )
    assert said.splitlines() == ["2 threads", "[]", "model closed"]


def _with_gpu(driver: Path) -> Path:
    """The driver on a device whose GPU the stand-in can use."""
    text = driver.read_text()
    driver.write_text(text.replace("    Model model", '    System.setProperty("gpu", "takes");\n    Model model', 1))
    return driver


def test_a_file_of_another_sha256_is_refused(stand_in: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "model.tflite", tmp_path / "other.tflite"
    path.write_bytes(dense(channels=False))
    other.write_bytes(dense(channels=False) + bytes(4))
    classes, _, golden = _built(path, tmp_path, stand_in, "java")
    (tmp_path / "in").write_bytes(b"")
    with pytest.raises(AssertionError, match="must be the one that this class was made from"):
        run_java(f"{PACKAGE}.Driver", classes, other, golden, tmp_path / "in", tmp_path / "out")
