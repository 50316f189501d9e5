"""The error of what has no code in C."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import Finding, ModelError

__all__ = ["FINITE", "REPLACE", "Refused", "not_finite"]

FINITE = "Real constants are finite: C has no literals for infinity and NaN."
REPLACE = "Replace them in the model, by the largest number of float32, say."


class Refused(ModelError):
    """No kernel for an operator as it stands."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.where}: {finding.rule}", received=finding.received, remedy=finding.remedy)
        self.found = finding


def not_finite(values: NDArray[np.generic]) -> float | None:
    """The first real value that is infinite or no number; None where all are finite, or integers."""
    if values.dtype.kind != "f":
        return None
    flat = np.asarray(values).reshape(-1)
    wrong = flat[~np.isfinite(flat)]
    return float(wrong[0]) if wrong.size else None
