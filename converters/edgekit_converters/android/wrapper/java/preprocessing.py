"""The operations of a preprocessing as Java, on `float[] values` of `count` values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit.data.preprocessing import LUMA, Cast, Grayscale, Normalize, Rescale, Reshape, Resize, Tokenize
from edgekit_converters.android.wrapper.names import number
from edgekit_converters.preprocessing import Stage, Stages

__all__ = ["body"]

_LOOP = "for (int i = 0; i < count; i++) {"
_CASTS = {
    "uint8": "(int) values[i] & 0xff",
    "int8": "(byte) (int) values[i]",
    "int32": "(int) values[i]",
}


def body(stages: Stages) -> list[str]:
    """Lines that turn `values` into what the model takes, and keep `count` and `whole` true."""
    return [line for place, stage in enumerate(stages.stages) for line in _lines(stage, place)]


def _lines(stage: Stage, place: int) -> Iterator[str]:
    match stage.operation:
        case Cast(dtype="float32"):
            yield "whole = false;"
        case Cast(dtype=dtype):
            yield from _loop(f"values[i] = {_CASTS[dtype]};")
            yield "whole = true;"
        case Rescale(scale=scale, offset=offset):
            yield from _loop(f"values[i] = values[i] * {number(scale)} + {number(offset)};")
            yield "whole = false;"
        case Normalize(mean=mean, std=std):
            yield from _normalize(mean, std, place)
        case Grayscale():
            red, green, blue = (number(weight) for weight in LUMA)
            yield "count /= 3;"
            yield from _loop(
                f"values[i] = values[3 * i] * {red} + values[3 * i + 1] * {green} + values[3 * i + 2] * {blue};"
            )
            yield "whole = false;"
        case Resize(height=height, width=width):
            channels = stage.before.shape[2]
            yield f"resize(height, width, {channels}, {height}, {width}, whole);"
            yield f"height = {height};"
            yield f"width = {width};"
            yield f"count = height * width * {channels};"
        case Reshape() | Tokenize():
            return


def _normalize(mean: Sequence[float], std: Sequence[float], place: int) -> Iterator[str]:
    means, stds = _table(mean), _table(std)
    if len(mean) > 1:
        yield f"float[] mean{place} = {means};"
    if len(std) > 1:
        yield f"float[] std{place} = {stds};"
    minus = f"mean{place}[i % {len(mean)}]" if len(mean) > 1 else number(mean[0])
    over = f"std{place}[i % {len(std)}]" if len(std) > 1 else number(std[0])
    yield from _loop(f"values[i] = (values[i] - {minus}) / {over};")
    yield "whole = false;"


def _table(values: Sequence[float]) -> str:
    return f"{{{', '.join(number(value) for value in values)}}}"


def _loop(line: str) -> Iterator[str]:
    yield _LOOP
    yield f"  {line}"
    yield "}"
