"""`.csv` with a header: numeric columns are features, the column `label` (else the last) is the class."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Raw
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError


def matches(source: str) -> bool:
    return source.endswith(".csv")


def read(source: str, preprocessing: Preprocessing | None) -> Raw:
    path = Path(source)
    if not path.is_file():
        raise DataError("A .csv data set must exist.", received=repr(source), remedy="Check the path.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            header, *rows = [r for r in csv.reader(stream) if r] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("A .csv data set is UTF-8 text.", received=f"{source} ({error})") from None
    if len(header) < 2 or not rows:
        raise DataError(
            "A .csv data set has a header, at least one feature, a label and rows.",
            received=f"{source} with {len(header)} columns and {len(rows)} rows",
        )
    if all(_numeric_first(name)[0] == 0 for name in header):
        raise DataError(
            "The first row of a .csv data set names the columns.",
            received=f"{source}, which begins with {','.join(header[:4])}",
            remedy="Add a header, such as: x1,x2,label",
        )
    label = header.index("label") if "label" in header else len(header) - 1
    features = np.empty((len(rows), len(header) - 1), np.float32)
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise DataError(
                f"Every row of a .csv has {len(header)} columns.", received=f"{len(row)} in row {i + 2} of {source}"
            )
        try:
            features[i] = [float(v) for j, v in enumerate(row) if j != label]
        except ValueError as error:
            raise DataError(
                "Feature columns of a .csv are numbers.",
                received=f"{error} in row {i + 2} of {source}",
                remedy="Encode text columns as numbers, or name the class column 'label'.",
            ) from None
    values = [row[label].strip() for row in rows]
    if "" in values:
        raise DataError("Every row of a .csv has a label.", received=f"none in row {values.index('') + 2} of {source}")
    names = sorted(set(values), key=_numeric_first)
    index = {name: i for i, name in enumerate(names)}
    return Raw(features, np.array([index[v] for v in values]), label_names=tuple(names))


def _numeric_first(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value
