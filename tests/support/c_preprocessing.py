"""C programs that prepare samples: every case of preprocessing with every input dtype in one program, fed by a file."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from preprocessing_cases import CASES, MEAN_STD, VOCABULARY, Case

from edgekit.data.preprocessing import LONGEST_WORD
from edgekit.errors import ConversionError
from edgekit.tensors import Array, Quant, TensorSpec, quantize
from edgekit_converters.c.preprocessing import PreprocessSources, preprocess_sources
from edgekit_converters.preprocessing import Stages, stages_of

__all__ = ["C_CASES", "INPUTS", "Answer", "Call", "Program", "calls", "digest", "header", "programs", "read", "write"]

INPUTS = {
    "float32": None,
    "int8": Quant((0.019607844,), (-7,)),
    "uint8": Quant((0.7843137,), (131,)),
    "int16": Quant((0.0031,), (0,)),
    "int32": None,
}
"""Input dtypes of models, with their quantisation."""
SPECIAL = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-40, 1e-38, 3.4e38, -3.4e38, 2147483648.0, -2147483648.0,
    2147483520.0, -2147483904.0, 4294967296.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 254.5, 255.5, 127.5, -128.5, 256.0,
    8388607.5, -8388609.0, 0.49999997, -0.49999997, 65535.0, 32767.5, -32768.5,
)  # fmt: skip
QUANTISED = ("int8", "uint8", "int16")
GUARD = 16
"""Bytes behind an output that must stay what they were."""
HEADER = """#ifndef {up}_H
#define {up}_H
#include <stddef.h>
#include <stdint.h>
enum {{ {up}_OK = 0, {up}_ERROR_ARGUMENT = -1, {up}_ERROR_ARENA_SIZE = -2, {up}_ERROR_ARENA_ALIGNMENT = -3 }};
#ifdef __cplusplus
extern "C" {{
#endif
{header}
#ifdef __cplusplus
}}
#endif
#endif
"""
DRIVER = """
#include <stdio.h>
#include <string.h>

static uint32_t sample_memory[{sample_words}], input_memory[{input_words}], scratch_memory[{scratch_words}];

static int run(const uint32_t *r, const uint8_t *bytes, void *input, void *scratch)
{{
    const size_t height = r[1], width = r[2], row_bytes = r[3], size = r[4];
    const void *sample = bytes;
    (void)height;
    (void)width;
    (void)row_bytes;
    (void)size;
    switch (r[0]) {{
{calls}
    default: return 77;
    }}
}}

int main(void)
{{
    uint32_t r[7];
    FILE *in = fopen("in.bin", "rb"), *out = fopen("out.bin", "wb");
    if (!in || !out) return 2;
    while (fread(r, 4, 7, in) == 7) {{
        uint8_t *sample = (uint8_t *)sample_memory + (r[6] & 8 ? 1 : 0), *input = (uint8_t *)input_memory;
        int32_t rc;
        size_t i;
        if (r[4] > sizeof(sample_memory) - 1 || r[5] + {guard} > sizeof(input_memory)) return 3;
        if (r[4] && fread(sample, 1, r[4], in) != r[4]) return 4;
        memset(input, 0xA5, r[5] + {guard});
        rc = run(r, r[6] & 1 ? NULL : sample, r[6] & 2 ? NULL : input, r[6] & 4 ? NULL : scratch_memory);
        for (i = r[5]; i < r[5] + {guard}; ++i) if (input[i] != 0xA5) rc = 99;
        fwrite(&rc, 4, 1, out);
        fwrite(input, 1, r[5], out);
    }}
    fclose(out);
    return 0;
}}
"""


@dataclass(frozen=True)
class Program:
    """One case with one input dtype.

    Attributes:
        case: The operations.
        spec: The model's input.
        stages: Of the case.
        made: The texts.
    """

    case: Case
    spec: TensorSpec
    stages: Stages
    made: PreprocessSources

    @property
    def name(self) -> str:
        return f"{self.case.name}_to_{self.spec.dtype}"

    @property
    def sized(self) -> bool:
        """Whether a sample's size is told to the function."""
        return not self.stages.raw.text and self.stages.raw.count is None

    def strided(self, dtype: str) -> bool:
        """Whether the rows of a sample may be longer than the image."""
        return dtype == "uint8" and len(self.stages.raw.shape) == 3


@dataclass(frozen=True)
class Call:
    """One sample of one program.

    Attributes:
        program, dtype: What is called.
        sample: Without a batch.
        height, width, row_bytes: As they are told to the function.
        flags: 1, 2 and 4 leave out the sample, the input and the scratch; 8 moves the sample by one byte.
    """

    program: Program
    dtype: str
    sample: Array
    height: int
    width: int
    row_bytes: int
    flags: int = 0

    @cached_property
    def expected(self) -> Array:
        """What Python makes of it."""
        x = self.sample[np.newaxis]
        if self.dtype == "text" and self.sample.size > LONGEST_WORD:  # as sentences are cut when they are read
            cut = self.sample.tobytes()[:LONGEST_WORD].decode(errors="ignore").encode()
            x = np.frombuffer(cut, np.uint8)[np.newaxis]
        with np.errstate(all="ignore"):
            return quantize(self.program.case.preprocessing.apply(x), self.program.spec)[0]


@dataclass(frozen=True)
class Answer:
    """What a program made of a sample: the error code and the model's input."""

    code: int
    values: Array


def programs(case: Case) -> list[Program]:
    """One for each input dtype that takes what the case gives; of the quantised ones, one will do for most cases."""
    with np.errstate(all="ignore"):
        shape = case.expected(case.samples(1)[0]).shape
    stages, found = stages_of(case.preprocessing, shape), []
    ends = {stages.dtype(raw) for raw in ("float32", "uint8", "int16")}
    one = QUANTISED[zlib.crc32(case.name.encode()) % 3]
    for dtype, quant in INPUTS.items():
        if not case.name.startswith(("nothing", "rescale")) and dtype not in ends | {one, "float32"}:
            continue
        spec = TensorSpec("x", (1, *shape), dtype, quant)
        try:
            made = preprocess_sources(f"{case.name}_to_{dtype}", stages, spec, [spec], classifies=True)
        except ConversionError as error:
            assert "must end in" in error.rule
            continue
        found.append(Program(case, spec, stages, made))
    return found


def _any_bytes(rng: np.random.Generator) -> Array:
    return rng.choice(np.frombuffer(b"aZ09'' !~\x7f\x80\xc3\xbf\0.-\t", np.uint8), rng.integers(0, 1024))


def _long_text(rng: np.random.Generator) -> Array:
    words = " ".join(rng.choice(["stop", "Größer", "🐈", "x2.", "é" * 7], 700))
    return np.frombuffer(words.encode()[rng.integers(0, 2) :], np.uint8)


def _random(number: int) -> Case:
    """An image and some operations in any order."""
    rng = np.random.default_rng(number)
    height, width, channels = (int(n) for n in rng.integers(1, 12, 3))
    channels = 3 if number % 2 else channels
    operations: list[object] = []
    fixed = not number % 3
    for _ in range(rng.integers(2, 6)):
        kind = rng.integers(0, 5)
        if kind == 0:
            operations.append({"cast": {"dtype": str(rng.choice(["float32", "int8", "uint8", "int32"]))}})
        elif kind == 1:
            operations.append({"rescale": {"scale": float(rng.normal(0, 2)), "offset": float(rng.normal(0, 50))}})
        elif kind == 2:
            operations.append({"normalize": MEAN_STD if channels == 3 else {"mean": [0.5], "std": [0.25]}})
        elif kind == 3 and channels == 3:
            operations.append("grayscale")
            channels = 1
        elif kind == 4 and not fixed:
            operations.append({"resize": {"height": int(rng.integers(1, 12)), "width": int(rng.integers(1, 12))}})
    last = 3 if "grayscale" in operations else channels
    return Case(f"random_{number}", tuple(operations), lambda rng: np.zeros((height, width, last), np.uint8))


C_CASES = (
    *CASES,
    Case(
        "words_of_any_bytes", ({"tokenize": {"vocabulary": [*VOCABULARY, "a'0"], "length": 90}},), _any_bytes, text=True
    ),
    Case("words_of_long_texts", ({"tokenize": {"vocabulary": VOCABULARY, "length": 400}},), _long_text, text=True),
    Case(
        "resize_of_a_strip", ({"resize": {"height": 2, "width": 701}},), lambda rng: np.zeros((1, 65535, 1), np.uint8)
    ),
    Case("no_words", ({"tokenize": {"vocabulary": [], "length": 5}},), _any_bytes, text=True),
    Case(
        "words_normalized",
        ({"tokenize": {"vocabulary": VOCABULARY, "length": 3}}, {"normalize": MEAN_STD}),
        _any_bytes,
        text=True,
    ),
    *(_random(number) for number in range(10)),
)
"""Those of every language, and some that only C is tried with."""


def header(name: str, lines: str) -> str:
    """A `NAME.h` around the lines of the preprocessing."""
    return HEADER.format(up=name.upper(), header=lines)


def digest(cases: Iterable[Case]) -> str:
    """A sum over the texts of all programs."""
    texts = [text for case in cases for p in programs(case) for text in (p.made.header, p.made.source)]
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def calls(program: Program, count: int) -> Iterator[Call]:
    """Samples of all dtypes that the program takes."""
    rng = np.random.default_rng(zlib.crc32(program.name.encode()))
    for dtype in program.made.samples:
        for number, drawn in enumerate(program.case.samples(count)):
            sample = drawn if dtype == "text" else _draw(rng, drawn.shape, dtype, number, program.spec)
            height, width = sample.shape[:2] if sample.ndim == 3 else (0, 0)
            row_bytes = int(sample[0].nbytes + rng.integers(0, 4)) if program.strided(dtype) else 0
            yield Call(program, dtype, sample, height, width, row_bytes, 8 * (dtype in ("uint8", "text")))


def _draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, number: int, spec: TensorSpec) -> Array:
    if dtype != "float32":
        limits = np.iinfo(dtype)
        whole = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
        return rng.choice([limits.min, limits.max], shape).astype(dtype) if number == 0 else whole
    spread = (1.0, 40.0, 300.0, 1e5, 1e-39)[number % 5]
    values = rng.normal(0, spread, shape).astype(np.float32)
    if number % 3 == 0:
        halves = (rng.integers(-300, 300, shape) + 0.5) * np.float32(spec.scale or 1)
        values = np.where(rng.random(shape) < 0.5, halves.astype(np.float32), values)
    if number % 2:
        values = np.where(rng.random(shape) < 0.1, rng.choice(np.array(SPECIAL, np.float32), shape), values)
    return values


def write(folder: Path, all_programs: list[Program], all_calls: list[Call]) -> Path:
    """The sources as one file and the samples, in a folder; returns the file."""
    order = [(program, dtype) for program in all_programs for dtype in program.made.samples]
    index = {(program.name, dtype): number for number, (program, dtype) in enumerate(order)}
    for program in all_programs:
        (folder / f"{program.name}.h").write_text(header(program.name, program.made.header))
    sizes = [
        f"typedef char {p.name}_size[sizeof({p.name}_preprocess_scratch) == {p.name.upper()}_PREPROCESS_SCRATCH_BYTES"
        " ? 1 : -1];"
        for p in all_programs
        if p.sized
    ]
    largest = max(call.sample.nbytes + call.height * 4 for call in all_calls)
    driver = DRIVER.format(
        sample_words=largest // 4 + 8,
        input_words=max(int(np.prod(p.spec.shape)) * 8 + GUARD for p in all_programs) // 4 + 8,
        scratch_words=4096,
        guard=GUARD,
        calls="\n".join(
            f"    case {number}: return {_call(program, dtype)};" for number, (program, dtype) in enumerate(order)
        ),
    )
    source = folder / "all.c"
    source.write_text("\n".join([*(p.made.source for p in all_programs), *sizes, driver]))
    with (folder / "in.bin").open("wb") as file:
        for call in all_calls:
            raw = _raw(call)
            head = (index[call.program.name, call.dtype], call.height, call.width, call.row_bytes, len(raw))
            file.write(struct.pack("<7I", *head, _bytes(call.program.spec), call.flags) + raw)
    return source


def read(folder: Path, all_calls: list[Call]) -> list[Answer]:
    """What the program made of the samples."""
    content, at, found = (folder / "out.bin").read_bytes(), 0, []
    for call in all_calls:
        size = _bytes(call.program.spec)
        code = struct.unpack_from("<i", content, at)[0]
        values = np.frombuffer(
            content, call.program.spec.dtype, size // np.dtype(call.program.spec.dtype).itemsize, at + 4
        )
        found.append(Answer(code, values.reshape(call.program.spec.shape[1:])))
        at += 4 + size
    assert at == len(content)
    return found


def _bytes(spec: TensorSpec) -> int:
    return int(np.prod(spec.shape)) * np.dtype(spec.dtype).itemsize


def _raw(call: Call) -> bytes:
    if call.program.strided(call.dtype):
        return b"".join(row.tobytes().ljust(call.row_bytes, b"\xee") for row in call.sample)
    return call.sample.tobytes()


def _call(program: Program, dtype: str) -> str:
    types = {"float32": "float", "uint8": "uint8_t", "int16": "int16_t"}
    target = {**types, "int8": "int8_t", "int32": "int32_t", "int64": "int64_t"}[program.spec.dtype]
    name = f"{program.name}_preprocess_{dtype}"
    if dtype == "text":
        return f"{name}((const char *)sample, size, ({target} *)input)"
    arguments = [f"(const {types[dtype]} *)sample"]
    arguments += ["row_bytes"] if program.strided(dtype) else []
    arguments += ["height", "width"] if program.sized else []
    arguments += [f"({target} *)input"]
    arguments += [f"({program.name}_preprocess_scratch *)scratch"] if program.sized else []
    return f"{name}({', '.join(arguments)})"
