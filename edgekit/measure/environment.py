"""On what something was measured: processor, its governor, load, versions."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path

__all__ = ["cores", "environment", "load"]

_PACKAGES = (
    "edgekit", "numpy", "ai-edge-litert", "tflite-runtime", "tensorflow", "tflite-micro", "ethos-u-vela",
)  # fmt: skip
_GOVERNORS = "devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"


def environment() -> dict[str, object]:
    """cpu, cores (at hand), governor, load (last minute's average), platform, and versions by package.

    What the system does not tell is None, such as the governor of most virtual machines.
    """
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "governor": _governor(),
        "load": load(),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Processes that ran or waited for a CPU, the average of the last minute; None where unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _governor() -> str | None:
    """How the system sets the CPU's frequency ("performance", "powersave"); all names, where cores differ."""
    found = set()
    for file in Path("/sys").glob(_GOVERNORS):
        with suppress(OSError):
            found.add(file.read_text().strip())
    return ", ".join(sorted(found)) or None


def _cpu() -> str:
    with suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
