"""What stands at the head of every file."""

from __future__ import annotations

from edgekit import __version__
from edgekit_converters.identifiers import SPDX

__all__ = ["heading", "upper"]


def heading(sha256: str, about: str) -> list[str]:
    """The licence of the code, what made the file, and of which model; no date: the same model gives the same bytes."""
    return [
        f"/* {SPDX}",
        " *",
        f" * {about}",
        f" * Written by EdgeKit {__version__} from the .tflite with sha256",
        f" * {sha256}.",
        " */",
        "",
    ]


def upper(name: str) -> str:
    """The prefix of a model's macros."""
    return f"{name.upper()}_"
