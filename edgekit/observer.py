"""What a run tells while it works: steps and epochs as events for an observer, and lines for people on a logger.

Lines go to the loggers below `edgekit`, as Python's libraries have it: nothing is printed unless the program asks, for
example with `logging.basicConfig(level=logging.INFO)`. Whoever observes a run is told the same lines as notes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

__all__ = ["EpochEnded", "Event", "Note", "Observer", "StepFinished", "StepStarted", "logger", "notes_to", "unobserved"]

LOGGER = "edgekit"
"""Every module's logger is below it."""

logging.getLogger(LOGGER).addHandler(logging.NullHandler())  # or Python would print warnings by itself


def logger(name: str) -> logging.Logger:
    """A module's logger. It is asked for here, because `import edgekit` and `edgekit --help` do without logging."""
    return logging.getLogger(name)


@dataclass(frozen=True)
class StepStarted:
    """A step is made now; one that was done before is not started.

    Attributes:
        name: "baseline", a pass, "convert FORMAT" or "measure".
        key: sha256 of all that the step depends on.
    """

    name: str
    key: str


@dataclass(frozen=True)
class EpochEnded:
    """An epoch of training has ended. Epochs of before a kill are not told again.

    Attributes:
        step: The step that trains.
        fit: Which training of the step it is.
        epoch: Its number, from 0 on.
        epochs: How many there are.
        figures: loss, val_loss and, for classifiers, accuracy and val_accuracy; None for what is no finite number.
    """

    step: str
    fit: str
    epoch: int
    epochs: int
    figures: Mapping[str, float | None]


@dataclass(frozen=True)
class StepFinished:
    """A step is done.

    Attributes:
        name, key: As of `StepStarted`.
        cached: Whether it was done before.
        figures: What the step's file is worth, as far as it is known then: `accuracy`, `model_bytes`, `seconds` and
            others by the names that a manifest's steps have.
    """

    name: str
    key: str
    cached: bool
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """A line for people."""

    text: str


Event = StepStarted | EpochEnded | StepFinished | Note
Observer = Callable[[Event], None]
"""Takes every event, in the thread of the run. What it raises ends the run; finished steps are kept."""


def unobserved(event: Event) -> None:
    """The observer of a run that nobody looks at."""


@contextmanager
def notes_to(take: Callable[[str], None]) -> Iterator[None]:
    """Give a function every line of EdgeKit's loggers, from INFO on, while the block runs; warnings say that they are.

    Blocks may run in several threads at once, and each hears the lines of its own; those of a thread that has no block
    go to all. Other listeners hear what they would have heard without it, and the logger is afterwards as it was.
    """
    mine = _Taker(take)
    with _lock:
        if not _takers:
            _install()
        _takers.append(mine)
    _own.set((*_own.get(), mine))
    try:
        yield
    finally:
        _own.set(tuple(taker for taker in _own.get() if taker is not mine))
        with _lock:
            _takers.remove(mine)
            if not _takers:
                _restore()


@dataclass(frozen=True, eq=False)
class _Taker:
    take: Callable[[str], None]


_lock = threading.Lock()
_takers: list[_Taker] = []
"""Those of all threads."""
_own: ContextVar[tuple[_Taker, ...]] = ContextVar("takers", default=())
"""Those of the blocks in which this thread is."""
_installed: list[_Notes] = []
"""The handler that stands in the logger while there is a taker."""


def _install() -> None:
    logger = logging.getLogger(LOGGER)
    notes = _Notes(list(logger.handlers), logger.level, logger.getEffectiveLevel(), logger.propagate)
    _installed.append(notes)
    logger.handlers[:] = [notes]
    logger.setLevel(notes.lowered)
    logger.propagate = False


def _restore() -> None:
    """What the program itself has changed meanwhile stays."""
    logger, notes = logging.getLogger(LOGGER), _installed.pop()
    logger.handlers[:] = [*notes.before, *(handler for handler in logger.handlers if handler is not notes)]
    if logger.level == notes.lowered:
        logger.setLevel(notes.level_before)
    logger.propagate = logger.propagate or notes.propagated


class _Notes(logging.Handler):
    """Takes lines for functions, and hands on to those who listened before it what they would have heard."""

    def __init__(self, before: list[logging.Handler], level: int, threshold: int, propagated: bool) -> None:
        super().__init__()
        self.before, self.propagated, self.threshold = before, propagated, threshold
        self.level_before = level
        self.lowered = min(logging.INFO, threshold)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.INFO:
            said = record.getMessage()
            for taker in _own.get() or tuple(_takers):
                taker.take(f"Warning: {said}" if record.levelno >= logging.WARNING else said)
        if record.levelno < self.threshold and not _has_own_level(record.name):
            return
        for handler in self.before:
            if record.levelno >= handler.level:
                handler.handle(record)
        above = logging.getLogger(LOGGER).parent if self.propagated else None
        if above is not None and above.hasHandlers():  # without any, Python itself would print it
            above.callHandlers(record)


def _has_own_level(name: str) -> bool:
    """Whether a logger below EdgeKit's, or one between them, decides itself which lines are heard."""
    while name.startswith(f"{LOGGER}."):
        if logging.getLogger(name).level:
            return True
        name = name.rpartition(".")[0]
    return False
