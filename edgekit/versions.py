"""Versions of the packages that shape what a run makes, for keys and records."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["versions"]

PACKAGES = (
    "edgekit",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-runtime",
    "tflite-micro",
    "ethos-u-vela",
    "numpy",
)


def versions() -> dict[str, str | None]:
    """Versions of what shapes a result; None where a package is not installed."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
