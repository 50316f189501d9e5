"""Preprocessing on devices: lists of operations with samples, for every language that EdgeKit emits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgekit.data.preprocessing import Preprocessing
from edgekit.tensors import Array

__all__ = ["CASES", "Case"]

MEAN_STD = {"mean": [123.68, 116.78, 103.94], "std": [58.4, 57.12, 57.38]}


FOUR = {"mean": [1.5, -2.5, 3.25, 100.0], "std": [58.4, 0.57, 5738.0, 3.0]}
SMALL = ({"resize": {"height": 4, "width": 2}},)


@dataclass(frozen=True)
class Case:
    """One list of operations.

    Attributes:
        name: Of the case.
        operations: As a recipe has them.
        sample: Draws a raw sample (without a batch), uint8 or float32; of text, its UTF-8 bytes.
        text: Whether samples are text.
    """

    name: str
    operations: tuple[object, ...]
    sample: Callable[[np.random.Generator], Array]
    text: bool = False

    @property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing.parse(self.operations)

    def samples(self, count: int) -> list[Array]:
        """Raw samples, the same ones each time."""
        rng = np.random.default_rng(sum(self.name.encode()))
        return [self.sample(rng) for _ in range(count)]

    def expected(self, sample: Array) -> Array:
        """What numpy makes of it."""
        return self.preprocessing.apply(sample[np.newaxis])[0]


def _bytes(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.integers(0, 256, shape, dtype=np.uint8)


def _floats(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.normal(0, 40, shape).astype(np.float32)


def _small_floats(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.uniform(0, 127, shape).astype(np.float32)


def _image(channels: int) -> Callable[[np.random.Generator], Array]:
    def draw(rng: np.random.Generator) -> Array:
        height, width = rng.integers(1, 90, 2)
        return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)

    return draw


def _float_image(channels: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.uniform(-1, 1, (*rng.integers(2, 60, 2), channels)).astype(np.float32)


def _float_image_of(height: int, width: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: rng.uniform(-1, 1, (height, width, 3)).astype(np.float32)


def _sentence(rng: np.random.Generator) -> Array:
    known = ["Don't", "stop", "größer", "GRÖSSER", "x2", "...", "!", "''", "'", "rock'n'roll", "🐈", "\t", "Stop"]
    words = rng.choice(known, 30)
    return np.frombuffer(rng.choice(["", " ", "  "]).join(words[: rng.integers(0, 31)]).encode(), np.uint8)


VOCABULARY = ["stop", "don't", "größer", "!", ".", "rock'n'roll", "'", "x2", "🐈"]
CASES = (
    Case("nothing", (), _bytes(6, 5, 3)),
    Case("nothing_floats", (), _floats(11)),
    Case("cast", ("cast",), _bytes(6, 5, 3)),
    Case("cast_uint8", ({"cast": {"dtype": "uint8"}},), _small_floats(6, 5)),
    Case("cast_int8", ({"cast": {"dtype": "int8"}},), _small_floats(6, 5)),
    Case("cast_int8_wraps", ({"cast": {"dtype": "int8"}},), _bytes(30)),
    Case("cast_int32", ({"cast": {"dtype": "int32"}},), _floats(30)),
    Case("cast_there_and_back", ({"cast": {"dtype": "int32"}}, "cast", "rescale"), _floats(30)),
    Case("rescale", ("rescale",), _bytes(8, 8, 1)),
    Case("rescale_floats", ({"rescale": {"scale": 0.0123, "offset": -1.7}},), _floats(33)),
    Case("rescale_between_floats", ({"rescale": {"scale": 1 / 127.5, "offset": -1.0}},), _bytes(16, 16)),
    Case("normalize_twice", ({"normalize": MEAN_STD}, {"normalize": MEAN_STD}), _bytes(7, 7, 3)),
    Case("normalize_one", ({"normalize": {"mean": [127.5], "std": [127.5]}},), _bytes(7, 7, 3)),
    Case("normalize_channels", ({"normalize": MEAN_STD},), _bytes(7, 7, 3)),
    Case("normalize_floats", ({"normalize": MEAN_STD},), _floats(5, 3)),
    Case("grayscale", ("grayscale",), _bytes(9, 4, 3)),
    Case("grayscale_floats", ("grayscale", "rescale"), _floats(9, 4, 3)),
    Case("gray_twice", ("grayscale", "rescale", "grayscale", {"reshape": {"shape": [36]}}), _bytes(9, 4, 3)),
    Case("resize_bytes", ({"resize": {"height": 24, "width": 17}},), _image(3)),
    Case("resize_gray", ({"resize": {"height": 24, "width": 24}},), _image(1)),
    Case("resize_floats", ({"resize": {"height": 20, "width": 31}},), _float_image(3)),
    Case("resize_many_channels", ({"resize": {"height": 5, "width": 6}},), _float_image(7)),
    Case("resize_after_cast", ("cast", {"resize": {"height": 12, "width": 12}}, "rescale"), _image(3)),
    Case("resize_twice", ({"resize": {"height": 40, "width": 40}}, {"resize": {"height": 8, "width": 9}}), _image(3)),
    Case("gray_then_resize", ("grayscale", {"resize": {"height": 28, "width": 28}}), _image(3)),
    Case("resize_then_gray", ({"resize": {"height": 28, "width": 28}}, "grayscale", "rescale"), _image(3)),
    Case("mobilenet", ({"resize": {"height": 48, "width": 48}}, {"normalize": MEAN_STD}), _image(3)),
    Case("reshape", ("rescale", {"reshape": {"shape": [4, 6, 1]}}), _bytes(24)),
    Case("reshape_of_image", ({"resize": {"height": 4, "width": 6}}, {"reshape": {"shape": [72]}}), _image(3)),
    Case("words", ({"tokenize": {"vocabulary": VOCABULARY, "length": 20}},), _sentence, text=True),
    Case("words_as_floats", ({"tokenize": {"vocabulary": VOCABULARY, "length": 9}}, "cast"), _sentence, text=True),
    Case(
        "resize_thrice", tuple({"resize": {"height": h, "width": w}} for h, w in ((9, 7), (16, 20), (5, 11))), _image(3)
    ),
    Case("resize_to_the_same", ({"resize": {"height": 9, "width": 7}}, "rescale"), _bytes(9, 7, 3)),
    Case(
        "resize_to_it_twice", ({"resize": {"height": 9, "width": 7}}, {"resize": {"height": 9, "width": 7}}), _image(1)
    ),
    Case("resize_one_side", ({"resize": {"height": 9, "width": 5}},), _float_image_of(9, 12)),
    Case("resize_between", ("rescale", {"resize": {"height": 6, "width": 5}}, {"normalize": MEAN_STD}), _image(3)),
    Case("normalize_after_reshape", (*SMALL, {"reshape": {"shape": [6, 4]}}, {"normalize": FOUR}), _image(3)),
    Case("gray_after_reshape", (*SMALL, {"reshape": {"shape": [8, 3]}}, "grayscale", "rescale"), _image(3)),
    Case("cast_after_resize", (*SMALL, {"cast": {"dtype": "int8"}}), _image(1)),
    Case("reshape_of_gray", ("grayscale", {"reshape": {"shape": [24]}}), _bytes(4, 6, 3)),
)
