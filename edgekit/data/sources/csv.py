"""`.csv` with a header: numeric columns are features, the column `label` (else the last) is what is predicted.

A numeric column `label` holds class names where the task is classification, and else numbers; text is always a class.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Raw, Wanted
from edgekit.data.labels import check_label_names
from edgekit.errors import DataError
from edgekit.files import read_limited
from edgekit.tensors import Array

LARGEST = 1 << 30
"""Bytes; larger data sets belong into an .npz."""
MOST_COLUMNS = 1 << 20
MOST_CELLS = 1 << 25
"""Of the file: each takes some 60 bytes while it is read."""


def matches(source: str) -> bool:
    """Whether a source is a .csv file."""
    return source.endswith(".csv")


def read(source: str, wanted: Wanted) -> Raw:
    """Read features and labels."""
    header, *rows = _rows(source) or [[]]
    if len(header) < 2 or not rows:
        raise DataError(
            "A .csv data set has a header, at least one feature, a label and rows.",
            received=f"{source} with {len(header)} columns and {len(rows)} rows",
        )
    if all(_numeric_first(name)[0] == 0 for name in header):
        raise DataError(
            "The first row of a .csv data set names the columns.",
            received=f"{source}, which begins with {','.join(header[:4])[:80]}",
            remedy="Add a header, such as: x1,x2,label",
        )
    label = header.index("label") if "label" in header else len(header) - 1
    features = _features(source, header, rows, label)
    values = [row[label].strip() for row in rows]
    if "" in values:
        raise DataError("Every row of a .csv has a label.", received=f"none in row {values.index('') + 2} of {source}")
    numbers = _numbers(values)
    if wanted.task == "regression" and numbers is None:
        first = next(i for i, value in enumerate(values) if _numeric_first(value)[0])
        raise DataError(
            "Targets of a regression are numbers.",
            received=f"{values[first][:80]!r} in the column {header[label]} of {source}, row {first + 2}",
            remedy="Correct the column, name another one 'label', or choose the task classification.",
        )
    if wanted.task != "classification" and numbers is not None:
        return Raw(features, numbers)
    check_label_names(list(dict.fromkeys(values)), source)
    names = sorted(set(values), key=_numeric_first)
    index = {name: i for i, name in enumerate(names)}
    return Raw(features, np.array([index[v] for v in values]), label_names=tuple(names))


def _features(source: str, header: list[str], rows: list[list[str]], label: int) -> Array:
    """float32 [N, columns but the label]."""
    for i, row in enumerate(rows):  # before memory is taken for all of them
        if len(row) != len(header):
            raise DataError(
                f"Every row of a .csv has {len(header)} columns.", received=f"{len(row)} in row {i + 2} of {source}"
            )
    features = np.empty((len(rows), len(header) - 1), np.float32)
    for i, row in enumerate(rows):
        try:
            features[i] = [float(v) for j, v in enumerate(row) if j != label]
        except ValueError as error:
            raise DataError(
                "Feature columns of a .csv are numbers.",
                received=f"{str(error)[:120]} in row {i + 2} of {source}",
                remedy="Encode text columns as numbers, or name the class column 'label'.",
            ) from None
    return features


def _numbers(values: list[str]) -> Array | None:
    """float32 [N]; None where a value is no number."""
    try:
        with np.errstate(over="ignore"):
            return np.array([float(value) for value in values]).astype(np.float32)
    except ValueError:
        return None


def _rows(source: str) -> list[list[str]]:
    """The cells of each row that is not blank."""
    path = Path(source)
    if not os.path.lexists(path):
        raise DataError("A .csv data set must exist.", received=repr(source), remedy="Check the path.")
    content = read_limited(path, most=LARGEST, what="A .csv data set")
    try:
        text = content.decode("utf-8-sig")
        if "\0" in text:
            raise csv.Error("a zero byte, which no text has")
        rows, cells = [], 0
        for row in csv.reader(io.StringIO(text, newline="")):
            if len(row) > MOST_COLUMNS:
                raise csv.Error(f"more than {MOST_COLUMNS:,} columns")
            cells += len(row)
            if cells > MOST_CELLS:
                raise DataError(
                    f"A .csv data set has at most {MOST_CELLS:,} cells.",
                    received=f"more in {source}",
                    remedy="Save it as an .npz.",
                )
            if row:
                rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("A .csv data set is UTF-8 text.", received=f"{source} ({error})") from None
    return rows


def _numeric_first(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value
