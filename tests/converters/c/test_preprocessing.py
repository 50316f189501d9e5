"""The C text of a preprocessing: what it refuses, which samples it takes, its symbols; device_tests compile it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from c_preprocessing import C_CASES, Program, digest, programs

from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import ConversionError
from edgekit.tensors import Quant, TensorSpec
from edgekit_converters.c.preprocessing import PreprocessSources, preprocess_sources
from edgekit_converters.c.preprocessing.pieces import literal
from edgekit_converters.preprocessing import stages_of

INT8 = Quant((0.5,), (3,))
PROGRAMS = [program for case in C_CASES for program in programs(case)]


def made(
    operations: list[object], shape: tuple[int, ...], dtype: str = "int8", quant: Quant | None = INT8
) -> PreprocessSources:
    """The C of a preprocessing before one input."""
    spec = TensorSpec("x", (1, *shape), dtype, quant)
    stages = stages_of(Preprocessing.parse(operations), shape)
    return preprocess_sources("net", stages, spec, [spec], classifies=True)


def test_the_same_preprocessing_is_the_same_text_in_another_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", "from c_preprocessing import C_CASES, digest; print(digest(C_CASES))"],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.stdout.strip() == digest(C_CASES), ended.stderr


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_symbol_carries_the_name(program: Program) -> None:
    text = program.made.header + program.made.source
    up = program.name.upper()
    defined = re.findall(r"^(?:static |inline |const |\w+ )*\*?(\w+)\(", text, re.MULTILINE)
    typed = re.findall(r"^(?:typedef struct (\w+)|\} (\w+);|static .*?(\w+)\[\d+\] = \{)", text, re.MULTILINE)
    macros = re.findall(r"^ *#(?:define|ifndef) (\w+)", text, re.MULTILINE)
    names = {name for name in (*defined, *(part for parts in typed for part in parts)) if name}
    assert len(names) >= 2 and macros
    assert {name for name in names if not name.startswith(f"{program.name}_")} == set()
    assert {name for name in macros if not name.startswith(f"{up}_")} == set()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_there_is_no_heap_no_library_and_nothing_that_is_written(program: Program) -> None:
    text = program.made.source
    assert re.findall(r"#include (.*)", text) == [f'"{program.name}.h"']
    assert not re.search(r"\b(malloc|calloc|free|printf|memcpy)\b", text)
    statics = re.findall(r"^static (?!inline)[^(\n]*=", text, re.MULTILINE)
    assert all(" const " in line for line in statics)


@pytest.mark.parametrize(
    ("operations", "dtype", "quant", "samples"),
    [
        ([], "float32", None, ("float32", "uint8", "int16")),
        ([], "int8", INT8, ("float32",)),
        ([], "int16", Quant((0.5,), (0,)), ("float32", "int16")),
        ([], "uint8", INT8, ("float32", "uint8")),
        ([], "int32", None, ("uint8", "int16")),
        ([], "int64", None, ("uint8", "int16")),
        ([], "int8", None, ()),
        (["rescale"], "int8", INT8, ("float32", "uint8", "int16")),
        (["rescale"], "int32", None, ()),
        ([{"cast": {"dtype": "int8"}}], "int8", INT8, ("float32", "uint8", "int16")),
        ([{"cast": {"dtype": "uint8"}}], "int8", INT8, ()),
        ([{"cast": {"dtype": "int32"}}], "float32", None, ()),
        ([{"tokenize": {"vocabulary": ["a"], "length": 4}}], "int32", None, ("text",)),
        ([{"tokenize": {"vocabulary": ["a"], "length": 4}}], "int8", None, ()),
    ],
)
def test_samples_come_in_the_dtypes_that_have_a_meaning(
    operations: list[object], dtype: str, quant: Quant | None, samples: tuple[str, ...]
) -> None:
    if not samples:
        with pytest.raises(ConversionError, match="preprocessing must end in"):
            made(operations, (4,), dtype, quant)
        return
    sources = made(operations, (4,), dtype, quant)
    assert sources.samples == samples
    assert tuple(re.findall(r"int net_preprocess_(\w+)\(", sources.header)) == samples


@pytest.mark.parametrize(
    ("operations", "shape", "dtype", "quant", "words"),
    [
        ([], (4,), "bool", None, "An input in C is of"),
        ([], (4,), "float64", None, "An input in C is of"),
        ([], (4,), "int32", INT8, "An input in C is of"),
        ([], (4,), "int8", Quant((0.5, 0.25), (0, 0), 0), "one scale"),
        ([], (4,), "int8", Quant((0.5,), (128,)), "zero point of its dtype"),
        ([], (4,), "uint8", Quant((0.5,), (-1,)), "zero point of its dtype"),
        ([], (0,), "float32", None, "must end in what the model takes"),
        ([{"tokenize": {"vocabulary": 9, "length": 4}}], (4,), "int32", None, "is a list of words here"),
        (["cast", {"tokenize": {"vocabulary": ["a"], "length": 4}}], (4,), "int32", None, "is the first operation"),
        ([{"tokenize": {"vocabulary": ["a"], "length": 3}}, "grayscale"], (1,), "int8", INT8, "three channels of each"),
        (
            [{"resize": {"height": 3, "width": 1}}, {"reshape": {"shape": [2, 3]}}, "grayscale"],
            (2, 1), "int8", INT8, "three channels of each",
        ),
        (
            [{"resize": {"height": 1, "width": 2}}, {"normalize": {"mean": [1, 2, 3, 4], "std": [1]}},
             {"reshape": {"shape": [4]}}],
            (4,), "int8", INT8, "one for each channel",
        ),
    ],
)  # fmt: skip
def test_what_has_no_c_is_refused(
    operations: list[object], shape: tuple[int, ...], dtype: str, quant: Quant | None, words: str
) -> None:
    with pytest.raises(ConversionError, match=words) as refused:
        made(operations, shape, dtype, quant)
    assert refused.value.received is not None and refused.value.remedy


def test_another_shape_than_the_models_is_refused() -> None:
    stages = stages_of(Preprocessing.parse(["rescale"]), (4,))
    with pytest.raises(ConversionError, match="must end in what the model takes"):
        preprocess_sources("net", stages, TensorSpec("x", (2, 4), "float32"))


@pytest.mark.parametrize(
    ("operations", "shape", "lines"),
    [
        (["rescale"], (8, 6, 1), ["SAMPLE_HEIGHT 8", "SAMPLE_WIDTH 6", "SAMPLE_CHANNELS 1", "SAMPLE_ELEMENTS 48"]),
        (["rescale"], (49,), ["SAMPLE_ELEMENTS 49", "PREPROCESS_SCRATCH_BYTES 0"]),
        (["cast", {"resize": {"height": 8, "width": 6}}], (8, 6, 3), ["SAMPLE_CHANNELS 3", "SCRATCH_BYTES 48"]),
        (
            ["cast", {"resize": {"height": 5, "width": 7}}, {"resize": {"height": 8, "width": 6}}], (8, 6, 3),
            ["PREPROCESS_SCRATCH_BYTES 96"],
        ),
    ],
)  # fmt: skip
def test_the_header_says_what_a_sample_is(operations: list[object], shape: tuple[int, ...], lines: list[str]) -> None:
    header = made(operations, shape).header
    for line in lines:
        assert re.search(rf"^#define NET_\w*{line}$", header, re.MULTILINE)


def test_only_a_classifier_has_a_best_score() -> None:
    spec = TensorSpec("x", (1, 4), "int8", INT8)
    plain = preprocess_sources("net", stages_of(Preprocessing(), (4,)), spec, [spec])
    assert "net_top1" not in plain.header + plain.source and "net_dequantize_output_0" in plain.header
    best = made([], (4,))
    assert "size_t net_top1(const int8_t *output);" in best.header and "net_top1" in best.source


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -3.0, 1 / 255, 0.1, 1e30, -1e-30, 1e-45, 16777216.0])
def test_a_literal_is_the_nearest_float32(value: float) -> None:
    text = literal(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?f", text) and (set(".e") & set(text))
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()
