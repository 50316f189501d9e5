"""The program `adb`: find it, call it with a time limit, say in one line how it failed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import RuntimeFailed
from edgekit.runtimes._process import LONGEST_LINE

__all__ = ["Answer", "adb", "last_line"]


@dataclass(frozen=True)
class Answer:
    """What a call of adb gave: its exit code (that of the device's command, for `shell`) and its two outputs."""

    code: int
    output: str
    complaint: str


def adb(*arguments: str, limit: float) -> Answer:
    """Call adb, without a shell on this side.

    Args:
        arguments: Its command line.
        limit: Seconds that it may take.

    Raises:
        RuntimeFailed: There is no adb, or its server cannot be reached.
        TimeoutError: It took longer, and was ended.
    """
    try:
        done = subprocess.run(
            [_program(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    except OSError as error:
        raise RuntimeFailed(
            "The runtime adb needs a working program adb.", received=error, remedy=_HOW_TO_INSTALL
        ) from error
    answer = Answer(done.returncode, _text(done.stdout), _text(done.stderr))
    if answer.code != 0 and "cannot connect to daemon" in answer.complaint:
        raise RuntimeFailed(
            "The server of adb must run on this machine.",
            received=last_line(answer.complaint),
            remedy="Restart it with: adb kill-server; adb start-server",
        )
    return answer


def last_line(text: str) -> str | None:
    """The last line that is not blank, fit for an error message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:LONGEST_LINE].rstrip(". ") if lines else None


_HOW_TO_INSTALL = (
    "Install it with: apt-get install adb (or Google's platform-tools, and put adb on the PATH or set ANDROID_HOME)"
)


def _program() -> str:
    found = shutil.which("adb")
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        if found is None and os.environ.get(name):
            found = shutil.which("adb", path=str(Path(os.environ[name]) / "platform-tools"))
    if found is None:
        raise RuntimeFailed("The runtime adb needs the program adb.", received="none found", remedy=_HOW_TO_INSTALL)
    return found


def _text(data: bytes) -> str:
    return data.decode(errors="replace").replace("\r\n", "\n")
