"""Runs a recipe step by step: `run` has the steps, `store` what is done, `measured` and `results` the evidence."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.pipeline.exported import Exported, export_file
    from edgekit.pipeline.manifest import Manifest, ModelRecord, read_manifest
    from edgekit.pipeline.run import compress
    from edgekit.pipeline.start import Given
    from edgekit.pipeline.step import Step

__all__ = ["Exported", "Given", "Manifest", "ModelRecord", "Step", "compress", "export_file", "read_manifest"]

_HOMES = {
    "exported": ("Exported", "export_file"),
    "manifest": ("Manifest", "ModelRecord", "read_manifest"),
    "run": ("compress",),
    "start": ("Given",),
    "step": ("Step",),
}


def __getattr__(name: str) -> object:
    """Load what is asked for and no more: an export needs nothing of training."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
