"""A model's preprocessing as stages: each operation, with the form of a sample before and after it.

A `Preprocessing` says nothing of its samples, but the model's input does of what must come out. From there the forms
are told backwards: what an emitter cannot know is a size that a `Resize` takes as it comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.data.preprocessing import (
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

__all__ = ["Form", "Stage", "Stages", "stages_of"]


@dataclass(frozen=True)
class Form:
    """One sample, without a batch.

    Attributes:
        shape: Its dimensions, an image's as height, width and channels; None for one that any sample may choose. One
            dimension alone where only the number of values is known.
        text: Whether it is text, as UTF-8 bytes.
    """

    shape: tuple[int | None, ...]
    text: bool = False

    @property
    def image(self) -> bool:
        """Whether it is an image of one or three channels."""
        return len(self.shape) == 3 and self.shape[2] in (1, 3)

    @property
    def count(self) -> int | None:
        """Its values; None where a sample may choose."""
        return None if None in self.shape else math.prod(size for size in self.shape if size is not None)


@dataclass(frozen=True)
class Stage:
    """One operation, and what goes into it and comes out."""

    operation: Operation
    before: Form
    after: Form


@dataclass(frozen=True)
class Stages:
    """All operations in their order.

    Attributes:
        raw: What a user hands over.
        stages: What is done with it.
    """

    raw: Form
    stages: tuple[Stage, ...]

    def dtype(self, raw: str) -> str:
        """The dtype that comes out where samples of another one go in."""
        for stage in self.stages:
            match stage.operation:
                case Cast(dtype=dtype):
                    raw = dtype
                case Tokenize():
                    raw = "int32"
                case Rescale() | Normalize() | Grayscale():
                    raw = "float32"
        return raw


def stages_of(preprocessing: Preprocessing, shape: tuple[int, ...]) -> Stages:
    """The stages of a preprocessing that ends in samples of a shape (without the batch).

    Raises:
        ValueError: No sample could come out in this shape.
    """
    after, stages = Form(shape), list[Stage]()
    for operation in reversed(_done(preprocessing)):
        before = _before(operation, after)
        stages.append(Stage(operation, before, after))
        after = before
    return Stages(after, tuple(reversed(stages)))


def _done(preprocessing: Preprocessing) -> list[Operation]:
    """Without those that leave what is one channel already."""
    done, gray = list[Operation](), False
    for operation in preprocessing.operations:
        if not (gray and isinstance(operation, Grayscale)):
            done.append(operation)
        gray = isinstance(operation, Grayscale) or (gray and not isinstance(operation, Reshape))
    return done


def _before(operation: Operation, after: Form) -> Form:
    match operation:
        case Tokenize(length=length):
            if after.shape != (length,):
                raise ValueError(f"tokenize gives {length} words, where {list(after.shape)} is asked for")
            return Form((None,), text=True)
        case Reshape(shape=shape):
            if after.count != math.prod(shape):
                raise ValueError(f"reshape gives {list(shape)}, where {list(after.shape)} is asked for")
            return Form((math.prod(shape),))
        case Normalize(mean=mean, std=std):
            _check_channels(after, len(mean), len(std))
        case Grayscale():
            return _grayscale(after)
        case Resize(height=height, width=width):
            return _resize(after, height, width)
    return after


def _check_channels(after: Form, *counts: int) -> None:
    last = after.shape[-1] if after.shape else 1
    for count in counts:
        whole = last is not None and last % count == 0 if len(after.shape) == 1 else last == count
        if count != 1 and not whole:
            raise ValueError(f"normalize has {count} values for the channels, where {list(after.shape)} is asked for")


def _grayscale(after: Form) -> Form:
    if len(after.shape) == 1 and after.count is not None:
        return Form((after.count * 3,))
    if after.shape[-1:] != (1,):
        raise ValueError(f"grayscale gives one channel, where {list(after.shape)} is asked for")
    return Form((*after.shape[:-1], 3))


def _resize(after: Form, height: int, width: int) -> Form:
    size = (height, width)
    if len(after.shape) == 3 and after.shape[:2] in (size, (None, None)):
        return Form((None, None, after.shape[2]))
    if len(after.shape) > 1 or after.count is None or after.count % (height * width):
        raise ValueError(f"resize gives {height} x {width} pixels, where {list(after.shape)} is asked for")
    return Form((None, None, after.count // (height * width)))
