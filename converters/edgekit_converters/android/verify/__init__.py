"""Checks of a package that was built: one a file, each a module with `CHECK`, its name, and `check`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit.readable import Readable, Rows
from edgekit_converters.android.built.facts import gather
from edgekit_converters.android.built.packages import Kind, open_package
from edgekit_converters.android.lock import read_lock
from edgekit_converters.android.verify import (
    alignment,
    budget,
    duplicates,
    locked,
    min_sdk,
    native_pages,
    operators,
    signature,
    stored,
)
from edgekit_converters.android.verify._outcome import Outcome, Status

__all__ = ["CHECKS", "Outcome", "Status", "Verification", "verify_package"]

SCHEMA = "edgekit.android-verify/1"
CHECKS = (stored, alignment, locked, duplicates, budget, native_pages, operators, min_sdk, signature)
"""In the order in which a table has them."""


@dataclass(frozen=True)
class Verification(Readable):
    """What the checks say of a package.

    Attributes:
        package: Its path.
        kind: "apk", "aab" or "aar".
        bytes: Its size.
        lock: Path of the lock that it was held to; None without one.
        outcomes: Of all checks, in their order.
    """

    package: str
    kind: Kind
    bytes: int
    lock: str | None
    outcomes: tuple[Outcome, ...]

    def of(self, *statuses: Status) -> list[Outcome]:
        """The outcomes of some statuses."""
        return [outcome for outcome in self.outcomes if outcome.status in statuses]

    @property
    def exit_code(self) -> int:
        """1 where there is a fault, 3 where only a budget is missed, 0 otherwise."""
        return 1 if self.of("fault") else 3 if self.of("budget") else 0

    def as_dict(self) -> dict[str, object]:
        """JSON-ready, with its schema name."""
        return {"schema": SCHEMA, **asdict(self), "exit_code": self.exit_code}

    def title(self) -> str:
        return f"{self.package}, {self.bytes:,} bytes, held to {self.lock or 'no lock'}"

    def rows(self) -> Rows:
        return [(f"{o.check}: {o.status}", f"{o.where}: {o.said}" if o.where else o.said) for o in self.outcomes]


def verify_package(path: Path, lock: Path | None = None) -> Verification:
    """Check an APK, AAB or AAR.

    Args:
        path: The package.
        lock: The lock that its models are held to; None leaves out what needs one.

    Raises:
        EdgekitError: The package or the lock is none, or damaged.
    """
    held = read_lock(lock) if lock is not None else None
    with open_package(path) as package:
        facts = gather(package, held)
        outcomes = tuple(outcome for module in CHECKS for outcome in module.check(facts))
        return Verification(str(path), package.kind, package.size, str(lock) if lock else None, outcomes)
