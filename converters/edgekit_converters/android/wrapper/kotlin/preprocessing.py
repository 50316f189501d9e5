"""The operations of a preprocessing as Kotlin, on `values: FloatArray` of which the first ones count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit.data.preprocessing import LUMA, Cast, Grayscale, Normalize, Rescale, Reshape, Resize, Tokenize
from edgekit_converters.android.wrapper.names import number
from edgekit_converters.preprocessing import Stage, Stages

__all__ = ["body"]

_CASTS = {
    "uint8": "(values[i].toInt() and 0xff).toFloat()",
    "int8": "values[i].toInt().toByte().toFloat()",
    "int32": "values[i].toInt().toFloat()",
}


def body(stages: Stages) -> list[str]:
    """Lines that turn `values` into what the model takes, and end in whether they are whole numbers."""
    lines, whole, size = list[str](), "whole", ("height", "width")
    count = "count"
    for place, stage in enumerate(stages.stages):
        made, whole, size, count = _stage(stage, place, whole, size, count)
        lines += made
    return [*lines, f"return {whole}"]


def _stage(
    stage: Stage, place: int, whole: str, size: tuple[str, str], count: str
) -> tuple[list[str], str, tuple[str, str], str]:
    """Lines, and then: what tells whether values are whole, the size of an image, how many values there are."""
    match stage.operation:
        case Cast(dtype="float32"):
            return [], "false", size, count
        case Cast(dtype=dtype):
            return list(_loop(f"values[i] = {_CASTS[dtype]}", count)), "true", size, count
        case Rescale(scale=scale, offset=offset):
            line = f"values[i] = values[i] * {number(scale)} + {number(offset)}"
            return list(_loop(line, count)), "false", size, count
        case Normalize(mean=mean, std=std):
            return list(_normalize(mean, std, count, place)), "false", size, count
        case Grayscale():
            red, green, blue = (number(weight) for weight in LUMA)
            line = f"values[i] = values[3 * i] * {red} + values[3 * i + 1] * {green} + values[3 * i + 2] * {blue}"
            fewer = f"({count} / 3)"
            return list(_loop(line, fewer)), "false", size, fewer
        case Resize(height=height, width=width):
            channels = stage.before.shape[2]
            line = f"resize({size[0]}, {size[1]}, {channels}, {height}, {width}, {whole})"
            return [line], whole, (str(height), str(width)), f"({height} * {width} * {channels})"
        case Reshape() | Tokenize():
            return [], whole, size, count


def _normalize(mean: Sequence[float], std: Sequence[float], count: str, place: int) -> Iterator[str]:
    for name, values in (("mean", mean), ("std", std)):
        if len(values) > 1:
            yield f"val {name}{place} = floatArrayOf({', '.join(number(v) for v in values)})"
    minus = f"mean{place}[i % {len(mean)}]" if len(mean) > 1 else number(mean[0])
    over = f"std{place}[i % {len(std)}]" if len(std) > 1 else number(std[0])
    yield from _loop(f"values[i] = (values[i] - {minus}) / {over}", count)


def _loop(line: str, count: str) -> Iterator[str]:
    yield f"for (i in 0 until {count}) {{"
    yield f"    {line}"
    yield "}"
