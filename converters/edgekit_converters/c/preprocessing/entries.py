"""The functions that a program calls: one for each dtype of samples, each a loop over the model's input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.data.preprocessing import LONGEST_WORD, PADDING
from edgekit.tensors import TensorSpec
from edgekit_converters.c.preprocessing.chain import Chain
from edgekit_converters.c.preprocessing.pieces import TYPES
from edgekit_converters.preprocessing import Form

__all__ = ["Entry"]

MOST_PIXELS = 65535
"""Rows or columns of a sample: places in it are told in 16 bits."""


@dataclass(frozen=True)
class Entry:
    """One function that prepares samples.

    Attributes:
        chain: What it does to each value.
        raw: The form of a sample.
        input: The model's input.
        count: Its values.
    """

    chain: Chain
    raw: Form
    input: TensorSpec
    count: int

    @property
    def parameters(self) -> list[str]:
        """As C declares them."""
        target = f"{TYPES[self.input.dtype]} *input"
        if self.chain.raw == "text":
            return ["const char *text", "size_t bytes", target]
        told = [f"const {TYPES[self.chain.raw]} *sample"]
        told += ["size_t row_bytes"] if self._strided else []
        told += ["size_t height", "size_t width"] if self.chain.resizes else []
        return [*told, target, *([f"{self.chain.name}_preprocess_scratch *scratch"] if self.chain.resizes else [])]

    @property
    def prototype(self) -> str:
        """Without the semicolon."""
        return f"int {self.chain.name}_preprocess_{self.chain.raw}({', '.join(self.parameters)})"

    def lines(self) -> Iterator[str]:
        """The functions of the chain and the loop over them."""
        if self.chain.pixels:
            yield from self._image()
        yield from self.chain.functions
        yield f"{self.chain.name.upper()}_CODE {self.prototype}"
        yield "{"
        if self.chain.raw == "text":
            yield from self._words()
        elif self.chain.pixels:
            yield from self._pixels()
        else:
            yield from self._refuse(["sample == NULL", "input == NULL"], "size_t i;")
            yield f"    for (i = 0; i < {self.count}U; ++i) {{"
            yield f"        input[i] = {self._stored(f'{self.chain.last}(sample, i)')};"
            yield "    }"
        yield f"    return {self.chain.name.upper()}_OK;"
        yield "}"
        yield ""

    @property
    def _strided(self) -> bool:
        return self.chain.pixels and self.chain.raw == "uint8"

    def _image(self) -> Iterator[str]:
        name = f"{self.chain.prefix}_image"
        yield f"typedef struct {name} {{"
        yield f"    const {TYPES[self.chain.raw]} *values;"
        yield "    size_t row;"
        if self.chain.resizes:
            yield "    int same;"
        if self.chain.nested:
            yield f"    const {self.chain.name}_preprocess_scratch *scratch;"
        yield f"}} {name};"
        yield ""

    def _refuse(self, conditions: list[str], *variables: str) -> Iterator[str]:
        yield from (f"    {line}" for line in variables)
        yield f"    if ({' || '.join(conditions)}) {{"
        yield f"        return {self.chain.name.upper()}_ERROR_ARGUMENT;"
        yield "    }"

    def _stored(self, value: str) -> str:
        own = self.input.dtype
        if self.chain.dtype == own:
            return value
        if self.chain.dtype == "float32":
            return f"({TYPES[own]}){self.chain.name}_quantized({value})"
        return f"({TYPES[own]}){value}"

    def _pixels(self) -> Iterator[str]:
        chain, resizes = self.chain, self.chain.resizes
        channels = self.raw.shape[2]
        bad = ["sample == NULL", "input == NULL"]
        if resizes:
            bad += ["scratch == NULL", *(f"{s} < 1 || {s} > {MOST_PIXELS}U" for s in ("height", "width"))]
            rows, columns = f"{resizes[-1].height}U", f"{resizes[-1].width}U"
        else:
            rows, columns = (f"{size}U" for size in self.raw.shape[:2])
        wide = "width" if resizes else columns
        if self._strided:
            bad.append(f"row_bytes / {channels}U < {wide}" if channels != 1 else f"row_bytes < {wide}")
        c = ", c" if chain.channels > 1 else ""
        yield from self._refuse(bad, f"{chain.prefix}_image image;", f"size_t y, x{c}, i = 0;")
        yield "    image.values = sample;"
        row = "row_bytes" if self._strided else wide if channels == 1 else f"{wide} * {channels}U"
        yield f"    image.row = {row};"
        if resizes:
            yield from self._prepare()
        yield f"    for (y = 0; y < {rows}; ++y) {{"
        if len(resizes) == 1:
            yield f"        const {chain.name}_tap row = {chain.name}_tap_at(y, height, {rows});"
        yield f"        for (x = 0; x < {columns}; ++x) {{"
        yield from (f"            {line}" for line in self._one_pixel(columns))
        yield "        }"
        yield "    }"

    def _prepare(self) -> Iterator[str]:
        name, first = self.chain.name, self.chain.resizes[0]
        yield f"    image.same = height == {first.height}U && width == {first.width}U;"
        if self.chain.nested:
            yield "    image.scratch = scratch;"
            yield f"    for (y = 0; y < {first.height}U; ++y) {{"
            yield f"        scratch->rows[y] = {name}_tap_at(y, height, {first.height}U);"
            yield "    }"
        yield f"    for (x = 0; x < {first.width}U; ++x) {{"
        yield f"        scratch->columns[x] = {name}_tap_at(x, width, {first.width}U);"
        yield "    }"

    def _one_pixel(self, columns: str) -> Iterator[str]:
        chain, count = self.chain, len(self.chain.resizes)
        places = {0: ("y", "x"), 1: ("&row", "&scratch->columns[x]")}
        row, column = places.get(count, (f"&{chain.name}_rows_{count}[y]", f"&{chain.name}_columns_{count}[x]"))
        value = chain.read(row, column, image="&image")
        if chain.counted:
            value = f"{value[:-1]}, y * {columns} + x)"
        if chain.channels == 1:
            yield f"input[i++] = {self._stored(value)};"
            return
        yield f"for (c = 0; c < {chain.channels}U; ++c) {{"
        yield f"    input[i++] = {self._stored(value)};"
        yield "}"

    def _words(self) -> Iterator[str]:
        chain = self.chain
        variables = (
            f"size_t last = bytes < {LONGEST_WORD}U ? bytes : {LONGEST_WORD}U;",
            "size_t at = 0, i = 0;",
        )
        yield from self._refuse(["(text == NULL && bytes > 0)", "input == NULL"], *variables)
        yield "    while (last < bytes && last > 0 && ((uint8_t)text[last] & 0xc0) == 0x80) {"
        yield "        --last; /* a long text is cut between two characters, as in training */"
        yield "    }"
        yield f"    while (at < last && i < {self.count}U) {{"
        yield f"        const size_t end = {chain.name}_word_end(text, at, last);"
        yield "        if (end > at) {"
        yield f"            input[i] = {self._word(f'{chain.name}_word(text + at, end - at)')};"
        yield "            ++i;"
        yield "            at = end;"
        yield "        } else {"
        yield "            if (text[at] >= '!' && text[at] <= '~') {"
        yield f"                input[i] = {self._word(f'{chain.name}_word(text + at, 1)')};"
        yield "                ++i;"
        yield "            }"
        yield "            ++at;"
        yield "        }"
        yield "    }"
        yield f"    for (; i < {self.count}U; ++i) {{"
        yield f"        input[i] = {self._word(str(PADDING))};"
        yield "    }"

    def _word(self, word: str) -> str:
        return self._stored(f"{self.chain.last}({word}{', i' if self.chain.indexed else ''})")
