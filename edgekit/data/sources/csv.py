"""`.csv` with a header: numeric columns are features, the column `label` (else the last) is the class."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Raw
from edgekit.data.labels import check_label_names
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError
from edgekit.files import read_limited

LARGEST = 1 << 30
"""Bytes; larger data sets belong into an .npz."""
MOST_COLUMNS = 1 << 20
MOST_CELLS = 1 << 25
"""Of the file: each takes some 60 bytes while it is read."""


def matches(source: str) -> bool:
    return source.endswith(".csv")


def read(source: str, preprocessing: Preprocessing | None) -> Raw:
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
    values = [row[label].strip() for row in rows]
    if "" in values:
        raise DataError("Every row of a .csv has a label.", received=f"none in row {values.index('') + 2} of {source}")
    check_label_names(list(dict.fromkeys(values)), source)
    names = sorted(set(values), key=_numeric_first)
    index = {name: i for i, name in enumerate(names)}
    return Raw(features, np.array([index[v] for v in values]), label_names=tuple(names))


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
