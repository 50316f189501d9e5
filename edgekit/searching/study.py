"""The study of a search: what was asked and told, in SQLite or PostgreSQL, and whether it is the study meant."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from edgekit.errors import EdgekitError, MissingDependency, RecipeError
from edgekit.searching.genes import Gene
from edgekit.searching.leases import Driving, driving
from edgekit.searching.pareto import Objective

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.storages import RDBStorage
    from optuna.study import StudyDirection
    from sqlalchemy import Engine

__all__ = [
    "Identity",
    "OpenStudy",
    "ask",
    "driven",
    "open_study",
    "patiently",
    "storage_url",
    "without_password",
]

_IDENTITY = "edgekit"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Identity:
    """What must be the same whenever a study is opened again.

    Attributes:
        space: A hash of the genes, limits and all else that shapes a trial.
        form: The version of the search file.
        version: EdgeKit's.
    """

    space: str
    form: str
    version: str


@dataclass(frozen=True)
class OpenStudy:
    """A study and where it is kept.

    Attributes:
        study: Optuna's.
        engine: SQLAlchemy's, for `leases.driving`.
        url: Of the storage, without its password.
        is_new: Whether it was made by this opening.
    """

    study: Study
    engine: Engine
    url: str
    is_new: bool


def storage_url(storage: str | Path) -> str:
    """An SQLAlchemy URL: a path becomes one of SQLite, and PostgreSQL's is given the driver that EdgeKit brings.

    Raises:
        RecipeError: Another kind of storage.
    """
    text = str(storage)
    if isinstance(storage, Path) or "://" not in text:
        return f"sqlite:///{Path(text).expanduser().resolve()}"
    scheme, _, rest = text.partition("://")
    if scheme in ("postgres", "postgresql"):
        return f"postgresql+psycopg://{rest}"
    if scheme.partition("+")[0] in ("sqlite", "postgresql"):
        return text
    raise RecipeError(
        "A search is kept in SQLite or PostgreSQL.",
        received=f"a URL of {scheme}",
        remedy="Give a file's path, or --storage postgresql://USER@HOST/DATABASE.",
    )


def without_password(url: str) -> str:
    """A URL that may be shown, with the scheme that its user gave."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True).replace("+psycopg://", "://", 1)
    except (ArgumentError, ValueError):
        return f"{url.partition('://')[0]}://..."


def open_study(
    storage: str | Path,
    name: str,
    objectives: Sequence[Objective],
    identity: Identity,
    sampler: BaseSampler | None = None,
) -> OpenStudy:
    """Open a study, or make it where there is none of this name.

    Args:
        storage: A file's path, or the URL of a database.
        name: Of the study; a database may have several.
        objectives: What its trials are told, in this order.
        identity: What must be the same at every opening.
        sampler: What draws its candidates.

    Raises:
        EdgekitError: The storage cannot be reached, or has a study of another space, version or objectives.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = storage_url(storage)
    with _reachable(url):
        database = _database(url)
        is_new = name not in optuna.get_all_study_names(database)
        directions: list[StudyDirection | Literal["minimize", "maximize"]] = [o.direction for o in objectives]
        study = optuna.create_study(
            storage=database, study_name=name, directions=directions, sampler=sampler, load_if_exists=True
        )
        stored = study.user_attrs.get(_IDENTITY)
        wanted = {**asdict(identity), "objectives": [f"{o.direction} {o.name}" for o in objectives]}
        if stored is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(_IDENTITY, wanted)
        elif stored != wanted:
            _refuse(name, without_password(url), stored, wanted)
    return OpenStudy(study, database.engine, without_password(url), is_new)


@contextmanager
def driven(
    storage: str | Path,
    name: str,
    objectives: Sequence[Objective],
    identity: Identity,
    sampler: BaseSampler | None = None,
    *,
    resume: bool = False,
) -> Iterator[tuple[OpenStudy, Driving]]:
    """Open a study as `open_study` does, and drive it alone in this block.

    Args:
        storage, name, objectives, identity, sampler: As `open_study` takes them.
        resume: Whether the study may be one that was begun before.

    Raises:
        EdgekitError: As `open_study`; the study was begun before, or another driver has it.
    """
    found = open_study(storage, name, objectives, identity, sampler)
    with ExitStack() as stack:
        with _reachable(storage_url(storage)):
            trials = found.study.get_trials(deepcopy=False)
            if not found.is_new and not resume and trials:
                raise EdgekitError(
                    "A search begins a study, unless it is told to go on with one.",
                    received=f"{name!r} in {found.url}, which has {len(trials)} trial{'s' if len(trials) != 1 else ''}",
                    remedy="Add --resume (resume=True in Python) to go on with it, or give another folder.",
                )
            lease = stack.enter_context(driving(found.engine, name))
        yield found, lease


def ask(study: Study, genes: Sequence[Gene]) -> Trial:
    """The next trial, with all of its genes drawn."""
    return study.ask({gene.path: gene.distribution() for gene in genes})


def patiently(call: Callable[[], _T], url: str, *, seconds: float = 120.0) -> _T:
    """Do something with a storage, again and again while it cannot be reached, such as while its server restarts.

    Args:
        call: What is done; it must do no harm to do it twice, as telling does not.
        url: Of the storage, for the message.
        seconds: How long to wait for it.

    Raises:
        EdgekitError: It could not be reached all this time.
    """
    end, pause = time.monotonic() + seconds, 0.2
    while True:
        try:
            with _reachable(url):
                return call()
        except EdgekitError as error:
            if not isinstance(error.__cause__, Exception) or time.monotonic() + pause > end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def _database(url: str) -> RDBStorage:
    from optuna.storages import RDBStorage

    if url.startswith("sqlite"):
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
    return RDBStorage(url, engine_kwargs={"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}})


@contextmanager
def _reachable(url: str) -> Iterator[None]:
    """Make one line of what a database says when it cannot be reached."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

    try:
        yield
    except (ImportError, NoSuchModuleError) as error:
        raise MissingDependency(
            "A search kept in PostgreSQL needs the package psycopg.",
            received=str(error).splitlines()[0],
            remedy='Install it: pip install "edgekit[search]".',
        ) from error
    except (DBAPIError, StorageInternalError, ArgumentError, ValueError) as error:
        if isinstance(error, ValueError) and not isinstance(error, ArgumentError) and "port" not in str(error):
            raise
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: Exception) -> EdgekitError:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    said = str(getattr(cause, "orig", None) or cause).strip().splitlines() or [type(cause).__name__]
    where = "that its folder exists and can be written" if url.startswith("sqlite") else "its address and that it runs"
    return EdgekitError(
        "The storage of a search must be reachable.",
        received=f"{without_password(url)}: {said[0]}",
        remedy=f"Check {where}; nothing that was told is lost.",
    )


def _refuse(name: str, url: str, stored: object, wanted: dict[str, object]) -> None:
    old = stored if isinstance(stored, dict) else {}
    apart = [key for key in wanted if old.get(key) != wanted[key]]
    if not old:
        said = "which is not a search of EdgeKit's"
    else:
        said = "of another " + ", ".join(f"{key} ({_short(old.get(key))}, now {_short(wanted[key])})" for key in apart)
    raise EdgekitError(
        "A study goes on with the space, the limits, the objectives and the version that it was begun with.",
        received=f"{name!r} in {url}, {said}",
        remedy="Give this search another folder or name, or go on with the file and version of the study.",
    )


def _short(told: object) -> str:
    """A value as people compare it: of a hash, its beginning."""
    text = str(told)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text
