"""Checks of a package that was built: one a file, each a module with `CHECK`, its name, and `check`.

`folder.py` checks an assets folder, before there is a package.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from edgekit.errors import EdgekitError
from edgekit.places import by_place
from edgekit.readable import Readable, Rows
from edgekit_converters.android.built.facts import gather
from edgekit_converters.android.built.packages import Kind, open_package
from edgekit_converters.android.lock import assets_in, read_lock
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
from edgekit_converters.android.verify.folder import check_folder

__all__ = ["CHECKS", "Outcome", "Status", "Verification", "verify_package"]

SCHEMA = "edgekit.android-verify/1"
CHECKS = (stored, alignment, locked, duplicates, budget, native_pages, operators, min_sdk, signature)
"""In the order in which a table has them."""


@dataclass(frozen=True)
class Verification(Readable):
    """What the checks say of a package.

    Attributes:
        package: Its path.
        kind: "apk", "aab", "aar", or "folder" for an assets folder.
        bytes: Its size; of a folder, that of its models.
        lock: Path of the lock that it was held to; None without one.
        outcomes: Outcomes of all checks, in their order.
    """

    package: str
    kind: Kind | Literal["folder"]
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
        """The package, its size and the lock."""
        return f"{self.package}, {self.bytes:,} bytes, held to {self.lock or 'no lock'}"

    def rows(self) -> Rows:
        """Each check with its outcome."""
        return [(f"{o.check}: {o.status}", f"{o.where}: {o.said}" if o.where else o.said) for o in self.outcomes]


def verify_package(path: Path, lock: Path | None = None) -> Verification:
    """Check an APK, AAB or AAR, or an app's assets folder.

    Args:
        path: The package or folder.
        lock: The lock that its models are held to; None leaves out what needs one, and a folder needs one.

    Raises:
        EdgekitError: The package or the lock is none, or damaged.
    """
    held = read_lock(lock) if lock is not None else None
    if path.is_dir():
        if lock is None or held is None:
            raise EdgekitError(
                "An assets folder is held to a lock.",
                received=f"{path} without one",
                remedy=f"Give it with {by_place(command='--lock edgekit.lock', python='lock=PATH')}; "
                "edgekit android lock writes it.",
            )
        size = sum(file.stat().st_size for _, file in assets_in(path))
        return Verification(str(path), "folder", size, str(lock), tuple(check_folder(path, held, lock.parent)))
    with open_package(path) as package:
        facts = gather(package, held)
        outcomes = tuple(outcome for module in CHECKS for outcome in module.check(facts))
        return Verification(str(path), package.kind, package.size, str(lock) if lock else None, outcomes)
