"""Exported C against TFLite Micro, to the bit, on published models."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from exported_c import compiled, differing, drawn_inputs, missing
from real_data import DATA, MISSING

from edgekit import tflite

MODELS = {
    "DS-CNN": "kws/kws_ref_model_int8.tflite",
    "ResNet8": "ic/pretrainedResnet_quant.tflite",
    "micro_speech": "tflite/micro_speech_quantized.tflite",
    "hello_world": "tflite/hello_world_int8.tflite",
    "LSTM": "tflite/trained_lstm_int8.tflite",
    "LSTM of uint8": "tflite/keras_lstm_mnist_ptq.tflite",
}
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)]


@pytest.fixture(autouse=True)
def _compiler() -> None:
    reason = missing()
    if reason:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.mark.parametrize("name", MODELS)
def test_equals_tflite_micro_to_the_bit(name: str, tmp_path: Path) -> None:
    model = tflite.read(DATA / "models" / MODELS[name])
    made = compiled(model, tmp_path)
    random = np.random.default_rng(0)
    samples = [drawn_inputs(made.firmware.inputs, random) for _ in range(50)]
    assert differing(made, samples) == 0
    # Random images are far from digits: one of the LSTMs then has few opinions.
    fewest = 3 if name == "LSTM" else 10
    assert len({made.run(sample)[0].tobytes() for sample in samples}) >= fewest, "answers that differ by sample"
