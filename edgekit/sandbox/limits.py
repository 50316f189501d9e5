"""What a child process may take."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Limits", "cpu_limit"]

BASE_MEMORY = 2 << 30
MEMORY_PER_BYTE = 20
SECONDS = 600.0
READING = 30.0
READ_PER_SECOND = 2 << 20
"""Bytes of a file, far below what any disk and library gives."""


@dataclass(frozen=True)
class Limits:
    """Limits of one child process.

    Attributes:
        memory: Bytes of resident memory, and as many of disk.
        seconds: Wall time, from its start to its answer.
        reading: Seconds of CPU time for parsing the file, in which a library may go round for ever; building and
            converting a model take longer.
    """

    memory: int
    seconds: float
    reading: float = READING

    @classmethod
    def for_file(cls, size: int, *, memory: int | None = None, seconds: float | None = None) -> Limits:
        """For a job on a file: 2 GB and 20 times the file, ten minutes, and half of one for reading; or as told.

        Args:
            size: Bytes of the file.
            memory, seconds: As the user wants them; None takes the default.
        """
        return cls(
            memory or BASE_MEMORY + MEMORY_PER_BYTE * size,
            seconds or SECONDS,
            seconds or READING + size // READ_PER_SECOND,
        )


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """End this process by SIGPROF where the block takes more CPU time; for children, also where no Python code runs."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
