"""Leases: who works on what, so that the work of the dead is found and done again.

A study has one driver at a time, kept in a table beside Optuna's, so that two that start at once cannot both have it.
A running trial has its worker in its attributes: `owner`, `renewed` (seconds since 1970) and `attempt`. Optuna's
heartbeats know trials of `Study.optimize` alone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError
from edgekit.searching.telling import set_attribute, tell_failed

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial
    from sqlalchemy import Connection, Engine, Table

__all__ = [
    "ATTEMPTS",
    "STALE",
    "Driving",
    "Owner",
    "attempts_at",
    "claim",
    "driving",
    "left_alone",
    "release",
    "renew",
    "requeue",
]

STALE = 120.0
"""Seconds after which a lease that was not renewed is another's to take."""
ATTEMPTS = 3
"""After how many a trial has failed whose process is gone each time: what ends them all would do so again."""
_OWNER, _RENEWED, _ATTEMPT = "owner", "renewed", "attempt"


@dataclass(frozen=True)
class Owner:
    """A process: its host, its number, when it started, and the namespace that its number counts in."""

    host: str
    process: int
    started: str = ""
    space: str = ""

    @classmethod
    def ourselves(cls) -> Owner:
        """This process."""
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()), _space())

    @classmethod
    def read(cls, text: str) -> Owner | None:
        """From what `str` gives; None for anything else."""
        parts = text.split("/")
        if len(parts) != 4 or not parts[1].isdigit():
            return None
        return cls(parts[0], int(parts[1]), parts[2], parts[3])

    def __str__(self) -> str:
        return f"{self.host}/{self.process}/{self.started}/{self.space}"

    @property
    def name(self) -> str:
        """For people."""
        return f"process {self.process} on {self.host}"

    def is_dead(self) -> bool:
        """Whether it has surely ended; False also where that cannot be known from here."""
        if self.host != socket.gethostname() or self.space != _space():
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return bool(self.started) and _started(self.process) not in ("", self.started)


def claim(study: Study, number: int, owner: Owner, *, now: float | None = None) -> int:
    """Make a trial one's own, before work on it begins.

    Returns:
        Which attempt at it this is, from 1.
    """
    attempt = attempts_at(study, number) + 1
    set_attribute(study, number, _ATTEMPT, attempt)
    set_attribute(study, number, _RENEWED, time.time() if now is None else now)
    set_attribute(study, number, _OWNER, str(owner))
    return attempt


def attempts_at(study: Study, number: int) -> int:
    """How often work on a trial has begun, without those times that it was given back."""
    return int(_attributes(study, number).get(_ATTEMPT, 0))


def renew(study: Study, number: int, owner: Owner, *, now: float | None = None) -> bool:
    """Say that a trial is still worked on.

    Returns:
        Whether it is still one's own: False where it is finished, or another's.
    """
    from optuna.exceptions import UpdateFinishedTrialError

    if _attributes(study, number).get(_OWNER) != str(owner):
        return False
    try:
        set_attribute(study, number, _RENEWED, time.time() if now is None else now)
    except UpdateFinishedTrialError:
        return False
    return True


def release(study: Study, number: int) -> None:
    """Give a trial back unfinished, such as at Ctrl-C: it is the next one's at once, and the attempt does not count."""
    set_attribute(study, number, _ATTEMPT, max(int(_attributes(study, number).get(_ATTEMPT, 1)) - 1, 0))
    set_attribute(study, number, _OWNER, "")


def left_alone(study: Study, *, stale: float = STALE, now: float | None = None) -> list[FrozenTrial]:
    """Running trials that nobody works on: without an owner, with a dead one, or not renewed for `stale` seconds."""
    from optuna.trial import TrialState

    moment = time.time() if now is None else now
    found = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner = Owner.read(str(trial.user_attrs.get(_OWNER, "")))
        late = moment - float(trial.user_attrs.get(_RENEWED, 0.0)) > stale
        if owner is None or late or owner.is_dead():
            found.append(trial)
    return sorted(found, key=lambda t: t.number)


def requeue(study: Study, number: int, *, attempts: int = ATTEMPTS) -> bool:
    """Take a trial from an owner that is gone, so that whoever claims it next begins it again.

    Args:
        study: The study that has it.
        number: Of the trial.
        attempts: After how many it has failed.

    Returns:
        Whether it is to be done again; else it was told as failed, with the reason.
    """
    before = attempts_at(study, number)
    if before >= attempts:
        tell_failed(study, number, f"the process that worked on it ended without an answer, {before} times")
        return False
    set_attribute(study, number, _OWNER, "")
    return True


class Driving:
    """The lease of a study's driver, renewed in the background until it is given back.

    Attributes:
        lost: Set where another driver has taken the study, because this one did not renew in time.
    """

    def __init__(self, engine: Engine, study: str, owner: Owner, stale: float) -> None:
        self.lost = threading.Event()
        self._engine, self._study, self._owner, self._stale = engine, study, owner, stale
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="edgekit-search-lease")

    def check(self) -> None:
        """Raise where the study is another's by now.

        Raises:
            EdgekitError: Another driver has it.
        """
        if self.lost.is_set():
            raise EdgekitError(
                "A study has one driver at a time.",
                received=f"{self._study!r}, which another driver took, as this one gave no sign for {self._stale:g} s",
                remedy="Let the other one go on; everything that was told is kept.",
            )

    def _keep(self) -> None:
        while not self._stop.wait(self._stale / 4):
            with suppress(Exception):  # storage that is away for a while: the next round tries again
                if not _renewed(self._engine, self._study, self._owner):
                    self.lost.set()
                    return


@contextmanager
def driving(engine: Engine, study: str, *, owner: Owner | None = None, stale: float = STALE) -> Iterator[Driving]:
    """Drive a study alone in this block.

    Args:
        engine: SQLAlchemy's, of the study's storage.
        study: Its name.
        owner: Who drives; this process unless given.
        stale: Seconds without a sign after which a driver elsewhere counts as dead; one on this machine that has ended
            is known to be so at once.

    Raises:
        EdgekitError: Another driver has it.
    """
    owner = owner or Owner.ourselves()
    _take(engine, study, owner, stale)
    lease = Driving(engine, study, owner, stale)
    lease._thread.start()
    try:
        yield lease
    finally:
        lease._stop.set()
        lease._thread.join()
        with suppress(Exception):  # storage that is gone keeps a lease that grows stale
            _give_back(engine, study, owner)


def _table(engine: Engine) -> Table:
    import sqlalchemy as sql

    table = sql.Table(
        "edgekit_drivers",
        sql.MetaData(),
        sql.Column("study", sql.String(512), primary_key=True),
        sql.Column("owner", sql.String(512), nullable=False),
        sql.Column("renewed", sql.Float(53), nullable=False),
    )
    table.create(engine, checkfirst=True)
    return table


def _take(engine: Engine, study: str, owner: Owner, stale: float) -> None:
    """One statement decides: it writes where the row is as it was read, so that of two drivers one finds it changed."""
    import sqlalchemy as sql
    from sqlalchemy.exc import IntegrityError

    table = _table(engine)
    with suppress(IntegrityError), engine.begin() as connection:
        connection.execute(table.insert().values(study=study, owner="", renewed=0.0))
    with engine.begin() as connection:
        now = _now(connection)
        row = connection.execute(sql.select(table.c.owner, table.c.renewed).where(table.c.study == study)).one()
        other = Owner.read(row.owner)
        if other is not None and now - row.renewed <= stale and not other.is_dead():
            _refuse(study, other, now - row.renewed, stale)
        same = (table.c.study == study) & (table.c.owner == row.owner) & (table.c.renewed == row.renewed)
        changed = connection.execute(table.update().where(same).values(owner=str(owner), renewed=now)).rowcount
    if changed != 1:
        _refuse(study, None, 0.0, stale)


def _refuse(study: str, other: Owner | None, age: float, stale: float) -> None:
    who = f"{other.name}, seen {age:.0f} s ago" if other else "another driver, just now"
    raise EdgekitError(
        "A study has one driver at a time.",
        received=f"{study!r}, driven by {who}",
        remedy=f"Wait for it or end it; a driver that gives no sign for {stale:g} s loses the study.",
    )


def _renewed(engine: Engine, study: str, owner: Owner) -> bool:
    table = _table(engine)
    ours = (table.c.study == study) & (table.c.owner == str(owner))
    with engine.begin() as connection:
        return connection.execute(table.update().where(ours).values(renewed=_now(connection))).rowcount == 1


def _give_back(engine: Engine, study: str, owner: Owner) -> None:
    table = _table(engine)
    with engine.begin() as connection:
        connection.execute(
            table.update().where((table.c.study == study) & (table.c.owner == str(owner))).values(owner="", renewed=0.0)
        )


def _now(connection: Connection) -> float:
    """Seconds since 1970 by the storage's clock where drivers may run on several machines."""
    import sqlalchemy as sql

    if connection.dialect.name == "postgresql":
        return float(connection.execute(sql.text("select extract(epoch from clock_timestamp())")).scalar_one())
    return time.time()


def _attributes(study: Study, number: int) -> dict[str, str | int | float]:
    return dict(study.get_trials(deepcopy=False)[number].user_attrs)


def _started(process: int) -> str:
    """When a process started, in ticks since the machine did; empty where the system does not say."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _space() -> str:
    """Where the numbers of processes count: containers may share a host's name."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return ""
