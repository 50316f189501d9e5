"""How a runtime shows that it can be used here: a tiny model runs on it and comes out right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.runtimes._types import Session

__all__ = ["PROBE", "reason_against"]

PROBE = Path(__file__).with_name("_probe.tflite")
"""y = relu(x) on float32 [1, 4], made with tf.lite 2.21."""


def reason_against(
    runtime: str, open_session: Callable[[Path], AbstractContextManager[Session]], remedy: str = ""
) -> str | None:
    """Why a runtime cannot be used here, with the remedy; None where the probe ran and came out right."""
    x = np.array([[-1.0, 0.0, 0.5, 2.0]], np.float32)
    try:
        with open_session(PROBE) as session:
            (y,) = session.run([x])
    except EdgekitError as error:
        return str(error)
    if not np.array_equal(y, np.maximum(x, 0)):
        return f"The runtime {runtime} computes relu({x.tolist()}) as {y.tolist()}. {remedy}".rstrip()
    return None
