"""Data: sources, splits and the one preprocessing that training, calibration and evaluation share."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.data.dataset import Dataset, Split
    from edgekit.data.preprocessing import Preprocessing
    from edgekit.data.spec import KNOWN_SOURCES, DataSpec, load_data

__all__ = ["KNOWN_SOURCES", "DataSpec", "Dataset", "Preprocessing", "Split", "load_data"]

_HOMES = {
    "dataset": ("Dataset", "Split"),
    "preprocessing": ("Preprocessing",),
    "spec": ("KNOWN_SOURCES", "DataSpec", "load_data"),
}


def __getattr__(name: str) -> object:
    """Load what is asked for and no more: an export needs the preprocessing, and no sources."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
