from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgekit.data import Dataset, DataSpec, Preprocessing, load_data
from edgekit.data.dataset import Raw, split
from edgekit.errors import DataError


def numbered(count: int, tests: int = 0) -> Raw:
    """Samples that carry their own number, test samples from 1000 on."""
    x = np.arange(count, dtype=np.float32)[:, np.newaxis]
    x_test = 1000 + np.arange(tests, dtype=np.float32)[:, np.newaxis] if tests else None
    y_test = np.arange(tests) % 3 if tests else None
    return Raw(x, np.arange(count) % 3, x_test, y_test)


def cut(raw: Raw, seed: int = 0, calibration: int = 20, validation: float = 0.1, test: float = 0.2) -> Dataset:
    return split(raw, Preprocessing(), calibration=calibration, validation=validation, test=test, seed=seed)


def ids(dataset: Dataset) -> dict[str, set[int]]:
    return {name: set(part.x[:, 0].astype(int)) for name, part in dataset.splits.items()}


@pytest.mark.parametrize("tests", [0, 30])
def test_splits_are_disjoint_and_complete(tests: int) -> None:
    found = ids(cut(numbered(200, tests)))
    for a, b in itertools.combinations(found, 2):
        assert not found[a] & found[b], (a, b)
    assert len(set().union(*found.values())) == 200 + tests
    assert len(found["calibration"]) == 20


def test_labels_stay_with_their_samples() -> None:
    for part in cut(numbered(200)).splits.values():
        np.testing.assert_array_equal(part.x[:, 0].astype(int) % 3, part.y)


def test_calibration_and_validation_come_from_training_data_only() -> None:
    found = ids(cut(numbered(200, 30)))
    assert found["test"] == set(range(1000, 1030))
    assert max(found["calibration"] | found["validation"] | found["train"]) < 200


def test_the_seed_decides() -> None:
    assert ids(cut(numbered(200), seed=5)) == ids(cut(numbered(200), seed=5))
    assert ids(cut(numbered(200), seed=5)) != ids(cut(numbered(200), seed=6))
    assert cut(numbered(200), seed=5).fingerprint == cut(numbered(200), seed=5).fingerprint
    assert cut(numbered(200), seed=5).fingerprint != cut(numbered(200), seed=6).fingerprint


def test_the_fingerprint_knows_every_part() -> None:
    base = load_data("digits").fingerprint
    assert load_data("digits").fingerprint == base
    assert load_data("digits", seed=1).fingerprint != base
    assert load_data(DataSpec(source="digits", calibration=10)).fingerprint != base
    assert load_data(DataSpec(source="digits", preprocessing=("cast",))).fingerprint != base


def test_digits_are_real_and_split() -> None:
    data = load_data("digits")
    assert {n: len(s) for n, s in data.splits.items()} == {
        "validation": 144, "calibration": 256, "train": 1038, "test": 359,
    }  # fmt: skip
    x = data.features("train")
    assert x.shape == (1038, 8, 8, 1) and x.dtype == np.float32 and 0 == x.min() < x.max() == 1
    assert data.classes == 10 and data.label_names == tuple("0123456789")


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_samples_are_refused(count: int) -> None:
    with pytest.raises(DataError, match="at least one sample each"):
        cut(numbered(count))


@pytest.mark.parametrize(("wanted", "got", "trained_on"), [(7, 7, 22), (8, 8, 21), (20, 20, 29), (256, 29, 29)])
def test_calibration_gets_what_it_asks_for_and_training_does_not_starve(wanted: int, got: int, trained_on: int) -> None:
    """32 training samples, 3 of them for validation; a quarter of 32 is kept apart, more is trained on as well."""
    found = ids(cut(numbered(40), calibration=wanted))
    assert (len(found["calibration"]), len(found["train"])) == (got, trained_on)
    assert found["calibration"].isdisjoint(found["train"]) == (wanted <= 8)
    assert found["calibration"] <= found["train"] or wanted <= 8
    assert not found["validation"] & (found["calibration"] | found["train"])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (Raw(np.zeros((3, 1)), np.array([0, -1, 2])), "Labels are class indices.*the label -1 in y_train"),
        (Raw(np.zeros((3, 1)), np.array([0, 1, 2]), label_names=("a", "b")), "from 0 to 1.*the label 2 in y_train"),
        (Raw(np.zeros((3, 1)), np.array([0, 1])), "same length.*3 samples and 2 labels"),
        (Raw(np.array([[0.0], [np.nan]]), np.array([0, 1])), "x_train must be finite.*sample 1"),
        (Raw(np.array([[0.0], [np.inf]]), np.array([0, 1])), "x_train must be finite.*sample 1"),
        (Raw(np.zeros((2, 1)), np.array([0.5, np.nan])), "y_train must be finite.*sample 1"),
        (Raw(np.zeros((0, 1)), np.zeros(0, int)), "must hold samples.*0 samples"),
        (Raw(np.zeros((3, 1)), np.array([0.0, 1.5, 1.0]), label_names=("a", "b")), r"class indices.*1\.5"),
    ],
)
def test_data_that_break_a_rule_are_refused(raw: Raw, message: str) -> None:
    with pytest.raises(DataError, match=message):
        cut(raw)


def test_preprocessing_that_makes_infinity_is_refused() -> None:
    data = split(
        numbered(60),
        Preprocessing.parse([{"rescale": {"scale": 1e30}}, {"rescale": {"scale": 1e30}}]),
        calibration=5, validation=0.1, test=0.2, seed=0,
    )  # fmt: skip
    with pytest.raises(DataError, match="Preprocessed train samples must be finite"), np.errstate(over="ignore"):
        data.features("train")


def test_a_data_set_without_training_samples_says_so() -> None:
    data = cut(Raw(None, None, np.zeros((4, 2), np.float32), np.arange(4)))
    assert len(data.raw("test")) == 4
    with pytest.raises(DataError, match="needs train samples.*Name a data set with training samples"):
        data.features("train")


def test_defaults_follow_dtype_and_use() -> None:
    byte = {"x": np.full((40, 4, 4), 255, np.uint8), "y": np.arange(40) % 2}
    from edgekit.data.spec import _default

    raw = Raw(byte["x"], byte["y"])
    assert _default(raw, False, None).apply(byte["x"]).max() == 1
    assert _default(raw, True, None).apply(byte["x"]).max() == 255
    assert _default(raw, True, None).apply(byte["x"]).shape == (40, 4, 4, 1)
    assert _default(Raw(byte["x"].astype(np.int8), byte["y"]), True, "int8") == Preprocessing()
