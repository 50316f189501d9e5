from __future__ import annotations

import json

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data.preprocessing import OPERATIONS, Preprocessing
from edgekit.errors import DataError, RecipeError

ALL = [
    {"resize": {"height": 6, "width": 9}},
    "grayscale",
    {"rescale": {"scale": 0.5, "offset": -1.0}},
    {"normalize": {"mean": [0.1], "std": [0.7]}},
    {"reshape": {"shape": [54]}},
    {"cast": {"dtype": "float32"}},
]


def test_dump_and_parse_are_inverse_through_json() -> None:
    first = Preprocessing.parse(ALL)
    again = Preprocessing.parse(json.loads(json.dumps(first.dump())))
    assert again == first and hash(again) == hash(first)
    assert {next(iter(item)) for item in first.dump()} == set(OPERATIONS) - {"tokenize"}, "which takes text"
    x = np.random.default_rng(0).integers(0, 256, (3, 12, 10, 3), dtype=np.uint8)
    np.testing.assert_array_equal(first.apply(x), again.apply(x))
    assert first.apply(x).shape == (3, 54) and first.apply(x).dtype == np.float32


@pytest.mark.parametrize("size", [(7, 5), (13, 31), (4, 4), (20, 11), (1, 1), (10, 12)])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_resize_is_tensorflows_bilinear(size: tuple[int, int], dtype: str) -> None:
    rng = np.random.default_rng(size[0])
    x = rng.uniform(0, 255, (2, 10, 12, 3)).astype(dtype)
    height, width = size
    ours = Preprocessing.parse([{"resize": {"height": height, "width": width}}]).apply(x)
    theirs = _tf.tensorflow().image.resize(x, size).numpy()
    assert ours.dtype == x.dtype
    if dtype == "float32":
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    else:  # TensorFlow leaves fractions, which a byte cannot hold; a tie may round either way
        assert np.abs(ours - theirs).max() <= 0.5 + 1e-3


def test_rescale_and_normalize_are_what_they_say() -> None:
    x = np.array([[[0, 255]]], np.uint8)
    np.testing.assert_allclose(Preprocessing.parse(["rescale"]).apply(x), [[[0, 1]]])
    got = Preprocessing.parse([{"normalize": {"mean": [1, 5], "std": [2, 10]}}]).apply(x)
    np.testing.assert_allclose(got, [[[-0.5, 25]]])
    red = np.array([[[[255, 0, 0]]]], np.uint8)
    np.testing.assert_allclose(Preprocessing.parse(["grayscale"]).apply(red), [[[[76.245]]]], rtol=1e-5)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["resise"], r"Unknown preprocessing operation. Received: 'resise'. Did you mean 'resize'\?"),
        ([{"resize": {"height": 0, "width": 3}}], r"options of resize must fit: height.*Options of resize: height"),
        ([{"rescale": {"factor": 2}}], r"options of rescale must fit: factor.*scale, offset"),
        ([{"normalize": {"mean": [0], "std": [0]}}], "options of normalize must fit: std"),
    ],
)
def test_unknown_operations_and_options_are_refused(items: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Preprocessing.parse(items)


def test_an_entry_is_a_name_or_one_name_with_options() -> None:
    for item in (3, {"cast": {}, "rescale": {}}, ["cast"], {"cast": 3}):
        with pytest.raises(RecipeError, match="list entry is a name"):
            Preprocessing.parse([item])


@pytest.mark.parametrize(
    ("item", "shape"),
    [
        ("grayscale", (2, 4, 4, 4)),
        ({"resize": {"height": 2, "width": 2}}, (2, 7)),
        ({"reshape": {"shape": [5]}}, (2, 2, 2)),
        ({"normalize": {"mean": [0, 0, 0], "std": [1, 1, 1]}}, (2, 4, 4, 1)),  # would make 3 channels of 1
        ({"normalize": {"mean": [0, 0], "std": [1, 1]}}, (2, 4, 4, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(item: object, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="Received"):
        Preprocessing.parse([item]).apply(np.zeros(shape, np.float32))
