"""The AAR: the same bytes each time, classes as the real libraries give them, and labels that survive the compiler."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from java import compile_java, compile_kotlin, java_missing, run_java
from tflite_files import dense_model, packed

import edgekit
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit_converters.android.wrapper.kotlin import compiler

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

LABELS = ('"big" \\u0022', "größer ${x} $y */", "🐈 \\n")
OPTIONS = {"package": "com.example.net", "name": "Net"}
DRIVER = """
package com.example.net;

public final class Driver {
  public static void main(String[] arguments) throws Exception {
    java.io.OutputStream out = new java.io.FileOutputStream(arguments[0]);
    for (int i = 0; i < COUNT; i++) {
      out.write((Net.label(i) + "\\n").getBytes("UTF-8"));
    }
    out.close();
  }
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(packed(dense_model()))
    operations = Preprocessing.parse([{"resize": {"height": 2, "width": 2}}, {"reshape": {"shape": [4]}}, "rescale"])
    write_sidecar(path, Sidecar(operations, LABELS, "classification"))
    return path


def _classes(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as aar, zipfile.ZipFile(io.BytesIO(aar.read("classes.jar"))) as jar:
        return {name: jar.read(name) for name in jar.namelist()}


def test_two_exports_are_the_same_bytes_and_the_model_is_stored(model: Path, tmp_path: Path) -> None:
    one, two = (
        edgekit.export(model, {"android": {**OPTIONS, "aar": True}}, tmp_path / name) for name in ("one", "two")
    )
    assert [f.path for f in one.files] == [f"com/example/net/net/1.0.0/net-1.0.0.{end}" for end in ("aar", "pom")]
    assert [f.sha256 for f in one.files] == [f.sha256 for f in two.files]
    with zipfile.ZipFile(tmp_path / "one" / one.files[0].path) as archive:
        entry = archive.getinfo("assets/edgekit/com.example.net/Net.tflite")
        assert entry.compress_type == zipfile.ZIP_STORED and archive.read(entry) == model.read_bytes()


def test_the_signatures_are_those_of_the_real_classes(model: Path, tmp_path: Path) -> None:
    """Compiled against them and against the real libraries, a wrapper is the same to the byte."""
    exported = edgekit.export(model, {"android": {**OPTIONS, "aar": True}}, tmp_path / "aar")
    edgekit.export(model, {"android": OPTIONS}, tmp_path / "module")
    compile_java((tmp_path / "module" / "src" / "main").rglob("*.java"), tmp_path / "real", tflite="2.16.1")
    real = {p.relative_to(tmp_path / "real").as_posix(): p.read_bytes() for p in (tmp_path / "real").rglob("*.class")}
    assert _classes(tmp_path / "aar" / exported.files[0].path) == real


def test_one_in_kotlin_is_what_the_real_libraries_give(model: Path, tmp_path: Path) -> None:
    """Compiled against the signatures and against the real classes, to the byte, as a module of its own name."""
    compiler.install()
    options = {**OPTIONS, "language": "kotlin"}
    exported = edgekit.export(model, {"android": {**options, "aar": True}}, tmp_path / "aar")
    edgekit.export(model, {"android": options}, tmp_path / "module")
    sources = (tmp_path / "module" / "src" / "main").rglob("*.kt")
    compile_kotlin(sources, tmp_path / "real", tflite="2.16.1", module="com.example.net.net")
    files = [path for path in (tmp_path / "real").rglob("*") if path.is_file()]
    real = {path.relative_to(tmp_path / "real").as_posix(): path.read_bytes() for path in files}
    assert "META-INF/com.example.net.net.kotlin_module" in real
    assert _classes(tmp_path / "aar" / exported.files[0].path) == real
    pom = (tmp_path / "aar" / exported.files[1].path).read_text()
    assert "<artifactId>kotlin-stdlib</artifactId>" in pom and pom.count("<type>jar</type>") == 1


def test_kotlins_compiler_keeps_what_it_loaded_and_takes_only_what_this_java_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The classes are the same to the byte without the archive, with it, and with one that is broken."""
    compiler.install()
    installed = compiler._folder()
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    (tmp_path / installed.name).symlink_to(installed)
    old = tmp_path / f"{installed.name}-of-an-older-java.jsa"
    old.write_bytes(b"old")
    sources = {"Sample.kt": 'public class Sample { public fun name(number: Int): String = "sample $number" }'}
    classes = compiler.compiled(sources, "sample")
    (kept,) = tmp_path.glob("*.jsa")
    assert kept != old and kept.stat().st_size > 1_000_000
    assert compiler.compiled(sources, "sample") == classes
    kept.chmod(0o600)
    kept.write_bytes(b"broken")
    assert compiler.compiled(sources, "sample") == classes


@pytest.mark.parametrize("labels", [LABELS, tuple(f"größe {i} \\" for i in range(10_000))], ids=["odd", "many"])
def test_labels_survive_the_compiler(labels: tuple[str, ...], tmp_path: Path) -> None:
    made = dense_model()
    path = tmp_path / "m.tflite"
    if len(labels) > 3:
        _widen(made, len(labels))
    path.write_bytes(packed(made))
    (tmp_path / "labels.txt").write_text("\n".join(labels), encoding="utf-8")
    edgekit.export(path, {"android": {**OPTIONS, "labels": str(tmp_path / "labels.txt")}}, tmp_path / "module")
    driver = tmp_path / "Driver.java"
    driver.write_text(DRIVER.replace("COUNT", str(len(labels))))
    sources = [*(tmp_path / "module" / "src" / "main").rglob("*.java"), driver]
    assert compile_java(sources, tmp_path / "classes") == []
    run_java("com.example.net.Driver", tmp_path / "classes", tmp_path / "out")
    assert (tmp_path / "out").read_text(encoding="utf-8").splitlines() == list(labels)


def _widen(model: object, count: int) -> None:
    """One output value for each label."""
    import numpy as np
    from tflite_files import buffer

    graph = model.subgraphs[0]  # type: ignore[attr-defined]
    for index, shape, dtype in ((1, [count, 4], np.float32), (2, [count], np.float32)):
        tensor = graph.tensors[index]
        tensor.shape, tensor.type, tensor.quantization = shape, 0, None
        tensor.buffer = len(model.buffers)  # type: ignore[attr-defined]
        model.buffers.append(buffer(np.zeros(shape, dtype).tobytes()))  # type: ignore[attr-defined]
    graph.tensors[3].shape = [1, count]
