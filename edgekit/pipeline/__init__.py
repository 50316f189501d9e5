"""Runs a recipe step by step: `run` has the steps, `store` what is done, `measured` and `results` the evidence."""

from __future__ import annotations

from edgekit.pipeline.manifest import Manifest, ModelRecord, StepRecord, read_manifest
from edgekit.pipeline.run import compress

__all__ = ["Manifest", "ModelRecord", "StepRecord", "compress", "read_manifest"]
