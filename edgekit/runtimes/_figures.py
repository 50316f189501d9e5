"""How figures of a model travel from the child: the worker knows interpreters only, so they come as one's output.

In the child, a runtime answers the request to open a model with `Figures`, which has an interpreter's methods: no
inputs, and one output, which is the figures as JSON text. The parent asks with `ask`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import tflite
from edgekit.runtimes._child import Child
from edgekit.runtimes._process import garbled
from edgekit.tensors import Array

__all__ = ["Figures", "ask"]


class Figures:
    """Figures with the methods of an interpreter.

    Args:
        told: What JSON can carry.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self._text = np.frombuffer(json.dumps(told).encode(), np.uint8)

    def allocate_tensors(self) -> None:
        """Nothing is left to do."""

    def get_input_details(self) -> list[dict[str, Any]]:
        return []

    def get_output_details(self) -> list[dict[str, Any]]:
        size = np.array([len(self._text)])
        empty: dict[str, list[float]] = {"scales": [], "zero_points": []}
        return [
            {
                "index": 0,
                "name": "figures",
                "shape": size,
                "shape_signature": size,
                "dtype": np.uint8,
                "quantization_parameters": empty,
            }
        ]

    def invoke(self) -> None:
        """Nothing is left to do."""

    def get_tensor(self, _: int) -> Array:
        return self._text


def ask(runtime: str, path: Path, how: str, *, limit: float) -> tuple[dict[str, Any], tflite.Model]:
    """Have a child of the runtime take the figures of a model.

    Args:
        runtime: The runtime's name.
        path: The `.tflite`; its flatbuffer is checked first.
        how: Which figures: a key of the mapping that the runtime's `load` gives.
        limit: Seconds that the child may take.

    Returns:
        The figures, and what the file holds.

    Raises:
        ModelError: The file is not a well-formed `.tflite`.
        RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
    """
    path = Path(path).resolve()
    child = Child(runtime)  # its start-up overlaps with the check
    try:
        model = tflite.read(path)
        child.request({"op": "open", "path": str(path), "threads": 1, "kernels": how}, limit=limit)
        _, (text,) = child.request({"op": "run"}, limit=limit)
        told: dict[str, Any] = json.loads(text.tobytes())
    except ValueError as error:
        raise garbled(runtime, error) from error
    finally:
        child.close()
    return told, model
