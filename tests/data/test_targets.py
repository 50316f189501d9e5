"""Labels are taken as the task asks, and where nobody has told and they could be either, nobody guesses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.data import DataSpec, load_data
from edgekit.errors import DataError

ROWS = 40
X = np.random.default_rng(0).random((ROWS, 3)).astype(np.float32)
PRICES = np.round(100 + 50 * X.sum(axis=1), 2)
SMALL = np.arange(ROWS) % 3


def _csv(labels: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        rows = "".join(f"{a},{b},{c},{label}\n" for (a, b, c), label in zip(X, labels, strict=True))
        (folder / "d.csv").write_text("a,b,c,label\n" + rows)
        return str(folder / "d.csv")

    return write


def _npz(y: Any, **more: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "d.npz", x_train=X, y_train=y, **more)
        return str(folder / "d.npz")

    return write


def _function(y: Any) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        np.savez(folder / "arrays.npz", x=X, y=y)
        (folder / "labelled.py").write_text(
            f"import numpy as np\na = np.load({str(folder / 'arrays.npz')!r})\ndef data():\n    return a['x'], a['y']\n"
        )
        sys.modules.pop("labelled", None)
        return "labelled:data"

    return write


def _tsv(folder: Path) -> str:
    (folder / "d.tsv").write_text("sentence\tlabel\n" + "".join(f"a good {i}\t{i % 3}\n" for i in range(ROWS)))
    return str(folder / "d.tsv")


def _images(folder: Path) -> str:
    for i in range(ROWS):
        (folder / "i" / str(i % 3)).mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), i).save(folder / "i" / str(i % 3) / f"{i}.png")
    return str(folder / "i")


CLASSES: dict[str, Callable[[Path], str]] = {
    "digits": lambda folder: "digits",
    "images": _images,
    "tsv": _tsv,
    "csv of text": _csv(["cat", "dog", "7", "eel"] * (ROWS // 4)),
    "npz of names": _npz(SMALL, label_names=np.array(["a", "b", "c"])),
    "npz of integers": _npz(SMALL),
    "npz of whole floats with names": _npz(SMALL.astype(np.float32), label_names=np.array(["a", "b", "c"])),
    "npz of one-hot floats": _npz(np.eye(3, dtype=np.float32)[SMALL]),
    "npz of truth values": _npz(SMALL > 0),
    "npz of a column of integers": _npz(SMALL[:, np.newaxis]),
    "function of integers": _function(SMALL),
}
"""Labels that are classes by nature."""
OPEN: dict[str, Callable[[Path], str]] = {
    "csv of whole numbers": _csv(SMALL),
    "csv of two numbers": _csv(SMALL % 2),
    "csv of fractions": _csv(PRICES),
    "csv of negative numbers": _csv(-PRICES),
    "npz of floats": _npz(PRICES),
    "npz of whole floats": _npz(SMALL.astype(np.float64)),
    "npz of a column of floats": _npz(PRICES[:, np.newaxis]),
    "npz of several floats": _npz(X),
    "npz of several integers": _npz(np.stack([SMALL, SMALL], axis=1)),
    "function of floats": _function(PRICES),
}
"""Labels that may be classes as well as numbers to predict, or are surely such numbers."""


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(tmp_path))
    return str({**CLASSES, **OPEN}[request.param](tmp_path))


@pytest.mark.parametrize("source", CLASSES, indirect=True)
@pytest.mark.parametrize("task", [None, "classification"])
def test_labels_that_are_classes_by_nature(source: str, task: Any) -> None:
    data = load_data(source, task=task)
    assert data.task == data.need_task("") == "classification"
    assert all(part.y.dtype.kind == "i" and part.y.ndim == 1 for part in data.splits.values())
    assert data.classes and data.classes > 1


@pytest.mark.parametrize("source", OPEN, indirect=True)
def test_numbers_wait_for_the_task(source: str) -> None:
    data = load_data(source)
    assert data.task is None and data.label_names == ()
    with pytest.raises(DataError, match=r"the task must be told\. Received: .* labels of shape .*, such as .*Say it"):
        data.need_task("Say it.")


@pytest.mark.parametrize("source", [name for name in OPEN if "integers" not in name], indirect=True)
def test_a_regression_gets_numbers(source: str) -> None:
    data = load_data(source, task="regression")
    assert data.task == "regression" and data.classes is None
    assert all(part.y.dtype == np.float32 for part in data.splits.values())
    assert len(np.unique(np.concatenate([part.y for part in data.splits.values()]))) >= 2


@pytest.mark.parametrize("values", [PRICES, SMALL, -PRICES])
@pytest.mark.parametrize("task", ["regression", "reconstruction", None])
def test_numbers_of_a_csv_are_what_the_file_says(task: Any, values: Any, tmp_path: Path) -> None:
    data = load_data(_csv(values)(tmp_path), task=task)
    of_row = {row.tobytes(): value for row, value in zip(X, values, strict=True)}
    for part in data.splits.values():
        assert part.y.dtype == np.float32
        np.testing.assert_allclose(part.y, [of_row[row.tobytes()] for row in part.x], rtol=1e-6)


@pytest.mark.parametrize(
    ("source", "names"),
    [("csv of whole numbers", ("0", "1", "2")), ("csv of two numbers", ("0", "1")), ("npz of whole floats", ())],
    indirect=["source"],
)
def test_a_classifier_gets_classes(source: str, names: tuple[str, ...]) -> None:
    data = load_data(source, task="classification")
    assert data.label_names == names and data.classes == (len(names) or 3)
    assert all(part.y.dtype.kind == "i" for part in data.splits.values())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("csv of text", "Targets of a regression are numbers. Received: 'cat' in the column label of .*d.csv, row 2"),
        ("digits", "Targets of a regression are numbers. Received: classes with names, such as '0'"),
        ("images", "Received: classes with names, such as '0'"),
        ("tsv", "Received: classes with names, such as '0'"),
        ("npz of names", "such as 'a'.*choose the task classification"),
    ],
    indirect=["source"],
)
def test_a_regression_on_classes_is_refused(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_data(source, task="regression")


@pytest.mark.parametrize("source", ["npz of floats", "function of floats"], indirect=True)
def test_a_classifier_of_fractions_is_refused(source: str) -> None:
    with pytest.raises(DataError, match="class indices, which are whole numbers.*choose the task regression"):
        load_data(source, task="classification")


def test_integers_of_a_regression_may_be_negative(tmp_path: Path) -> None:
    path = _npz(SMALL - 5)(tmp_path)
    with pytest.raises(DataError, match="the label -5 in y_train.*choose the task regression"):
        load_data(path)
    assert load_data(path, task="regression").labels("train").min() == -5


def test_numbers_that_no_float32_holds(tmp_path: Path) -> None:
    for write in (_csv(["1e300", "2"] * 20), _npz(np.where(SMALL > 0, 1e300, 0.0))):
        with pytest.raises(DataError, match="y_train must be finite"):
            load_data(write(tmp_path), task="regression")


def test_a_second_source_is_read_as_the_first(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    numbers, more = _csv(PRICES)(tmp_path), _csv(PRICES + 7)(tmp_path / "test")
    data = load_data(DataSpec(source=numbers, test_source=more), task="regression")
    assert data.task == "regression" and data.labels("test").min() == pytest.approx(PRICES.min() + 7)
    integers, others = _npz(SMALL)(tmp_path), _npz(SMALL + 9)(tmp_path / "test")
    with pytest.raises(DataError, match="same classes"):
        load_data(DataSpec(source=integers, test_source=others))
    assert load_data(DataSpec(source=integers, test_source=others), task="regression").labels("test").max() == 11
    words, digits = _csv(["a", "b"] * 20)(tmp_path), _csv([1, 2] * 20)(tmp_path / "test")
    with pytest.raises(DataError, match="same classes. Received: only in one of them: 1, 2, a, b"):
        load_data(DataSpec(source=words, test_source=digits))
