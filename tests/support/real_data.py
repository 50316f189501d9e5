"""Where the real data sets and models lie that slow tests read: in the folder that EDGEKIT_DATA names."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(os.environ.get("EDGEKIT_DATA", os.devnull)).absolute()
"""No folder where the variable is not set: the tests that need it are then skipped, and say so."""

MISSING = "needs the real data sets and models in the folder that EDGEKIT_DATA names"
