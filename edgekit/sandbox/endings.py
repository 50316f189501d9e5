"""How a child has ended, and what it said last, for the one line that its parent makes of it."""

from __future__ import annotations

import os
import re
import signal
from typing import IO

__all__ = ["cause", "telling_lines"]

_READ = 8192  # bytes of a log's end


def cause(code: int | None) -> str:
    """A few words for an exit code as `Popen.returncode` has it; None where the process still runs."""
    if code is None:
        return "it closed its connection"
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def telling_lines(log: IO[bytes], chatter: re.Pattern[str]) -> list[str]:
    """The last lines that a child has printed to a file, without those that begin as chatter does."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - _READ))
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    return [line for line in lines if not chatter.match(line)]
