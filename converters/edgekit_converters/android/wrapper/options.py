"""What a user says of a foreign model: names of its classes, and what is done to a sample before it."""

from __future__ import annotations

import os
from pathlib import Path

from edgekit.data.labels import check_label_names
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError, RecipeError, UsageError
from edgekit.files import read_limited
from edgekit.recipe_text import LARGEST as LONGEST
from edgekit.recipe_text import parse_yaml

__all__ = ["read_labels", "read_preprocessing"]

LARGEST = 64 << 20
"""Bytes of a file of labels."""
_EXAMPLE = "Give for example --preprocessing '[{resize: {height: 96, width: 96}}, rescale]'."


def read_labels(path: Path) -> tuple[str, ...]:
    """Names of classes, one in each line; empty lines at the end are left out.

    Raises:
        DataError: No such file, or a name is too long or holds control characters.
    """
    content = read_limited(path, most=LARGEST, what="The file of labels", remedy="Name a text file with --labels.")
    try:
        names = content.decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(
            "Labels are UTF-8 text.",
            received=f"{path} ({error.reason} at byte {error.start})",
            remedy="Save it as UTF-8.",
        ) from None
    check_label_names(names, str(path))
    return tuple(names)


def read_preprocessing(told: str) -> Preprocessing:
    """A list of operations, as YAML or in a file of YAML or JSON.

    Raises:
        DataError: An unknown operation or option.
        UsageError: It is no list.
    """
    text = told
    if os.path.lexists(told):
        content = read_limited(
            Path(told), most=LONGEST, what="The file of operations", remedy="Name it with --preprocessing."
        )
        text = content.decode("utf-8", "replace")
    try:
        items = parse_yaml(text, "--preprocessing")
    except RecipeError as error:
        raise UsageError("Preprocessing is a list in YAML.", received=error.received, remedy=_EXAMPLE) from None
    if not isinstance(items, list):
        raise UsageError("Preprocessing is a list of operations.", received=told[:200], remedy=_EXAMPLE)
    return Preprocessing.parse(items)
