"""Data: sources, splits and the one preprocessing that training, calibration and evaluation share."""

from __future__ import annotations

from edgekit.data.dataset import Dataset, Split
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.spec import KNOWN_SOURCES, DataSpec, load_data

__all__ = ["KNOWN_SOURCES", "DataSpec", "Dataset", "Preprocessing", "Split", "load_data"]
