"""The operations of a preprocessing as C functions, for samples of one dtype.

Nothing is stored between operations: a function gives one value of what an operation makes and asks the one before it
for the values that it needs. So a sample needs no memory beside itself and the model's input, but for the places
between which the first `Resize` blends, which are told in float64 and would be slow to tell again for each pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgekit.data.preprocessing import (
    LUMA,
    Cast,
    Grayscale,
    Normalize,
    Operation,
    Preprocessing,
    Rescale,
    Reshape,
    Resize,
    Tokenize,
)
from edgekit.errors import ConversionError
from edgekit.tensors import Array, TensorSpec, quantize
from edgekit_converters.c.preprocessing.pieces import LIMITS, TYPES, literal
from edgekit_converters.preprocessing import Stages

__all__ = ["Chain", "chain_of"]

_ORDER = "Order the operations as the model was trained with them; those of images come before a reshape."


MOST_TABLES = 4
"""Tables of 256 values, one for each channel, that are worth their flash."""


@dataclass(frozen=True)
class _Byte:
    """The place in a function where a value is first of 8 bits, and the operations from there on.

    Attributes:
        dtype, value, lines: Of the value, and where its line stands.
        helpers, tables, indexed, counted: Of the chain up to there.
        after: Operations on each value alone.
    """

    dtype: str
    value: int
    lines: int
    helpers: frozenset[str]
    tables: tuple[str, ...]
    indexed: bool
    counted: bool
    after: tuple[Operation, ...] = ()

    @property
    def counts(self) -> set[int]:
        """How many values the operations have for channels, beside those with one for all."""
        normalizes = [o for o in self.after if isinstance(o, Normalize)]
        return {len(values) for o in normalizes for values in (o.mean, o.std)} - {1}

    @property
    def channels(self) -> int:
        """How many tables there are."""
        return max(self.counts, default=1)

    def table(self, spec: TensorSpec) -> Array:
        """[channels, 256] of what the operations and the quantisation make of every byte."""
        every = np.arange(256, dtype=np.uint8).view(self.dtype)
        x = np.repeat(every[:, np.newaxis], self.channels, axis=1)
        with np.errstate(all="ignore"):
            return quantize(Preprocessing(self.after).apply(x), spec).T


@dataclass
class Chain:
    """The functions for one dtype, and how the loop over the model's input calls the last one.

    Attributes:
        name: Prefix of all symbols.
        raw: The dtype of samples; "text" for words.
        dtype: What comes out.
        pixels: Whether values have a row and a column.
        channels: Channels of a sample, and after each step of what it has become.
        resizes: Those that are done, in their order; the first one takes any size.
        functions: Their texts.
        tables: By name, the constants of per-channel values.
        helpers: Pieces that the functions call.
        bytes: [channels, 256]: the model's input for every byte, where the last function looks it up.
        counted: Whether the last function takes the number of the pixel.
        indexed: Whether a function of words takes the number of the word.
    """

    name: str
    raw: str
    dtype: str
    pixels: bool
    channels: int
    resizes: list[Resize] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    tables: dict[str, tuple[float, ...]] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)
    bytes: Array | None = None
    counted: bool = False
    indexed: bool = False
    _lines: list[str] = field(default_factory=list, init=False)
    _value: int = field(default=0, init=False)
    _reshaped: bool = field(default=False, init=False)
    _byte: _Byte | None = field(default=None, init=False)

    @property
    def prefix(self) -> str:
        """Of the functions of this dtype."""
        return f"{self.name}_{self.raw}"

    @property
    def last(self) -> str:
        """The function that gives the values of the model's input."""
        return f"{self.prefix}_{len(self.functions) - 1}"

    @property
    def nested(self) -> bool:
        """Whether the first resize is asked for any of its pixels by another one."""
        return len(self.resizes) > 1

    def read(self, row: str, column: str, channel: str = "c", image: str = "image") -> str:
        """An expression for a value of the last function, at a row, a column and a channel of an image."""
        more = [channel] if self.channels > 1 else []
        return f"{self.last}({', '.join([image, row, column, *more])})"

    def operate(self, operation: Operation, place: int) -> None:
        """Add the operation that stands at a place of the list."""
        match operation:
            case Cast(dtype=dtype):
                self._cast(dtype)
            case Rescale(scale=scale, offset=offset):
                self.helpers.add("product")
                self._next("float32", f"{self.name}_product({self._real()}, {literal(scale)}) + {literal(offset)}")
            case Normalize():
                self._normalize(operation, place)
            case Grayscale():
                self._grayscale()
            case Resize():
                self._resize(operation)
            case Reshape():
                self._reshaped = True
            case Tokenize():
                return
        if self._byte is not None and isinstance(operation, Cast | Rescale | Normalize):
            self._byte = replace(self._byte, after=(*self._byte.after, operation))
        self._note_byte()

    def finish(self, spec: TensorSpec) -> None:
        """End the last function, which gives values of the model's input; those of bytes are looked up."""
        byte = self._byte
        if byte is not None and spec.dtype in LIMITS and self._looks_up(byte):
            self.dtype, self._value, self.helpers = byte.dtype, byte.value, set(byte.helpers)
            self._lines, self.indexed, self.counted = self._lines[: byte.lines], byte.indexed, byte.counted
            self.tables = {table: values for table, values in self.tables.items() if table in byte.tables}
            self.bytes = byte.table(spec)
            channel = f"[{self._channel(byte.channels)}]" if byte.channels > 1 else ""
            index = f"v{self._value}" if byte.dtype == "uint8" else f"(uint8_t)v{self._value}"
            self._next(spec.dtype, f"{self.prefix}_table{channel}[{index}]")
        self.close()

    def _looks_up(self, byte: _Byte) -> bool:
        """Whether real values are made of bytes, with few tables, one of which the place at hand chooses."""
        real = self.dtype == "float32" or any(isinstance(o, Rescale | Normalize) for o in byte.after)
        few = len(byte.counts) <= 1 and byte.channels <= MOST_TABLES
        return real and few and (not self.pixels or byte.channels in (1, self.channels))

    def _note_byte(self) -> None:
        if self._byte is None and self.dtype in ("int8", "uint8"):
            self._byte = _Byte(
                self.dtype, self._value, len(self._lines), frozenset(self.helpers), tuple(self.tables),
                self.indexed, self.counted,
            )  # fmt: skip

    def close(self) -> None:
        """End the function that is being written."""
        known = f"v{self._value}"
        parameters = self._parameters()
        head = f"static inline {TYPES[self.dtype]} {self.prefix}_{len(self.functions)}({', '.join(parameters)})"
        self.functions.append("\n".join([head, "{", *self._lines, f"    return {known};", "}", ""]))
        self._lines, self._value, self._byte = [], 0, None

    def begin(self) -> None:
        """Start with the values of a sample."""
        if self.raw == "text":
            self.dtype = "int32"
        elif self.pixels:
            at = "image->row * y + x" if self.channels == 1 else f"image->row * y + x * {self.channels}U + c"
            self._first(f"image->values[{at}]")
        else:
            self._first("sample[i]")
        self._note_byte()

    def _parameters(self) -> list[str]:
        if self.raw == "text":
            return ["int32_t v0", *(["size_t i"] if self.indexed else [])]
        if not self.pixels:
            return [f"const {TYPES[self.raw]} *sample", "size_t i"]
        places = ["const {0}_tap *row", "const {0}_tap *column"] if self.resizes else ["size_t y", "size_t x"]
        more = ["size_t c"] if self.channels > 1 else []
        more += ["size_t pixel"] if self.counted else []
        return [f"const {self.prefix}_image *image", *(place.format(self.name) for place in places), *more]

    def _first(self, expression: str) -> None:
        self._lines.append(f"    const {TYPES[self.dtype]} v0 = {expression};")
        self._value = 0

    def _next(self, dtype: str, expression: str) -> None:
        self.dtype, self._value = dtype, self._value + 1
        self._lines.append(f"    const {TYPES[dtype]} v{self._value} = {expression};")

    def _real(self, expression: str | None = None) -> str:
        text = expression or f"v{self._value}"
        return text if self.dtype == "float32" else f"(float){text}"

    def _cast(self, dtype: str) -> None:
        if dtype == self.dtype:
            return
        value = f"v{self._value}"
        if self.dtype == "float32":
            self.helpers.add("whole")
            value = f"{self.name}_whole({value})"
            self._next(dtype, value if dtype == "int32" else f"({TYPES[dtype]}){value}")
        else:
            self._next(dtype, f"({TYPES[dtype]}){value}")

    def _normalize(self, operation: Normalize, place: int) -> None:
        parts = []
        for key, values in (("mean", operation.mean), ("std", operation.std)):
            if len(values) == 1:
                parts.append(literal(values[0]))
                continue
            self.tables[f"{self.name}_{key}_{place}"] = values
            parts.append(f"{self.name}_{key}_{place}[{self._channel(len(values))}]")
        self._next("float32", f"({self._real()} - {parts[0]}) / {parts[1]}")

    def _channel(self, count: int) -> str:
        """Of the values of a channel, which belongs to the value at hand."""
        if not self.pixels:
            self.indexed = True
            return f"i % {count}U"
        if count == self.channels:
            return "c"
        if not self._reshaped:
            raise ConversionError(
                "normalize has one value, or one for each channel.",
                received=f"{count} values for {self.channels} channels",
                remedy=_ORDER,
            )
        self.counted = True
        at = "pixel" if self.channels == 1 else f"(pixel * {self.channels}U + c)"
        return f"{at} % {count}U"

    def _grayscale(self) -> None:
        if self.raw == "text" or self.counted or (self.pixels and self.channels != 3):
            raise ConversionError(
                "In C, grayscale takes the three channels of each pixel.",
                received="words" if self.raw == "text" else f"{self.channels} channels that were given another shape",
                remedy=_ORDER,
            )
        self.helpers.add("product")
        self.close()
        colours = []
        for number, weight in enumerate(LUMA):
            if not self.pixels:
                value = f"{self.last}(sample, 3 * i + {number})"
            else:
                value = self.read(*(("row", "column") if self.resizes else ("y", "x")), str(number))
            colours.append(f"{self.name}_product({self._real(value)}, {literal(weight)})")
        self.dtype, self.channels = "float32", 1
        self._first("\n        + ".join(colours))

    def _resize(self, operation: Resize) -> None:
        before = self.resizes[-1] if self.resizes else None
        if before and (before.height, before.width) == (operation.height, operation.width):
            return
        self.helpers |= {"product", "blend"}
        self.close()
        if before is None:
            rows, columns = "row->{0}", "column->{0}"
        elif len(self.resizes) == 1:
            rows, columns = "&image->scratch->rows[row->{0}]", "&image->scratch->columns[column->{0}]"
        else:
            number = len(self.resizes)
            rows, columns = (f"&{self.name}_{side}s_{number}[{side}->{{0}}]" for side in ("row", "column"))
        corners = {
            (y, x): self.read(rows.format(y), columns.format(x)) for y in ("lower", "upper") for x in ("lower", "upper")
        }
        if before is None:
            self._lines += ["    if (image->same) {", f"        return {corners['lower', 'lower']};", "    }"]
        for x in ("lower", "upper"):
            self._lines.append(f"    const float {x} = {self.name}_blend(")
            self._lines.append(f"        {self._real(corners['lower', x])},")
            self._lines.append(f"        {self._real(corners['upper', x])}, row->weight);")
        whole = f"{self.name}_blend(lower, upper, column->weight)"
        if self.dtype != "float32":
            self.helpers |= {"whole", "even"}
            whole = f"{self.name}_even({whole})"
            whole = whole if self.dtype == "int32" else f"({TYPES[self.dtype]}){whole}"
        self.resizes.append(operation)
        self._first(whole)
        if before is None:
            self.close()
            self._first(self.read("row", "column"))


def chain_of(name: str, stages: Stages, raw: str) -> Chain:
    """The functions that turn samples of a dtype into what the model takes, up to `finish`.

    Args:
        name: Prefix of all symbols.
        stages: The preprocessing.
        raw: float32, uint8 or int16; "text" where words are cut before.

    Raises:
        ConversionError: The operations stand in an order for which there is no C.
    """
    resizes = any(isinstance(stage.operation, Resize) for stage in stages.stages)
    pixels = resizes or (raw == "uint8" and len(stages.raw.shape) == 3)
    chain = Chain(name, raw, raw, pixels, (stages.raw.shape[2] or 1) if pixels else 1)
    chain.begin()
    for place, stage in enumerate(stages.stages):
        if isinstance(stage.operation, Tokenize) != (place == 0 and raw == "text"):
            raise ConversionError("Tokenize is the first operation.", received="another before it", remedy=_ORDER)
        chain.operate(stage.operation, place)
    return chain
