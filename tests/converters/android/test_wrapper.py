"""What the exporter for Android writes, and what it refuses: names, literals, labels, preprocessing, shapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.errors import ConversionError, DataError, EdgekitError
from edgekit_converters.android.wrapper.names import (
    TAKEN,
    camel,
    check_class_name,
    check_package,
    chunks,
    comment,
    number,
    text,
    unique,
)
from edgekit_converters.preprocessing import Form, stages_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One input of 4 floats, one output of 3."""
    path = tmp_path / "dense.tflite"
    path.write_bytes(packed(dense_model()))
    return path


@pytest.mark.parametrize("name", ["com.example", "com.example.digits_2", "a.b.c"])
def test_packages(name: str) -> None:
    assert check_package(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "com", "com..x", "com.1x", "com.class", "com.val", "com.ex-ample", "com.é", "com.x/../y", "com.x;", "a" * 300],
)
def test_what_is_no_package(name: str) -> None:
    with pytest.raises(ValueError, match="a package has two parts"):
        check_package(name)


@pytest.mark.parametrize("name", ["", "digits", "Digit Classifier", "Dígits", "1Digits", "A" * 81, 'X"', "X$Y", "X/Y"])
def test_what_is_no_class(name: str) -> None:
    with pytest.raises(ValueError, match="a class is called like"):
        check_class_name(name)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_names_of_other_classes_are_taken(name: str) -> None:
    with pytest.raises(ValueError, match="the name of another class"):
        check_class_name(name)


@pytest.mark.parametrize("value", [1 / 127.5, 1 / 255, 0.1, 1e-30, 123456789.0, -0.0123, 3.0])
def test_numbers_are_the_nearest_float32(value: float) -> None:
    assert np.float32(float(number(value)[:-1])) == np.float32(value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("serving_default_left_image:0", "LeftImage"),
        ("StatefulPartitionedCall:0", "StatefulPartitionedCall"),
        ("input_1", "Input1"),
        ("größe", "GrE"),
        ("1x", ""),
        ("", ""),
        ("*/ evil();", "Evil"),
        ("x" * 100, ""),
    ],
)
def test_names_of_tensors(name: str, expected: str) -> None:
    assert camel(name) == expected


@pytest.mark.parametrize("names", [["a", "A"], ["a-b", "a.b"], ["x", ""], ["7", "8"]])
def test_names_that_cannot_be_told_apart_are_numbers(names: list[str]) -> None:
    assert unique(names, "Input") == ["Input0", "Input1"]


@pytest.mark.parametrize("value", ['"', "\\", "${x}", "*/", "\r\n", "größer", "🐈", "\\u0022", "\0\x1b", "a" * 50])
@pytest.mark.parametrize("kotlin", [False, True])
def test_no_text_breaks_out_of_a_literal(value: str, kotlin: bool) -> None:
    literal = text(value, kotlin=kotlin)
    inner = literal[1:-1]
    assert literal.isascii() and literal.isprintable()
    assert not re.search(r'(?<!\\)(\\\\)*"', inner)
    unescaped = re.sub(r"\\([\"\\$])", r"\1", inner.replace("\\\\", "\\u005c"))
    plain = unescaped.replace("\\n", "\n").replace("\\r", "\r")
    units = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), plain)
    assert units.encode("utf-16", "surrogatepass").decode("utf-16") == value


def test_many_labels_are_several_literals() -> None:
    made = chunks([f"größe number {i}" for i in range(10_000)])
    assert len(made) > 5 and all(len(literal) < 65_535 for literal in made)
    with pytest.raises(ConversionError, match="one line"):
        chunks(["a\nb"])


def test_a_comment_cannot_be_ended() -> None:
    assert "*/" not in comment("a */ b \\u002a/ \n") and "\n" not in comment("\n") and "\\u" not in comment("\\u002a/")


@pytest.mark.parametrize(
    ("operations", "shape", "raw"),
    [
        ([], (4,), Form((4,))),
        (["cast", "rescale"], (8, 8, 1), Form((8, 8, 1))),
        (["grayscale"], (8, 8, 1), Form((8, 8, 3))),
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
        (["--name", "Bitmap"], "name of another class"),
        (["--aar", "--language", "kotlin"], "written in Java"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(
    flags: list[str], words: str, model: Path, tmp_path: Path, cli: Any
) -> None:
    done = cli("export", "android", model, "-o", tmp_path / "out", *flags)
    assert done.code in (1, 2) and words in done.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "words"), [(b"a\nb\n", "2 labels for 3 values"), (b"\xff\xfea", "UTF-8"), (b"a\nb\x1b\nc\n", "control")]
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


def test_a_compiler_that_fails_is_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "javac"
    fake.parent.mkdir()
    for words, rule in (
        ("error: invalid flag: --release", "version 11 or newer"),
        ("Segfault", "must take the wrapper"),
    ):
        fake.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 2\n")
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
    assert '"a\\nb\\n${c}"' in (code / "Net.java").read_text()
    assert "public static String label" in (code / "Net.java").read_text()


def test_a_damaged_sidecar_is_no_reason_to_guess(model: Path, tmp_path: Path) -> None:
    Path(f"{model}.json").write_text("{}")
    with pytest.raises(DataError, match="sidecar"):
        edgekit.export(model, "android", tmp_path / "out")
