"""Names of classes: few and short enough to keep in memory, and clean enough to show on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.errors import DataError, clean

__all__ = ["LONGEST", "MOST", "check_label_names", "label_finding", "names_output"]

MOST = 1_000_000
LONGEST = 1024
"""Characters of one name."""


def label_finding(names: Sequence[object]) -> str | None:
    """What is wrong with the names of classes, in a few words; None where they are fine."""
    if len(names) > MOST:
        return f"{len(names):,} names"
    for number, name in enumerate(names):
        if not isinstance(name, str):
            return f"{type(name).__name__} as name {number}"
        if len(name) > LONGEST:
            return f"name {number} with {len(name):,} characters"
        if "\n" in name or "\t" in name or not name.isprintable() and clean(name) != name:
            return f"control characters in name {number}, {name[:40]!r}"
    return None


def check_label_names(names: Sequence[object], where: str) -> None:
    """Make sure that names of classes can be kept and shown.

    Args:
        names: Names in the order of the outputs.
        where: Where they come from, for the message.

    Raises:
        DataError: There are too many, one is too long, or one holds control characters.
    """
    finding = label_finding(names)
    if finding:
        raise DataError(
            f"Names of classes are at most {MOST:,} texts of at most {LONGEST:,} characters, without control "
            "characters.",
            received=f"{finding} in {where}",
            remedy="Correct the names.",
        )


def names_output(count: int, shape: Sequence[int]) -> bool:
    """Whether this many names of classes can be those of an output.

    Each names a value along the last axis, of every pixel where there are several; or all values of one answer; or the
    two sides of a single value, which a classifier of two classes gives.

    Args:
        count: How many names there are.
        shape: Dimensions of the output, the batch among them.
    """
    along = shape[-1] if shape else 1
    return count in (along, math.prod(shape)) or (along == 1 and count == 2)
