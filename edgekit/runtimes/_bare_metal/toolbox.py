"""The compiler and the emulator of the bare-metal runtimes: whether they are there, and how they are installed."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable

from edgekit.errors import RuntimeFailed
from edgekit.installing import apt_line, install_packages
from edgekit.observer import logger
from edgekit.runtimes._bare_metal.boards import Kit

__all__ = ["check_tools", "install", "missing_tools", "remedy", "version_of"]

_log = logger(__name__)


def remedy(kit: Kit) -> str:
    """The one command that brings what a runtime needs."""
    return f"Install what it needs with: edgekit doctor --install {kit.runtime}"


def missing_tools(kit: Kit) -> list[str]:
    """Programs, and the C library, that are not there."""
    missing = [name for name in kit.programs if shutil.which(name) is None]
    compiler = f"{kit.prefix}gcc"
    if compiler not in missing and not _has_library(compiler, kit.library):
        missing.append(f"C library for {compiler}")
    return missing


def check_tools(kit: Kit) -> None:
    """Refuse where something is missing.

    Raises:
        RuntimeFailed: Something is.
    """
    missing = missing_tools(kit)
    if missing:
        raise RuntimeFailed(
            f"The runtime {kit.runtime} cannot be loaded here.",
            received=f"no {', '.join(missing)}",
            remedy=remedy(kit),
        )


def install(kit: Kit, probe: Callable[[], str | None]) -> None:
    """Have apt-get install what is missing, and try it on a tiny model; what is there and works is left alone.

    Args:
        kit: Of which runtime.
        probe: Why a core of it cannot be used, or None.

    Raises:
        RuntimeFailed: This is not root, or no Debian or Ubuntu; it failed; or the tiny model does not come out right.
    """
    if missing_tools(kit):
        install_packages(kit.packages)
    missing = missing_tools(kit)
    if missing:
        raise RuntimeFailed(
            f"The runtime {kit.runtime} needs a compiler, a C library and an emulator, as Debian and Ubuntu "
            "package them.",
            received=f"no {', '.join(missing)}",
            remedy=f"Run as root: {apt_line(kit.packages)}",
        )
    _log.info("trying a tiny model")
    reason = probe()
    if reason is not None:
        raise RuntimeFailed(f"The runtime {kit.runtime} must run a tiny model.", received=reason)
    _log.info(f"{', '.join(kit.programs)} are installed")


@functools.cache
def version_of(program: str) -> str:
    """The first line of what it says of itself."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return program
    return said.stdout.partition("\n")[0].strip() or program


def _has_library(compiler: str, library: str) -> bool:
    """Compilers name a file of theirs by its path, and one that is not there by its name alone."""
    try:
        asked = [compiler, f"-print-file-name={library}"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=60, errors="replace").stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return False
    return os.path.isabs(said) and os.path.exists(said)
