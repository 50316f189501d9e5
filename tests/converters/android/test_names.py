"""Names, numbers and texts that the exporter for Android writes into sources of Java and Kotlin."""

from __future__ import annotations

import re
from importlib import resources

import numpy as np
import pytest

from edgekit.errors import ConversionError
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
    with pytest.raises(ValueError, match="a name that the sources use themselves"):
        check_class_name(name)


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_a_class_cannot_have_a_name_that_stands_in_the_sources(language: str) -> None:
    """Nested types, constants, and what needs no import, in every template, whichever of them a model takes."""
    folder = resources.files("edgekit_converters") / "android" / "wrapper" / language / "templates"
    code = "\n".join(file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file())
    comments = (r"/\*.*?\*/", r"^ +\* [^\n]*", r"\{[#%].*?[#%]\}", r"//[^\n]*")
    for left_out in (*comments, r'"(\\.|[^"\\\n])*"', r"'(\\.|[^'\\])'"):
        code = re.sub(left_out, " ", code, flags=re.DOTALL | re.MULTILINE)
    used = set(re.findall(r"(?<![\w.}])[A-Z]\w*", code))
    assert "Interpreter" in used and used - TAKEN == set()


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
