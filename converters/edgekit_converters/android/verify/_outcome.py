"""What a check says of a package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Outcome", "Status"]

Status = Literal["passed", "unknown", "warning", "budget", "fault"]


@dataclass(frozen=True)
class Outcome:
    """One finding, or that there is none.

    Attributes:
        check: The check's name.
        status: "passed"; "unknown", which is said and does not fail; "warning"; "budget", a limit that is missed; or
            "fault".
        where: The member of the package, the asset of the lock, or "" for the whole.
        said: What was seen.
        remedy: What to do about it; empty where nothing is to be done.
    """

    check: str
    status: Status
    where: str
    said: str
    remedy: str = ""
