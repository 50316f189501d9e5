"""How a runtime shows that it can be used here: a tiny model runs on it and comes out right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.runtimes._types import INT8_PROBE, PROBE, Session
from edgekit.tensors import dequantize, quantize

__all__ = ["INT8_PROBE", "PROBE", "reason_against"]


def reason_against(
    runtime: str,
    open_session: Callable[[Path], AbstractContextManager[Session]],
    remedy: str = "",
    *,
    sample: Path = PROBE,
) -> str | None:
    """Why a runtime cannot be used here, with the remedy; None where the sample ran and came out right."""
    from edgekit import tflite  # here, as children import this module with its package, and read no file themselves

    x = np.array([[-1.0, 0.0, 0.5, 2.0]], np.float32)
    try:
        graph = tflite.read(sample).graphs[0]
        with open_session(sample) as session:
            (y,) = session.run([quantize(x, graph.tensors[graph.inputs[0]].spec)])
        y = dequantize(y, graph.tensors[graph.outputs[0]].spec)
    except EdgekitError as error:
        return str(error)
    if not np.array_equal(y, np.maximum(x, 0)):
        return f"The runtime {runtime} computes relu({x.tolist()}) as {y.tolist()}. {remedy}".rstrip()
    return None
