"""`.tsv` of one sentence and one label a row, in either order; a header that names a column `label` is understood.

Samples stay numbers: the UTF-8 bytes of each sentence, which the operation `tokenize` turns into word indices. Fields
are taken as they stand, without quoting, as in the files of GLUE (Wang et al. 2018, arXiv:1804.07461).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from edgekit.data.dataset import Raw, Wanted
from edgekit.data.labels import check_label_names
from edgekit.data.preprocessing import Preprocessing, Tokenize
from edgekit.errors import DataError
from edgekit.files import read_limited
from edgekit.tensors import Array

LARGEST = 1 << 28
"""Bytes of the file."""
LARGEST_ARRAY = 4 << 30
"""Bytes of all samples, each as long as the longest."""
MOST_BYTES = 1024
"""Longer sentences are cut there, between two characters: some 200 words, more than any tokenised length needs."""


def matches(source: str) -> bool:
    """Whether a source is a .tsv file."""
    return source.endswith(".tsv")


def read(source: str, wanted: Wanted) -> Raw:
    """Read sentences and labels."""
    rows = _rows(source)
    label = _label_column(source, rows)
    if _is_header(rows[0][1]):
        del rows[0]
    sentences, values = [], []
    for number, cells in rows:
        value, sentence = cells[label].strip(), cells[1 - label].strip()
        if not value or not sentence:
            missing = "sentence" if value else "label"
            raise DataError(
                "Every row of a .tsv has a sentence and a label.", received=f"no {missing} in row {number} of {source}"
            )
        sentences.append(sentence)
        values.append(value)
    check_label_names(list(dict.fromkeys(values)), source)
    names = sorted(set(values), key=_numeric_first)
    if len(names) < 2:
        raise DataError(
            "A .tsv data set has at least two classes.",
            received=f"{source} with only {', '.join(map(repr, names)) or 'a header'}",
            remedy="Give rows of every class; if columns were mixed up, add the header: sentence<TAB>label",
        )
    index = {name: i for i, name in enumerate(names)}
    y = np.array([index[v] for v in values])
    return Raw(_as_bytes(sentences), y, label_names=tuple(names), preprocessing=Preprocessing([Tokenize()]))


def _rows(source: str) -> list[tuple[int, list[str]]]:
    """Row numbers from 1 and the two cells of each row that is not blank."""
    path = Path(source)
    if not os.path.lexists(path):
        raise DataError("A .tsv data set must exist.", received=repr(source), remedy="Check the path.")
    content = read_limited(path, most=LARGEST, what="A .tsv data set")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "A .tsv data set is UTF-8 text.",
            received=f"{source} ({error})",
            remedy="Save it as UTF-8, for instance with: iconv -f latin1 -t utf-8",
        ) from None
    if "\0" in text:
        raise DataError("A .tsv data set is text.", received=f"{source}, which holds a zero byte")
    rows = [(i, line.rstrip("\r").split("\t")) for i, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not rows:
        raise DataError(
            "A .tsv data set holds rows of a sentence and a label.",
            received=f"{source}, an empty file",
            remedy="Fill it.",
        )
    for number, cells in rows:
        if len(cells) != 2:
            raise DataError(
                "Every row of a .tsv is a sentence, one tab and a label.",
                received=f"{len(cells)} columns in row {number} of {source}",
                remedy="Replace tabs inside sentences by spaces, and remove other columns.",
            )
    return rows


def _is_header(cells: list[str]) -> bool:
    return sum(c.strip().lower() == "label" for c in cells) == 1


def _label_column(source: str, rows: list[tuple[int, list[str]]]) -> int:
    """Where the labels stand: as the header says, else the column of few and short values."""
    if _is_header(rows[0][1]):
        return [c.strip().lower() for c in rows[0][1]].index("label")
    kinds = [{cells[column].strip() for _, cells in rows} for column in (0, 1)]
    clear = [
        column
        for column in (1, 0)
        if len(kinds[column]) <= max(2, len(rows) // 2) and not any(re.search(r"\s", v) for v in kinds[column])
    ]
    if not clear:
        raise DataError(
            "One column of a .tsv is the label: an integer or the name of a class, without spaces, in several rows.",
            received=f"{source} with {len(kinds[0])} and {len(kinds[1])} different values in {len(rows)} rows",
            remedy="Correct the labels, or add the header: sentence<TAB>label",
        )
    return min(clear, key=lambda column: len(kinds[column]))


def _numeric_first(name: str) -> tuple[bool, int, str]:
    integer = re.fullmatch(r"-?\d{1,400}", name)
    return not integer, int(name) if integer else 0, name


def _as_bytes(sentences: list[str]) -> Array:
    """uint8 [N, bytes of the longest], zero-padded."""
    encoded = [s.encode()[:MOST_BYTES].decode(errors="ignore").encode() for s in sentences]
    longest = max(map(len, encoded))
    if longest * len(encoded) > LARGEST_ARRAY:
        raise DataError(
            f"Sentences of a .tsv take at most {LARGEST_ARRAY:,} bytes, each as long as the longest.",
            received=f"{len(encoded):,} of {longest} bytes",
            remedy="Shorten the longest ones, or give fewer.",
        )
    x = np.zeros((len(encoded), longest), np.uint8)
    for row, content in zip(x, encoded, strict=True):
        row[: len(content)] = np.frombuffer(content, np.uint8)
    return x
