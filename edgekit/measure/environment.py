"""On what something was measured: processor, load, versions."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib import metadata

__all__ = ["cores", "environment"]

_PACKAGES = ("edgekit", "numpy", "ai-edge-litert", "tflite-runtime", "tensorflow")


def environment() -> dict[str, object]:
    """cpu, cores (at hand), load (last minute's average, None where unknown), platform, and versions by package."""
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
