"""What a child process may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

BASE_MEMORY = 2 << 30
MEMORY_PER_BYTE = 20
SECONDS = 600.0


@dataclass(frozen=True)
class Limits:
    """Limits of one child process.

    Attributes:
        memory: Bytes of resident memory, and as many of disk.
        seconds: Wall time, from its start to its answer.
    """

    memory: int
    seconds: float

    @classmethod
    def for_file(cls, size: int, *, memory: int | None = None, seconds: float | None = None) -> Limits:
        """For a job on a file: 2 GB and 20 times the file, and ten minutes, unless told otherwise.

        Args:
            size: Bytes of the file.
            memory, seconds: As the user wants them; None takes the default.
        """
        return cls(memory or BASE_MEMORY + MEMORY_PER_BYTE * size, seconds or SECONDS)
