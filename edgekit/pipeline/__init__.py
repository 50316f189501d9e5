"""Runs a recipe step by step: `run` has the steps, `store` what is done, `measured` and `results` the evidence."""

from __future__ import annotations

from edgekit.pipeline.exported import Exported, export_file
from edgekit.pipeline.manifest import Manifest, ModelRecord, read_manifest
from edgekit.pipeline.run import compress
from edgekit.pipeline.start import Given
from edgekit.pipeline.step import Step

__all__ = ["Exported", "Given", "Manifest", "ModelRecord", "Step", "compress", "export_file", "read_manifest"]
