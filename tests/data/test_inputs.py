"""Samples of a model with several inputs, by the input's name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data import DataSpec, Preprocessing, load_data
from edgekit.data.dataset import Raw, split
from edgekit.errors import DataError

RNG = np.random.default_rng(0)
LEFT = RNG.random((60, 4)).astype(np.float32)
WORDS = RNG.integers(0, 9, (60, 5))
PIXELS = RNG.integers(0, 256, (60, 2, 2, 1), dtype=np.uint8)
Y = np.arange(60) % 3


def _npz(**arrays: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "d.npz", **arrays)
        return str(folder / "d.npz")

    return write


def _function(body: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "arrays.npz", left=LEFT, words=WORDS, y=Y)
        (folder / "several.py").write_text(
            f"import numpy as np\na = np.load({str(folder / 'arrays.npz')!r})\n"
            f"left, words, y = a['left'], a['words'], a['y']\ndef data():\n    return {body}\n"
        )
        sys.modules.pop("several", None)
        return "several:data"

    return write


LABELLED: dict[str, Callable[[Path], str]] = {
    "npz": _npz(**{"x_train/left": LEFT, "x_train/words": WORDS, "y_train": Y}),
    "npz with a test split": _npz(
        **{"x_train/left": LEFT, "x_train/words": WORDS, "y_train": Y},
        **{"x_test/words": WORDS[:9], "x_test/left": LEFT[:9], "y_test": Y[:9]},
    ),
    "function": _function("{'x_train': {'left': left, 'words': words}, 'y_train': y}"),
    "function's pair": _function("({'words': words, 'left': left}, y)"),
}
UNLABELLED: dict[str, Callable[[Path], str]] = {
    "npz of plain names": _npz(left=LEFT, words=WORDS),
    "npz": _npz(**{"x_train/left": LEFT, "x_train/words": WORDS}),
    "function": _function("{'x_train': {'left': left, 'words': words}}"),
}


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(tmp_path))
    return str(request.param(tmp_path))


def _check_rows(data: Any) -> None:
    """Rows stay together, and indices go in as they are."""
    rows = {row.tobytes(): i for i, row in enumerate(LEFT)}
    for name, part in data.splits.items():
        samples = data.samples(name)
        assert set(samples) == {"left", "words"} and len(part) == len(samples["left"]) == len(samples["words"])
        numbers = [rows[row.tobytes()] for row in samples["left"]]
        np.testing.assert_array_equal(samples["words"], WORDS[numbers])
        assert samples["left"].dtype == np.float32 and samples["words"].dtype == WORDS.dtype
        if part.y.size:
            np.testing.assert_array_equal(part.y, Y[numbers])


@pytest.mark.parametrize("source", LABELLED.values(), ids=LABELLED, indirect=True)
@pytest.mark.parametrize("labels", [True, False])
def test_samples_come_by_name(source: str, labels: bool) -> None:
    data = load_data(source, labels=labels, trained=True)
    _check_rows(data)
    assert data.task == "classification" and len(data.splits["test"]) in (12, 9)
    with pytest.raises(DataError, match="one input; edgekit convert takes several. Received: samples for 2 inputs"):
        data.features("train")


@pytest.mark.parametrize("source", UNLABELLED.values(), ids=UNLABELLED, indirect=True)
def test_calibration_needs_no_labels(source: str) -> None:
    data = load_data(source, labels=False, trained=True)
    _check_rows(data)
    assert data.task is None
    with pytest.raises(DataError, match="This job needs labels"):
        data.labels("train")
    with pytest.raises(DataError, match="x_train and y_train come together|Rename its arrays"):
        load_data(source)


def test_one_array_without_labels_calibrates_too(tmp_path: Path) -> None:
    data = load_data(_npz(x_train=LEFT)(tmp_path), labels=False)
    assert data.features("calibration").shape[1:] == (4,)


def test_a_single_named_input_is_like_an_array(tmp_path: Path) -> None:
    data = load_data(_npz(**{"x_train/left": LEFT, "y_train": Y})(tmp_path))
    assert data.features("train").shape[1:] == (4,) and data.task == "classification"


def test_a_second_source_has_the_same_inputs(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    first = _npz(**{"x_train/left": LEFT, "x_train/words": WORDS, "y_train": Y})(tmp_path)
    second = _npz(**{"x_train/words": WORDS, "x_train/left": LEFT, "y_train": Y})(tmp_path / "t")
    assert len(load_data(DataSpec(source=first, test_source=second)).splits["test"]) == 60
    other = _npz(x_train=LEFT, y_train=Y)(tmp_path / "t")
    with pytest.raises(DataError, match=r"have one shape. Received: \[4\], \[5\] and \[4\]"):
        load_data(DataSpec(source=first, test_source=other))


def test_one_preprocessing_for_every_input_but_indices() -> None:
    raw = Raw({"image": PIXELS, "words": WORDS}, Y)
    steps = Preprocessing.parse(["cast", {"rescale": {"scale": 1 / 255}}])
    data = split(raw, steps, calibration=4, validation=0.1, test=0.2, seed=0)
    samples: Any = data.samples("train")
    assert samples["image"].dtype == np.float32 and 0.9 < samples["image"].max() <= 1
    assert samples["words"].dtype == WORDS.dtype and samples["words"].max() == 8


def test_the_fingerprint_knows_names_and_values() -> None:
    def of(x: Any) -> str:
        return split(Raw(x, Y), Preprocessing(), calibration=4, validation=0.1, test=0.2, seed=0).fingerprint

    base = of({"a": LEFT, "b": WORDS})
    assert base == of({"b": WORDS, "a": LEFT})
    assert len({base, of({"a": LEFT, "c": WORDS}), of({"a": LEFT, "b": WORDS + 1}), of({"a": LEFT}), of(LEFT)}) == 5


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train/left": LEFT, "x_train": LEFT, "y_train": Y}, "one array, x_train, or one for each input.*with both"),
        (
            {"x_train/left": LEFT, "x_train/right": LEFT[:9]},
            "number of samples. Received: 60 in x_train/left, 9 in",
        ),
        ({"left": LEFT, "right": LEFT[:9]}, "same number of samples"),
        ({"x_train/left": LEFT * np.nan}, "x_train/left must be finite.*sample 0"),
        ({"x_train/left": np.array(["a"] * 60)}, "x_train/left is an array of numbers"),
        ({"left": LEFT, "right": np.float32(1)}, "x_train/right is an array of numbers, one entry for each sample"),
        ({"left": LEFT[:0], "right": LEFT[:0]}, "must hold samples. Received: 0 samples"),
        ({"y_train": Y}, "holds x_train, y_train.*for several inputs x_train/NAME. Received: .*with y_train"),
        ({"x_train/left": LEFT, "y_train": Y[:9]}, "same length. Received: 60 samples and 9 labels"),
    ],
)
def test_arrays_that_break_a_rule(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_data(_npz(**arrays)(tmp_path), labels=False)


def test_an_empty_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DataError, match="an array for each input. Received: none"):
        load_data(_function("({}, y)")(tmp_path))
