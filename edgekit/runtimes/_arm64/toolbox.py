"""Where the emulator and the built files of the runtime `arm64` lie, and what is missing."""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgekit.errors import RuntimeFailed
from edgekit.installing import cache_folder
from edgekit.runtimes._arm64.cpus import CPUS
from edgekit.runtimes._arm64.plugin import SHA256

__all__ = ["EMULATOR", "REMEDY", "RUNNER", "Toolbox", "litert_version", "plugin_api", "toolbox", "unbuilt_toolbox"]

EMULATOR = "qemu-aarch64"
RUNNER = Path(__file__).with_name("runner.c")
REMEDY = "Install what it needs with: edgekit doctor --install arm64"


@dataclass(frozen=True)
class Toolbox:
    """The emulator, and the folder of what runs in it.

    Attributes:
        emulator: Path of qemu-aarch64.
        folder: Holds `runner`, `libLiteRt.so`, `counter.so` and one root folder per processor.
    """

    emulator: str
    folder: Path

    def command(self, model: Path, *, cpu: str, report: int) -> list[str]:
        """The command that runs a model.

        Args:
            model: Absolute path of the `.tflite`.
            cpu: A name of `CPUS`.
            report: File descriptor, inherited by the emulator, that takes the counts.
        """
        return [
            self.emulator,
            *("-cpu", cpu),
            *("-L", str(self.folder / f"root-{cpu}")),
            *("-seed", "1"),  # hash tables of the same order in every run
            *("-plugin", f"{self.folder / 'counter.so'},fd={report}"),
            *(str(self.folder / "runner"), str(model)),
        ]


def toolbox() -> Toolbox:
    """What is installed.

    Raises:
        RuntimeFailed: Something is missing.
    """
    if sys.platform != "linux":
        raise _missing(f"the system {sys.platform}", "QEMU's user mode exists on Linux only.")
    if shutil.which(EMULATOR) is None:
        raise _missing(f"no program {EMULATOR}", REMEDY)
    found = unbuilt_toolbox()
    if not found.folder.is_dir():
        raise _missing(f"no folder {found.folder}", REMEDY)
    return found


def unbuilt_toolbox() -> Toolbox:
    """The same, whether or not its folder exists; its name holds all that the built files depend on.

    Raises:
        RuntimeFailed: There is no emulator, or no LiteRT whose version could be followed.
    """
    emulator = shutil.which(EMULATOR)
    if emulator is None:
        raise _missing(f"no program {EMULATOR}", REMEDY)
    parts = [f"{plugin_api(emulator)} {CPUS!r}", RUNNER.read_text(), SHA256]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return Toolbox(emulator, cache_folder() / f"arm64-{litert_version()}-{key}")


def litert_version() -> str:
    """The version of the installed ai-edge-litert, of which the arm64 build is run."""
    try:
        return version("ai-edge-litert")
    except PackageNotFoundError:
        raise _missing("no package ai-edge-litert", "Install it with: pip install ai-edge-litert") from None


@functools.cache
def plugin_api(emulator: str) -> int:
    """The version of the plugin interface to claim: QEMU refuses one that is above its own, or too old."""
    said = subprocess.run([emulator, "--version"], capture_output=True, text=True, timeout=60).stdout
    found = re.search(r"version (\d+)\.", said)
    if found is None:
        raise _missing(f"{emulator} --version says {said[:80]!r}", REMEDY)
    return 1 if int(found[1]) < 9 else 2


def _missing(what: str, remedy: str) -> RuntimeFailed:
    return RuntimeFailed("The runtime arm64 cannot be loaded here.", received=what, remedy=remedy)
