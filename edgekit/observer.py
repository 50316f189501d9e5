"""What a run tells while it works: steps and epochs as events for an observer, and lines for people on a logger.

Lines go to the loggers below `edgekit`, as Python's libraries have it: nothing is printed unless the program asks, for
example with `logging.basicConfig(level=logging.INFO)`. Whoever observes a run is told the same lines as notes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["EpochEnded", "Event", "Note", "Observer", "StepFinished", "StepStarted", "notes_to", "unobserved"]

LOGGER = "edgekit"
"""Every module's logger is below it."""


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

    Other listeners hear what they would have heard without it, and the logger is afterwards as it was.
    """
    logger = logging.getLogger(LOGGER)
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    logger.handlers[:] = [_Notes(take, handlers, logger.getEffectiveLevel(), logger.parent if propagate else None)]
    logger.setLevel(min(logging.INFO, logger.getEffectiveLevel()))
    logger.propagate = False
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


class _Notes(logging.Handler):
    """Takes lines for a function, and hands on to those who listened before it what they would have heard."""

    def __init__(
        self,
        take: Callable[[str], None],
        before: list[logging.Handler],
        threshold: int,
        above: logging.Logger | None,
    ) -> None:
        super().__init__()
        self._take, self._before, self._threshold, self._above = take, before, threshold, above

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.INFO:
            self._take(f"Warning: {record.getMessage()}" if record.levelno >= logging.WARNING else record.getMessage())
        if record.levelno < self._threshold:
            return
        for handler in self._before:
            if record.levelno >= handler.level:
                handler.handle(record)
        if self._above is not None and self._above.hasHandlers():  # without any, Python itself would print it
            self._above.callHandlers(record)
