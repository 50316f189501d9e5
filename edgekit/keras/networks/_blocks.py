"""What families with free stages have in common: the bounds of their parameters, stem, blocks and head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from edgekit.keras.plain import Drawing

__all__ = [
    "Activation", "Depth", "Dropout", "Expansion", "Kernel", "Multiple", "Optional", "Pool", "Stride", "Wide",
    "Block", "blocks", "head", "norm", "norm_relu", "relu", "rounded", "stem",
]  # fmt: skip

Wide = Annotated[int, Field(ge=1, le=2048, description="channels or units, before they are rounded to `multiple`")]
Optional = Annotated[int, Field(ge=0, le=2048, description="channels; 0 leaves the layer out")]
Depth = Annotated[int, Field(ge=0, le=16, description="blocks of a stage; 0 leaves the stage out")]
Kernel = Annotated[int, Field(ge=1, le=15, description="side of the window")]
Stride = Annotated[int, Field(ge=1, le=4, description="stride of the stage's first block")]
Pool = Annotated[int, Field(ge=1, le=8, description="the input is averaged over windows of this side first")]
Expansion = Annotated[float, Field(ge=0.25, le=8, description="inner channels of a block by those around it")]
Activation = Literal["relu", "relu6"]
Multiple = Annotated[int, Field(ge=1, le=64, description="channels are rounded to multiples of this")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="share that is dropped before the last layer")]


def rounded(channels: float, multiple: int) -> int:
    """The nearest multiple, at least one of it."""
    return max(1, int(channels / multiple + 0.5)) * multiple


@dataclass(frozen=True)
class Block:
    """One block of a stage.

    Attributes:
        name: What its layers' names begin with.
        place: Its place in the stage, from 1 on.
        width: Of the stage, before it is rounded.
        kernel: Side of the window.
        stride: The stage's in its first block, else 1.
    """

    name: str
    place: int
    width: int
    kernel: int
    stride: int


def blocks(*stages: tuple[int, int, int, int]) -> Iterator[Block]:
    """The blocks of stages, each of which is told as width, depth, kernel and stride."""
    for stage, (width, depth, kernel, stride) in enumerate(stages, start=1):
        for place in range(1, depth + 1):
            yield Block(f"stage{stage}_block{place}", place, width, kernel, stride if place == 1 else 1)


def relu(d: Drawing, x: str, name: str, activation: str) -> str:
    """The activation, named after the layer that it follows."""
    return d.relu(x, f"{name}_relu", most=6.0 if activation == "relu6" else None)


def norm(d: Drawing, x: str, name: str) -> str:
    """Batch normalisation, named after the layer that it follows.

    Its statistics settle in some fifty steps: with Keras's own momentum, 0.99, they need five hundred, and a search
    scores networks after fewer.
    """
    return d.norm(x, f"{name}_bn", momentum=0.9)


def norm_relu(d: Drawing, x: str, name: str, activation: str) -> str:
    """Batch normalisation and activation, named after the layer that they follow."""
    return relu(d, norm(d, x, name), name, activation)


def stem(d: Drawing, filters: int, kernel: int, stride: int, pool: int, activation: str) -> str:
    """A smaller input, where that is wanted, and a first convolution."""
    x = d.average_pool(d.input, "stem_pool", size=pool) if pool > 1 else d.input
    x = d.conv(x, filters, kernel, "stem", stride=stride, padding="same", bias=False)
    return norm_relu(d, x, "stem", activation)


def head(d: Drawing, x: str, classes: int, dropout: float) -> str:
    """Means over the places, and a score for each class."""
    x = d.global_pool(x, "pool")
    if dropout:
        x = d.dropout(x, dropout, "dropout")
    return d.dense(x, classes, "scores", activation="softmax")
