"""What the exporter for Android writes, and what it refuses: labels, preprocessing, shapes, folders, tools."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_tflite import dense
from tflite_files import dense_model, packed, tensor

import edgekit
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.errors import ConversionError, DataError, EdgekitError
from edgekit_converters.android.wrapper.names import (
    TAKEN,
)
from edgekit_converters.preprocessing import Form, stages_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One input of 4 floats, one output of 3."""
    path = tmp_path / "dense.tflite"
    path.write_bytes(packed(dense_model()))
    return path


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_a_class_cannot_have_the_name_of_one_that_the_sources_import(
    language: str, model: Path, tmp_path: Path
) -> None:
    write_sidecar(model, Sidecar(Preprocessing.parse(["rescale"]), ("a", "b", "c"), "classification"))
    edgekit.export(model, {"android": {"language": language}}, tmp_path / "out")
    texts = [p.read_text() for p in (tmp_path / "out" / "src" / "main" / language).rglob("Model*")]
    imported = {name for text in texts for name in re.findall(r"^import [a-z.]*\.([A-Z]\w*);?$", text, re.MULTILINE)}
    assert imported and imported <= TAKEN


@pytest.mark.parametrize(
    ("operations", "shape", "raw"),
    [
        ([], (4,), Form((4,))),
        (["cast", "rescale"], (8, 8, 1), Form((8, 8, 1))),
        (["grayscale"], (8, 8, 1), Form((8, 8, 3))),
        (["grayscale", "rescale", "grayscale"], (8, 8, 1), Form((8, 8, 3))),
        (["grayscale", "grayscale", {"reshape": {"shape": [4]}}], (4,), Form((12,))),
        ([{"resize": {"height": 8, "width": 9}}], (8, 9, 3), Form((None, None, 3))),
        ([{"resize": {"height": 8, "width": 9}}, "grayscale"], (8, 9, 1), Form((None, None, 3))),
        (["grayscale", {"resize": {"height": 8, "width": 9}}], (8, 9, 1), Form((None, None, 3))),
        ([{"reshape": {"shape": [2, 2]}}], (2, 2), Form((4,))),
        ([{"resize": {"height": 2, "width": 2}}, {"reshape": {"shape": [12]}}], (12,), Form((None, None, 3))),
        ([{"tokenize": {"vocabulary": ["a"], "length": 5}}], (5,), Form((None,), text=True)),
    ],
)
def test_what_a_user_hands_over(operations: list[object], shape: tuple[int, ...], raw: Form) -> None:
    assert stages_of(Preprocessing.parse(operations), shape).raw == raw


@pytest.mark.parametrize(
    ("operations", "shape"),
    [
        (["grayscale"], (8, 8, 3)),
        ([{"resize": {"height": 8, "width": 8}}], (8, 9, 3)),
        ([{"resize": {"height": 8, "width": 8}}], (4,)),
        ([{"reshape": {"shape": [5]}}], (4,)),
        ([{"tokenize": {"vocabulary": ["a"], "length": 5}}], (4,)),
        ([{"normalize": {"mean": [1, 2, 3], "std": [1]}}], (4, 4, 1)),
        ([{"normalize": {"mean": [1], "std": [1, 2, 3]}}], (4,)),
        (["grayscale"], ()),
    ],
)
def test_preprocessing_that_does_not_end_in_the_input(operations: list[object], shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is asked for"):
        stages_of(Preprocessing.parse(operations), shape)


def _dynamic(model: Any) -> None:
    model.subgraphs[0].tensors[0].shapeSignature = [1, -1]


def _empty(model: Any) -> None:
    model.subgraphs[0].tensors[3].shape = [1, 0]


def _strings(model: Any) -> None:
    model.subgraphs[0].tensors[0].type = 5  # STRING in the schema


@pytest.mark.parametrize(
    ("change", "words"),
    [(_dynamic, "fixed sizes"), (_strings, "tensors of float32, int8"), (_empty, "has values")],
    ids=["dynamic", "strings", "empty"],
)
def test_models_without_a_wrapper_are_refused(
    change: Callable[[Any], None], words: str, tmp_path: Path, cli: Any
) -> None:
    made = dense_model()
    change(made)
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(made))
    done = cli("export", "android", path, "-o", tmp_path / "out")
    assert done.code == 1 and words in done.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--package", "com.example.class"], "a package has two parts"),
        (["--name", "digits"], "a class is called like DigitClassifier"),
        (["--language", "rust"], "language"),
        (["--labels", "none.txt"], "none.txt"),
        (["--preprocessing", "[nonsense]"], "Unknown preprocessing operation"),
        (["--preprocessing", "{a: 1}"], "is a list"),
        (["--preprocessing", "[{reshape: {shape: [5]}}]"], "must end in what the model takes"),
        (["--version", "../1"], "version"),
        (["--preprocessing", "[{tokenize: {length: 4}}]"], "is a list of words"),
        (["--tflite", "nonsense"], "tflite"),
        (["--name", "Bitmap"], "a name that the sources use themselves"),
        (["--preprocessing", "[cast, 3]"], "Received: 3. Write for example: [cast, {rescale"),
        (["--preprocessing", "none.yaml"], "is a list of operations. Received: 'none.yaml'."),
        (["--preprocessing", "["], "found '<stream end>' at line 1, column 2"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(
    flags: list[str], words: str, model: Path, tmp_path: Path, cli: Any
) -> None:
    done = cli("export", "android", model, "-o", tmp_path / "out", *flags)
    assert done.code == (2 if flags[0] == "--language" else 1)
    assert words in done.err and done.err.count(repr(flags[1])) <= 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nb\n", "2 labels for 3 values"),
        (b" \n", "without a name"),
        (b"\xff\xfea", "UTF-8"),
        (b"a\nb\x1b\nc\n", "control"),
    ],
)
def test_bad_labels(content: bytes, words: str, model: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_bytes(content)
    with pytest.raises(EdgekitError, match=words):
        edgekit.export(model, {"android": {"labels": str(labels)}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_of_others_is_kept(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "build.gradle.kts").write_text("mine")
    with pytest.raises(EdgekitError, match="not overwritten"):
        edgekit.export(model, "android", tmp_path / "out")
    assert (tmp_path / "out" / "build.gradle.kts").read_text() == "mine"
    assert not (tmp_path / "out" / "src").exists()


def test_a_module_under_another_name_takes_the_place_of_the_one_before(model: Path, tmp_path: Path) -> None:
    for options in ({"name": "Cats"}, {"name": "Dogs", "package": "com.example.dogs"}):
        edgekit.export(model, {"android": options}, tmp_path / "out")
    files = [p.name for p in (tmp_path / "out" / "src").rglob("*") if p.is_file()]
    assert "Dogs.tflite" in files and not [name for name in files if name.startswith("Cats")]
    told = edgekit.verify_package(tmp_path / "out" / "src" / "main" / "assets", tmp_path / "out" / "edgekit.lock")
    assert told.exit_code == 0


def test_a_repository_keeps_each_aar_in_each_version(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit_converters.android.wrapper.java.compiler.compiled", lambda sources: {"A.class": b""})
    for package, version in (("com.a.b", "1.0.0"), ("com.a.b", "1.0.1"), ("com.a.c", "1.0.0")):
        options = {"name": "Cats", "package": package, "version": version, "aar": True}
        edgekit.export(model, {"android": options}, tmp_path / "repository")
    assert len(list((tmp_path / "repository").rglob("*.aar"))) == 3


def test_a_path_with_everything_in_it(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a $b 'c' \"d\" größe"
    exported = edgekit.export(model, {"android": {"package": "com.example.odd", "name": "Odd"}}, folder)
    assert {f.path for f in exported.files} >= {"edgekit.lock", "src/main/assets/edgekit/com.example.odd/Odd.tflite"}
    assert (folder / "src/main/assets/edgekit/com.example.odd/Odd.tflite").read_bytes() == model.read_bytes()


def test_no_jdk_is_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgekitError, match="An AAR needs a JDK"):
        edgekit.export(model, {"android": {"aar": True}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_kotlin_compiler_is_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "empty"))
    with pytest.raises(EdgekitError, match="needs Java and Kotlin's compiler.*doctor --install android"):
        edgekit.export(model, {"android": {"aar": True, "language": "kotlin"}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_compiler_that_fails_is_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "javac"
    fake.parent.mkdir()
    for act, rule in (
        ("echo 'error: invalid flag: --release' >&2; exit 2", "version 11 or newer"),
        ("echo Segfault >&2; exit 2", "must take the wrapper.*Segfault"),
        ("kill -9 $$", "must take the wrapper.*ended with -9"),
        ("exit 0", "must take the wrapper.*it wrote no class Model, ModelSelfTest"),
    ):
        fake.write_text(f"#!/bin/sh\n{act}\n")
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
        with pytest.raises(EdgekitError, match=rule):
            edgekit.export(model, {"android": {"aar": True}}, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_sidecar_gives_labels_and_preprocessing(model: Path, tmp_path: Path) -> None:
    write_sidecar(model, Sidecar(Preprocessing.parse(["cast", "rescale"]), ("a", "b", "${c}"), "classification"))
    edgekit.export(model, {"android": {"name": "Net", "package": "com.example.net"}}, tmp_path / "out")
    code = tmp_path / "out" / "src" / "main" / "java" / "com" / "example" / "net"
    assert "cast, rescale" in (code / "NetPreprocessing.java").read_text()
    assert '"a\\nb\\n${c}"' in (code / "NetLabels.java").read_text()
    assert "public static String label" in (code / "Net.java").read_text()


def test_a_damaged_sidecar_is_no_reason_to_guess(model: Path, tmp_path: Path) -> None:
    Path(f"{model}.json").write_text("{}")
    with pytest.raises(DataError, match="sidecar"):
        edgekit.export(model, "android", tmp_path / "out")


@pytest.mark.parametrize("channels", [False, True])
def test_what_old_interpreters_answer_wrongly_is_said(
    channels: bool, tmp_path: Path, cli: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense(channels=channels))
    exported = edgekit.export(path, "android", tmp_path / "out")
    told = exported.as_dict()["warnings"]
    if not channels:
        assert told == () and not caplog.records
        return
    assert len(exported.warnings) == 1 and told == exported.warnings
    said = exported.warnings[0]
    assert said.startswith("TensorFlow Lite 2.6: FULLY_CONNECTED needs one scale for all its weights")
    assert "the same answer for every input" in said and "let the app ship a newer runtime" in said
    assert [record.getMessage() for record in caplog.records] == [f"{path}: {said}."]
    done = cli("export", "android", path, "-o", tmp_path / "again", "--json")
    assert json.loads(done.out)["warnings"] == [said] and said in done.err
    assert edgekit.export(path, "ai_pack", tmp_path / "pack").warnings == (said,)
    assert edgekit.export(path, {"android": {"interpreter": "litert2"}}, tmp_path / "new").warnings == ()


@pytest.mark.parametrize("version", ["2.5.0", "2.6.0", "2.6.0-rc1"])
def test_a_module_with_an_old_interpreter_is_refused_where_it_would_answer_wrongly(
    version: str, tmp_path: Path
) -> None:
    path, out = tmp_path / "dense.tflite", tmp_path / "out"
    options = {"android": {"tflite": f"org.tensorflow:tensorflow-lite:{version}"}}
    path.write_bytes(dense(channels=True))
    with pytest.raises(ConversionError, match="FULLY_CONNECTED needs one scale for all its weights"):
        edgekit.export(path, options, out)
    assert not out.exists()
    path.write_bytes(dense(channels=False))
    edgekit.export(path, options, out)


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_a_module_on_litert_2_has_nothing_of_tflite(language: str, model: Path, tmp_path: Path) -> None:
    options = {"interpreter": "litert2", "language": language, "gpu": True}
    edgekit.export(model, {"android": options}, tmp_path / "out")
    needed = (tmp_path / "out" / "build.gradle.kts").read_text()
    assert needed.count('implementation("com.google.ai.edge.litert:litert:') == 1 and "tensorflow" not in needed
    assert "-keep class com.google.ai.edge.litert.**" in (tmp_path / "out" / "consumer-rules.pro").read_text()
    sources = [p.read_text() for p in (tmp_path / "out" / "src" / "main" / language).rglob("Model*")]
    assert any("CompiledModel.create(" in text for text in sources)
    assert not any("org.tensorflow" in text or "otherSha256(true)" in text for text in sources)
    own = "com.google.ai.edge.litert:litert:2.1.0"
    edgekit.export(model, {"android": {**options, "tflite": own}}, tmp_path / "own")
    assert f'"{own}"' in (tmp_path / "own" / "build.gradle.kts").read_text()


def _as_int64(made: Any) -> None:
    made.subgraphs[0].tensors[0].type = 4


def _with_variable(made: Any) -> None:
    made.subgraphs[0].tensors[1].isVariable = True


def _with_two_inputs(made: Any) -> None:
    """A second input, which no signature names."""
    graph = made.subgraphs[0]
    graph.tensors.append(tensor([1, 4], name="second"))
    graph.inputs = [*graph.inputs, len(graph.tensors) - 1]


REFUSED_BY_LITERT_2: dict[str, tuple[Callable[[Any], None], str]] = {
    "int64": (_as_int64, "hands over arrays of float32, int32, int8, uint8, bool.*of int64"),
    "variables": (_with_variable, "no way to reset variables"),
    "unnamed input": (_with_two_inputs, "by the names that a signature of the file gives them"),
}


@pytest.mark.parametrize("what", REFUSED_BY_LITERT_2)
def test_what_litert_2_cannot_is_refused_with_the_other_interpreter_named(what: str, tmp_path: Path) -> None:
    change, said = REFUSED_BY_LITERT_2[what]
    made, path = dense_model(), tmp_path / "m.tflite"
    change(made)
    path.write_bytes(packed(made))
    with pytest.raises(ConversionError, match=f"{said}.*Leave the option interpreter out"):
        edgekit.export(path, {"android": {"interpreter": "litert2"}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
