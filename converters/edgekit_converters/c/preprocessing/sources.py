"""`NAME_preprocess.c`, and what `NAME.h` says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from edgekit.data.preprocessing import OPERATIONS, UNKNOWN, Resize, Tokenize, taps
from edgekit.errors import ConversionError, ModelError
from edgekit.tensors import TensorSpec, travel_dtype
from edgekit_converters.c.preprocessing.chain import Chain, chain_of
from edgekit_converters.c.preprocessing.entries import Entry
from edgekit_converters.c.preprocessing.pieces import LIMITS, TYPES, column, literal, piece
from edgekit_converters.preprocessing import Stages

__all__ = ["PreprocessSources", "preprocess_sources"]

RAW = ("float32", "uint8", "int16")
"""The dtypes in which samples may come: those of NumPy, of cameras, of microphones."""
_TAP_BYTES = 8
_REMEDY = "Give the preprocessing that the model was trained with."


@dataclass(frozen=True)
class PreprocessSources:
    """The two texts.

    Attributes:
        source: Text of `NAME_preprocess.c`.
        header: Lines for `NAME.h`, behind its constants and error codes and inside its `extern "C"`: constants of a
            sample, the type of the scratch, prototypes.
        samples: The dtypes in which samples may come, "text" among them.
    """

    source: str
    header: str
    samples: tuple[str, ...]


def preprocess_sources(
    name: str,
    stages: Stages,
    given: TensorSpec,
    outputs: Sequence[TensorSpec] = (),
    *,
    classifies: bool = False,
    heading: Sequence[str] = (),
) -> PreprocessSources:
    """The preprocessing of a model as C99 (and C++11), which gives the bits of `Preprocessing.apply` and `quantize`.

    Args:
        name: Prefix of all symbols, an identifier of C; `NAME.h` is included, and its error codes are used.
        stages: The preprocessing; without operations where a program hands over real values.
        given: The model's only input.
        outputs: The model's outputs: each gets a function that tells its real value.
        classifies: Whether the first output has a score for each class, of which a function finds the greatest.
        heading: Lines of comment at the top of the file.

    Raises:
        ConversionError: There is no C for an operation or an input, or samples of no dtype have a meaning for it.
    """
    count = _check(stages, given)
    chains = _chains(name, stages, given)
    entries = [Entry(chain, stages.raw, given, count) for chain in chains]
    scores = next((spec for spec in outputs[:1] if classifies and spec.dtype in TYPES), None)
    lines = [*heading, f'#include "{name}.h"', "", piece("begin", name), *_helpers(name, chains, given)]
    lines += [*_channels(name, chains), *_taps(name, chains[0]), *_bytes(chains), *_vocabulary(name, stages)]
    for entry in entries:
        lines += entry.lines()
    lines += [*_dequantize(name, outputs), *([_top1(name, scores)] if scores else [])]
    text = "\n".join(lines).rstrip("\n") + "\n"
    header = [*_header(name, stages, entries), *_header_back(name, outputs, scores)]
    return PreprocessSources(text, "\n".join(header) + "\n", tuple(c.raw for c in chains))


def _check(stages: Stages, given: TensorSpec) -> int:
    """How many values the model takes, where there is C for them."""
    limits = LIMITS.get(given.dtype)
    if given.dtype not in TYPES or (given.scale is not None and given.dtype != "float32" and limits is None):
        raise ConversionError(
            "An input in C is of float32, int8, uint8, int16, int32 or int64; a quantised one of int8, uint8 or int16.",
            received=f"{given.name!r} of {'quantised ' if given.scale is not None else ''}{given.dtype}",
            remedy="Convert the model with another input dtype.",
        )
    per_channel = given.quant is not None and len(given.quant.scales) > 1
    if per_channel or (limits and not limits[0] <= (given.zero_point or 0) <= limits[1]):
        raise ConversionError(
            "A quantised input has one scale, and a zero point of its dtype.",
            received=f"{given.name!r} with {given.quant}",
            remedy="Convert the model again.",
        )
    after = stages.stages[-1].after if stages.stages else stages.raw
    count = math.prod(given.shape)
    if count < 1 or after.count != count:
        raise ConversionError(
            "The preprocessing must end in what the model takes.",
            received=f"{after.count} values for an input of shape {list(given.shape)}",
            remedy=_REMEDY,
        )
    return count


def _chains(name: str, stages: Stages, given: TensorSpec) -> list[Chain]:
    """Those whose values mean something to the model."""
    operations = [stage.operation for stage in stages.stages]
    counts = [o.vocabulary for o in operations if isinstance(o, Tokenize) and isinstance(o.vocabulary, int)]
    if counts:
        raise ConversionError(
            "The vocabulary of tokenize is a list of words here.", received=f"the number {counts[0]}", remedy=_REMEDY
        )
    words = any(isinstance(o, Tokenize) for o in operations)
    made = [chain_of(name, stages, raw) for raw in (("text",) if words else RAW)]
    taken = [chain for chain in made if _takes(given, chain.dtype)]
    if not taken:
        raise ConversionError(
            f"The preprocessing must end in {given.dtype}, or in real values where the model's input is quantised.",
            received=", ".join(sorted({chain.dtype for chain in made})),
            remedy=_REMEDY,
        )
    for chain in taken:
        chain.finish(given)
    return taken


def _takes(given: TensorSpec, dtype: str) -> bool:
    """Whether every value of a dtype has one meaning for the model's input, as in EdgeKit's own evaluation."""
    try:
        travel_dtype(np.empty(0, dtype), given)
    except ModelError:
        return False
    return dtype == "float32" or np.can_cast(dtype, given.dtype, "safe")


def _helpers(name: str, chains: list[Chain], given: TensorSpec) -> Iterator[str]:
    used = {helper for chain in chains for helper in chain.helpers}
    yield from (piece(file, name) for file in ("product", "whole", "even", "blend") if file in used)
    if any(chain.resizes for chain in chains):
        yield piece("tap", name)
    if given.dtype in LIMITS and any(chain.dtype == "float32" for chain in chains):
        lowest, highest = LIMITS[given.dtype]
        scale = literal(given.scale or 1.0)
        yield piece("quantized", name, scale=scale, zero_point=given.zero_point or 0, lowest=lowest, highest=highest)


def _channels(name: str, chains: list[Chain]) -> Iterator[str]:
    tables = {table: values for chain in chains for table, values in chain.tables.items()}
    for table, values in sorted(tables.items()):
        yield f"static {name.upper()}_WEIGHTS const float {table}[{len(values)}] = {{"
        yield from column(literal(value) for value in values)
        yield from ("};", "")


def _taps(name: str, chain: Chain) -> Iterator[str]:
    """For every resize but the first, between which places each place lies."""
    resizes = chain.resizes
    for number in range(2, len(resizes) + 1):
        before, after = resizes[number - 2], resizes[number - 1]
        for side, source, target in (
            ("rows", before.height, after.height),
            ("columns", before.width, after.width),
        ):
            lower, upper, weights = taps(source, target)
            yield f"static {name.upper()}_WEIGHTS const {name}_tap {name}_{side}_{number}[{target}] = {{"
            yield from column(
                f"{{{literal(float(w))}, {low}, {high}}}" for low, high, w in zip(lower, upper, weights, strict=True)
            )
            yield from ("};", "")


def _bytes(chains: list[Chain]) -> Iterator[str]:
    """What the model takes for every byte."""
    for chain in chains:
        if chain.bytes is None:
            continue
        several = f"[{len(chain.bytes)}]" if len(chain.bytes) > 1 else ""
        ctype = TYPES[chain.bytes.dtype.name]
        yield f"static {chain.name.upper()}_WEIGHTS const {ctype} {chain.prefix}_table{several}[256] = {{"
        for row in chain.bytes:
            yield from ["    {"] if several else []
            yield from column(str(value) for value in row)
            yield from ["    },"] if several else []
        yield from ("};", "")


def _vocabulary(name: str, stages: Stages) -> Iterator[str]:
    first = stages.stages[0].operation if stages.stages else None
    if not isinstance(first, Tokenize) or isinstance(first.vocabulary, int):
        return
    words = sorted((word.encode(), index) for index, word in enumerate(first.vocabulary, start=UNKNOWN + 1))
    yield piece("tokens", name)
    starts = [0, *accumulate(len(word) for word, _ in words)]
    head = f"static {name.upper()}_WEIGHTS const"
    yield f"{head} uint8_t {name}_words[{max(1, starts[-1])}] = {{"
    yield from column(str(byte) for byte in b"".join(word for word, _ in words) or b"\0")
    yield from ("};", "")
    yield f"{head} {_holding(starts[-1])} {name}_word_starts[{len(starts)}] = {{"
    yield from column(str(start) for start in starts)
    yield from ("};", "")
    yield f"{head} {_holding(len(words) + UNKNOWN)} {name}_word_indices[{max(1, len(words))}] = {{"
    yield from column(str(index) for _, index in words or [(b"", UNKNOWN)])
    yield from ("};", "")
    yield piece("word", name, count=f"{len(words)}U", unknown=UNKNOWN)


def _holding(value: int) -> str:
    return "uint16_t" if value < 1 << 16 else "uint32_t"


def _dequantize(name: str, outputs: Sequence[TensorSpec]) -> Iterator[str]:
    for number, spec in enumerate(outputs):
        if spec.dtype not in TYPES:
            continue
        value = "value" if spec.dtype == "float32" else "(float)value"
        if spec.scale is not None and spec.dtype != "float32":
            zero_point = literal(float(spec.zero_point or 0))
            value = f"{literal(spec.scale)} * ({value} - {zero_point})"
        yield f"{name.upper()}_CODE {_back(name, number, spec)}"
        yield from ("{", f"    return {value};", "}", "")


def _back(name: str, number: int, spec: TensorSpec) -> str:
    return f"float {name}_dequantize_output_{number}({TYPES[spec.dtype]} value)"


def _top1(name: str, scores: TensorSpec) -> str:
    count = f"{math.prod(scores.shape)}U"
    if scores.dtype == "float32":
        return piece("top1_float", name, count=count)
    return piece("top1", name, count=count, type=TYPES[scores.dtype])


def _header(name: str, stages: Stages, entries: list[Entry]) -> Iterator[str]:
    up, chain = name.upper(), entries[0].chain
    names = {kind: operation for operation, kind in OPERATIONS.items()}
    told = ", ".join(names[type(stage.operation)] for stage in stages.stages) or "nothing but the model's own dtype"
    yield f"/* Preprocessing: {told}. A sample becomes the model's input, with the bits of the training."
    yield from _sample_note(stages, entries)
    yield f"   {up}_OK, or {up}_ERROR_ARGUMENT where a pointer is NULL or a size is out of its range. */"
    yield from _constants(up, stages)
    yield f"#define {up}_PREPROCESS_SCRATCH_BYTES {_scratch_bytes(chain)}"
    if chain.resizes:
        yield from _scratch(name, chain)
    yield from (f"{entry.prototype};" for entry in entries)


def _header_back(name: str, outputs: Sequence[TensorSpec], scores: TensorSpec | None) -> Iterator[str]:
    known = [_back(name, number, spec) for number, spec in enumerate(outputs) if spec.dtype in TYPES]
    if known:
        yield from ("", "/* The real value of an element of an output. */")
        yield from (f"{prototype};" for prototype in known)
    if scores:
        yield from (
            "",
            f"/* The place of the greatest of the {math.prod(scores.shape)} scores; the first of equals. */",
        )
        yield f"size_t {name}_top1(const {TYPES[scores.dtype]} *output);"


def _sample_note(stages: Stages, entries: list[Entry]) -> Iterator[str]:
    raw, resizes = stages.raw, entries[0].chain.resizes
    if raw.text:
        yield "   A sample is text in UTF-8, without a zero at its end."
        return
    shape = " x ".join(str(size) for size in raw.shape if size is not None) or "1"
    form = f"height x width x {raw.shape[2]}" if resizes else shape
    yield f"   A sample has {form} values, the last dimension running fastest; the input may not overlap it."
    if any(entry.chain.raw == "uint8" and entry.chain.pixels for entry in entries):
        yield "   Rows of uint8 start row_bytes apart."
    if resizes:
        yield "   The scratch is free again after the call."


def _constants(up: str, stages: Stages) -> Iterator[str]:
    raw = stages.raw
    if raw.text:
        return
    if len(raw.shape) == 3:
        for side, size in zip(("HEIGHT", "WIDTH", "CHANNELS"), raw.shape, strict=True):
            if size is not None:
                yield f"#define {up}_SAMPLE_{side} {size}"
    if raw.count is not None:
        yield f"#define {up}_SAMPLE_ELEMENTS {raw.count}"


def _scratch_bytes(chain: Chain) -> int:
    first = chain.resizes[:1]
    return sum(_TAP_BYTES * (r.width + (r.height if chain.nested else 0)) for r in first)


def _scratch(name: str, chain: Chain) -> Iterator[str]:
    first: Resize = chain.resizes[0]
    yield f"typedef struct {name}_tap {{"
    yield "    float weight;"
    yield "    uint16_t lower, upper;"
    yield f"}} {name}_tap;"
    yield f"typedef struct {name}_preprocess_scratch {{"
    yield f"    {name}_tap columns[{first.width}];"
    if chain.nested:
        yield f"    {name}_tap rows[{first.height}];"
    yield f"}} {name}_preprocess_scratch;"
