"""Trying a file in this very process, before it is finished: which of two forms comes nearer to Keras.

By the interpreter that comes with TensorFlow, for a child that converts may start no other process. What a file is
worth in the end, LiteRT says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data.dataset import Array
from edgekit.measure.parity import Reference, compare
from edgekit.models.tflite import TfliteModel
from edgekit.runtimes import TensorSpec
from edgekit.runtimes._quantize import dequantize, quantize

__all__ = ["FAILS", "interpreter_of", "spec_of", "trial_db"]

FAILS = -300.0
"""dB of a file that does not run."""


def trial_db(content: bytes, reference: Reference) -> float:
    """SQNR of a `.tflite` against what Keras answered; far below zero where it does not run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.tflite"
        path.write_bytes(content)
        try:
            found = compare(path, reference, runner=_run).sqnr_db
        except (RuntimeError, ValueError):  # as the interpreter refuses
            return FAILS
    return found if found is not None else -FAILS


@contextmanager
def interpreter_of(content: bytes) -> Iterator[Any]:
    """TensorFlow's interpreter with a model in it."""
    from ai_edge_litert.interpreter import Interpreter

    with _tf.captured_output():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    yield interpreter


def spec_of(detail: Mapping[str, Any]) -> TensorSpec:
    """A tensor as the interpreter describes it."""
    scale, point = detail["quantization"]
    shape = tuple(int(n) for n in detail["shape"])
    dtype = np.dtype(detail["dtype"]).name
    return TensorSpec(detail["name"], shape, dtype, float(scale) or None, int(point) if scale else None)


def _run(path: Path, model: TfliteModel, samples: Mapping[str, Array]) -> tuple[list[Array], tuple[TensorSpec, ...]]:
    names = {tensor: name for name, tensor in model.signatures[0].inputs.items()}
    feeds = [samples[names[tensor]] for tensor in model.subgraphs[0].inputs]
    with interpreter_of(path.read_bytes()) as interpreter:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        specs = tuple(map(spec_of, outputs))
        rows = []
        for i in range(len(feeds[0])):
            interpreter.reset_all_variables()
            for detail, feed in zip(inputs, feeds, strict=True):
                interpreter.set_tensor(detail["index"], quantize(feed[i : i + 1], spec_of(detail)))
            interpreter.invoke()
            raw = [interpreter.get_tensor(detail["index"]) for detail in outputs]
            rows.append([dequantize(values, spec) for values, spec in zip(raw, specs, strict=True)])
        return [np.stack(column) for column in zip(*rows, strict=True)], specs
