"""What installers share: commands that must succeed, packages of the distribution, the folder of what they bring."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit.errors import RuntimeFailed
from edgekit.observer import logger

__all__ = ["apt_line", "cache_folder", "install_packages", "step"]

_log = logger(__name__)
_LONGEST_STEP = 600  # seconds


def cache_folder() -> Path:
    """Where emulators, compilers and libraries lie: EDGEKIT_CACHE, or `~/.cache/edgekit`."""
    base = os.environ.get("EDGEKIT_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "edgekit")
    return Path(base).absolute()


def apt_line(packages: Sequence[str]) -> str:
    """The command that brings packages of Debian and Ubuntu."""
    return "apt-get install -y --no-install-recommends " + " ".join(packages)


def install_packages(packages: Sequence[str]) -> None:
    """Run it.

    Raises:
        RuntimeFailed: This is not root, or no Debian or Ubuntu; or it failed.
    """
    line = apt_line(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeFailed(
            "Installing packages of the distribution needs root, on Debian or Ubuntu.",
            received=f"{platform.system()}, user id {os.geteuid()}",
            remedy=f"Run as root: {line}",
        )
    _log.info("apt-get update")
    step(["apt-get", "update", "-qq"])
    _log.info(line)
    step(line.split())


def step(
    command: Sequence[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    telling: str = "",
) -> None:
    """Run a command without questions.

    Args:
        command: The program and its arguments.
        folder: Where; None for here.
        environment: Variables that it gets beside the user's.
        telling: Mark of the lines that say what went wrong, of which the first tells most; empty for the last line.

    Raises:
        RuntimeFailed: It failed or did not end; the line that tells why is quoted.
    """
    rule = f"The command must succeed: {' '.join(command)}"
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_LONGEST_STEP,
            cwd=folder,
            env={**os.environ, **(environment or {}), "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired:
        raise RuntimeFailed(rule, received=f"no end after {_LONGEST_STEP} s") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        marked = [line.partition(telling)[2].strip() for line in lines] if telling else []
        said = next(filter(None, marked), lines[-1] if lines else "")[:300].rstrip(".") or "without a word"
        raise RuntimeFailed(rule, received=f"exit code {done.returncode}, {said}")
