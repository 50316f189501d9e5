"""Recurrent layers of Keras, converted to int8 and exported as C, against TFLite Micro, to the bit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from exported_c import compiled, differing, drawn_inputs, missing
from recurrent_cells import Cell

from edgekit import tflite
from edgekit_converters.tflite import ConvertSpec, convert_keras

CELLS = [
    Cell("GRU", ("unroll",)), Cell("LSTM", ("unroll",)), Cell("GRU", ("sequences",)), Cell("GRU, GRU"),
    Cell("LSTM, LSTM"), Cell("SimpleRNN", ("sequences",)), Cell("GRU", ("backwards",)), Cell("LSTM", ("stateful",)),
    Cell("Bidirectional(GRU)", ("sequences",)),
]  # fmt: skip
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_recurrent_layer_is_what_tflite_micro_computes(cell: Cell, tmp_path: Path) -> None:
    if reason := missing():
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    path = tmp_path / "cell.tflite"
    convert_keras(cell.model(), path, ConvertSpec(format="int8"), representative=cell.samples())
    made = compiled(tflite.read(path), tmp_path)
    random = np.random.default_rng(0)
    samples = [drawn_inputs(made.firmware.inputs, random) for _ in range(20)]
    assert differing(made, samples) == 0
    assert len({made.run(sample)[0].tobytes() for sample in samples}) > 10, "answers that differ by sample"
