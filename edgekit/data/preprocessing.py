"""Preprocessing: an ordered, serialisable list of operations on numpy arrays.

The same list is used for training, calibration and evaluation and is saved beside every model, so that what the
device must do to its input is never a guess. The operations are few and simple on purpose: each can be written in a
dozen lines of C or Kotlin.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from edgekit import registry
from edgekit.errors import DataError, did_you_mean
from edgekit.places import by_place
from edgekit.tensors import Array

__all__ = ["OPERATIONS", "Cast", "Grayscale", "Normalize", "Preprocessing", "Rescale", "Reshape", "Resize", "Tokenize"]

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in ITU-R BT.601, section 2.5.1."""
MOST_WORDS = 8000
"""Words of a vocabulary that is learned here; the reference networks for text have two more rows of embeddings."""
MOST_LISTED = 1_000_000
"""Words of a vocabulary that is given."""
LEAST_COUNT = 2
"""A word seen less often in training is not worth a row of the embedding."""
PADDING, UNKNOWN = 0, 1
TOKEN = re.compile(rb"[a-z0-9\x80-\xff]+(?:'[a-z0-9\x80-\xff]+)*|[!-~]")
"""A word, with apostrophes inside at most, or one sign; any byte above ASCII belongs to a word."""


Number = Annotated[float, Field(ge=-1e30, le=1e30)]
Side = Annotated[int, Field(gt=0, le=1 << 16)]
"""Of an image, in pixels."""
MOST_VALUES = 1 << 28
"""Of one sample, so that no option makes one that takes gigabytes."""
MOST_CHANNELS = 1 << 16
LONGEST_WORD = 1024
"""Characters; sentences are cut at as many bytes."""


class _Operation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cast(_Operation):
    """Change the dtype."""

    dtype: Literal["float32", "int32", "int8", "uint8"] = Field(
        default="float32", description="what samples are turned into"
    )

    def apply(self, x: Array) -> Array:
        """Change the dtype of samples."""
        return x.astype(self.dtype)


class Rescale(_Operation):
    """x * scale + offset."""

    scale: Number = Field(default=1 / 255, description="what each value is multiplied by")
    offset: Number = Field(default=0.0, description="what is added afterwards")

    def apply(self, x: Array) -> Array:
        """Scale and shift every value."""
        return x.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)


class Normalize(_Operation):
    """(x - mean) / std over the last axis."""

    mean: tuple[Number, ...] = Field(
        min_length=1, max_length=MOST_CHANNELS, description="what is subtracted: one number, or one for each channel"
    )
    std: tuple[Annotated[float, Field(gt=0, le=1e30)], ...] = Field(
        min_length=1, max_length=MOST_CHANNELS, description="what is divided by: one number, or one for each channel"
    )

    def apply(self, x: Array) -> Array:
        """Subtract the mean and divide by the standard deviation."""
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, x.shape[-1]):
                raise ValueError(f"{len(values)} values in {key} for {x.shape[-1]} channels")
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normalized: Array = (x.astype(np.float32) - mean) / std
        return normalized


class Resize(_Operation):
    """Bilinear resize of NHWC images with half-pixel centres and no antialiasing, as `tf.image.resize` does it."""

    height: Side = Field(description="rows of the result, in pixels")
    width: Side = Field(description="columns of the result, in pixels")

    @model_validator(mode="after")
    def _small_enough(self) -> Resize:
        if self.height * self.width > MOST_VALUES:
            raise ValueError(f"an image has at most {MOST_VALUES:,} pixels, not {self.height} x {self.width}")
        return self

    def apply(self, x: Array) -> Array:
        """Resize every image."""
        if x.shape[1:3] == (self.height, self.width):
            return x
        rows, columns = taps(x.shape[1], self.height), taps(x.shape[2], self.width)
        dtype, x = x.dtype, x.astype(np.float32)
        x = _blend(x, rows, axis=1)
        x = _blend(x, columns, axis=2)
        return np.rint(x).astype(dtype) if np.issubdtype(dtype, np.integer) else x


class Grayscale(_Operation):
    """RGB to one channel of luma: float32 products, added as (R + G) + B, so that every machine gives the same."""

    def apply(self, x: Array) -> Array:
        """Turn RGB into luma."""
        if x.shape[-1] == 1:
            return x
        if x.shape[-1] != len(LUMA):
            raise DataError(
                "grayscale takes images with 3 channels in the last axis.", received=f"shape {list(x.shape)}"
            )
        red, green, blue = (x[..., i].astype(np.float32) * np.float32(LUMA[i]) for i in range(3))
        gray: Array = (red + green + blue)[..., np.newaxis]
        return gray


class Reshape(_Operation):
    """New shape of one sample (without the batch axis)."""

    shape: tuple[Annotated[int, Field(gt=0, le=MOST_VALUES)], ...] = Field(
        max_length=8, description="of one sample, without the batch"
    )

    @field_validator("shape")
    @classmethod
    def _small_enough(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(value) > MOST_VALUES:
            raise ValueError(f"a sample has at most {MOST_VALUES:,} values, not {math.prod(value):,}")
        return value

    def apply(self, x: Array) -> Array:
        """Give every sample the new shape."""
        if np.prod(x.shape[1:]) != np.prod(self.shape):
            raise DataError(
                "reshape keeps the number of values.",
                received=f"{list(x.shape[1:])} to {list(self.shape)}",
                remedy="Give a shape with as many values as one sample has.",
            )
        return x.reshape(len(x), *self.shape)


class Tokenize(_Operation):
    """UTF-8 bytes [N, bytes], uint8 and zero-padded, to word indices [N, length], int32: 0 pads, 1 is unknown.

    Only the 26 letters of ASCII become lower case, so that a device needs no tables of Unicode.
    """

    vocabulary: tuple[str, ...] | Annotated[int, Field(ge=1, le=MOST_WORDS)] = Field(
        default=MOST_WORDS, description="the words of index 2, 3, ...; or how many to learn from the training samples"
    )
    length: Annotated[int, Field(gt=0, le=1 << 16)] = Field(
        default=40, description="words of a sample: the first ones, padded with zeros"
    )

    @field_validator("vocabulary", mode="before")  # so that a number is not also called a wrong list
    @classmethod
    def _count(cls, value: object) -> object:
        if isinstance(value, int) and not 1 <= value <= MOST_WORDS:
            raise ValueError(f"1 to {MOST_WORDS} words can be learned")
        return value

    @field_validator("vocabulary")
    @classmethod
    def _tokens(cls, value: tuple[str, ...] | int) -> tuple[str, ...] | int:
        words = () if isinstance(value, int) else value
        if len(words) > MOST_LISTED:
            raise ValueError(f"a vocabulary has at most {MOST_LISTED:,} words, not {len(words):,}")
        if any(len(w) > LONGEST_WORD for w in words):
            raise ValueError(f"a word has at most {LONGEST_WORD:,} characters")
        bad = next((w for w in words if re.search("[A-Z]", w) or not TOKEN.fullmatch(w.encode())), None)
        if bad is not None:
            raise ValueError(f"{bad!r} is not one word in lower case or one sign, so no sample would hold it")
        if len(set(words)) != len(words):
            raise ValueError(f"{Counter(words).most_common(1)[0][0]!r} stands in it twice")
        return value

    def apply(self, x: Array) -> Array:
        """Turn every sentence into word indices."""
        if isinstance(self.vocabulary, int):
            raise DataError(
                "tokenize needs its list of words.",
                received=f"the number {self.vocabulary}",
                remedy="Load the data with load_data, which learns the words, or give the vocabulary of the model.",
            )
        known = {word.encode(): i for i, word in enumerate(self.vocabulary, start=UNKNOWN + 1)}
        indices = np.full((len(x), self.length), PADDING, np.int32)
        for row, tokens in zip(indices, _tokens(x), strict=True):
            found = [known.get(token, UNKNOWN) for token in tokens[: self.length]]
            row[: len(found)] = found
        return indices

    def learn(self, x: Array) -> Tokenize:
        """With the most frequent words of training samples, uint8 [N, bytes], as its vocabulary.

        Raises:
            DataError: No word comes twice.
        """
        counts = Counter(token for tokens in _tokens(x) for token in tokens)
        often = [(-n, token) for token, n in counts.items() if n >= LEAST_COUNT and _is_text(token)]
        if not often:
            raise DataError(
                f"A vocabulary needs a word that comes at least {LEAST_COUNT} times in the training samples.",
                received=f"{len(counts)} words in {len(x)} samples",
                remedy="Give more data, or the list itself: {tokenize: {vocabulary: [...]}}.",
            )
        size = self.vocabulary if isinstance(self.vocabulary, int) else len(self.vocabulary)
        return Tokenize(vocabulary=tuple(t.decode() for _, t in sorted(often)[:size]), length=self.length)


Operation = Cast | Rescale | Normalize | Resize | Grayscale | Reshape | Tokenize
OPERATIONS: dict[str, type[Operation]] = {
    "cast": Cast,
    "rescale": Rescale,
    "normalize": Normalize,
    "resize": Resize,
    "grayscale": Grayscale,
    "reshape": Reshape,
    "tokenize": Tokenize,
}


class Preprocessing:
    """An ordered list of operations that turns raw samples into model input.

    Args:
        operations: Operations in the order in which they apply.
    """

    def __init__(self, operations: Sequence[Operation] = ()) -> None:
        self.operations = tuple(operations)

    @classmethod
    def parse(cls, items: Sequence[object]) -> Preprocessing:
        """From recipe form: `[cast, {rescale: {scale: 0.0039}}]`.

        Raises:
            DataError: An unknown operation or option.
        """
        return cls([_operation(item) for item in items])

    def dump(self) -> list[dict[str, dict[str, object]]]:
        """To recipe form, JSON-ready; `parse` reads it back."""
        names = {kind: name for name, kind in OPERATIONS.items()}
        return [{names[type(o)]: o.model_dump(mode="json")} for o in self.operations]

    def apply(self, x: Array) -> Array:
        """Turn raw samples [N, ...] into model input [N, ...].

        Raises:
            DataError: A sample's shape does not fit an operation.
        """
        for operation in self.operations:
            try:
                x = operation.apply(x)
            except (ValueError, IndexError) as error:
                name = type(operation).__name__.lower()
                raise DataError(
                    f"The preprocessing operation {name} must fit the samples ({error}).",
                    received=f"samples of shape {list(x.shape[1:])}",
                    remedy=f"Correct {_own_place()}.",
                ) from None
        return x

    @property
    def learned(self) -> bool:
        """Whether nothing is left to learn from training samples."""
        return not any(isinstance(o, Tokenize) and isinstance(o.vocabulary, int) for o in self.operations)

    def learn(self, x: Array) -> Preprocessing:
        """The same list in which every operation knows what training samples [N, ...] teach it.

        Raises:
            DataError: The samples do not fit an operation, or teach it nothing.
        """
        done: list[Operation] = []
        for operation in self.operations:
            if isinstance(operation, Tokenize) and isinstance(operation.vocabulary, int):
                operation = operation.learn(Preprocessing(done).apply(x))
            done.append(operation)
        return Preprocessing(done)

    @property
    def resize(self) -> Resize | None:
        """The first resize, which readers of images of unequal sizes need early."""
        return next((o for o in self.operations if isinstance(o, Resize)), None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preprocessing) and self.operations == other.operations

    def __hash__(self) -> int:
        return hash(self.operations)

    def __repr__(self) -> str:
        return f"Preprocessing({self.dump()})"


def _operation(item: object) -> Operation:
    name, options = registry.entry(item, example="[cast, {rescale: {scale: 0.0078125}}]")
    if name not in OPERATIONS:
        raise DataError("Unknown preprocessing operation.", received=repr(name), remedy=did_you_mean(name, OPERATIONS))
    try:
        return OPERATIONS[name].model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"The options of {name} must fit: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            received=repr(options) if len(repr(options)) <= 200 else f"{repr(options)[:200]}...",
            remedy=f"Options of {name}: {', '.join(OPERATIONS[name].model_fields) or 'none'}.",
        ) from None


def _own_place() -> str:
    """Where the user has said what is done to samples."""
    beside = "the preprocessing in the .json beside the model"
    return by_place(command=beside, python=f"preprocessing of the DataSpec, or {beside}", recipe="data.preprocessing")


def _tokens(x: Array) -> list[list[bytes]]:
    if x.ndim != 2 or x.dtype != np.uint8:
        raise DataError(
            "tokenize takes text as UTF-8 bytes: uint8 [samples, bytes], zero-padded.",
            received=f"{x.dtype} {list(x.shape)}",
            remedy="Take it out of data.preprocessing, or read the text from a .tsv.",
        )
    return [TOKEN.findall(row.tobytes().lower()) for row in x]


def _is_text(token: bytes) -> bool:
    try:
        return bool(token.decode())
    except UnicodeDecodeError:
        return False


def taps(source: int, target: int) -> tuple[Array, Array, Array]:
    """Lower index, upper index and weight of the upper one, for each target position."""
    centre = (np.arange(target) + 0.5) * source / target - 0.5
    lower = np.floor(centre)
    weight = (centre - lower).astype(np.float32)
    return (
        np.clip(lower, 0, source - 1).astype(int),
        np.clip(lower + 1, 0, source - 1).astype(int),
        weight,
    )


def _blend(x: Array, taps: tuple[Array, Array, Array], axis: int) -> Array:
    lower, upper, weight = taps
    shape = [1] * x.ndim
    shape[axis] = -1
    weight = weight.reshape(shape)
    blended: Array = np.take(x, lower, axis) * (1 - weight) + np.take(x, upper, axis) * weight
    return blended
