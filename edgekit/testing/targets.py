"""What every target says."""

from __future__ import annotations

from pathlib import Path

from edgekit.target import load_target
from edgekit.testing.saying import expect, runs
from edgekit_converters.tflite import format_names

__all__ = ["check_target"]


def check_target(target: str | Path) -> None:
    """Hold a target to what recipes rely on.

    Args:
        target: Its `.yaml`, or the name of one that EdgeKit or an installed package has.

    Raises:
        AssertionError: It is none, or breaks a rule; the sentence names it.
    """
    with runs(f"Reading the target {target}"):
        found = load_target(str(target))
    described = found.description.strip() and "\n" not in found.description.strip()
    expect(described, f"The description of {found.name} is one line.", repr(found.description))
    expect(len(set(found.formats)) == len(found.formats), f"{found.name} names each format once.", found.formats)
    unknown = set(found.formats) - set(format_names())
    expect(not unknown, f"{found.name} names formats that EdgeKit writes.", ", ".join(sorted(unknown)))
