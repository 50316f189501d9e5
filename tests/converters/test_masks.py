"""Masks outside of recurrent layers: padding counts in no file where it does not count in Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.measure.predict import predict
from edgekit_converters.tflite import ConvertSpec, convert_keras

WORDS = 50
LEAST = {"float32": 100.0, "int8": 20.0}
"""dB against Keras."""


def masked(kind: str) -> Any:
    """A small text classifier that masks the padding of its words."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(0)
    words = keras.Input((6,))
    spread = keras.initializers.RandomNormal(stddev=1.5)
    x = layers.Embedding(WORDS, 4, mask_zero=True, embeddings_initializer=spread)(words)
    x = {
        "pooling": lambda: layers.GlobalAveragePooling1D()(x),
        "multi head": lambda: layers.MultiHeadAttention(2, 4)(x, x),
        "causal": lambda: layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
        "attention": lambda: layers.Attention()([x, x]),
        "additive": lambda: layers.AdditiveAttention()([x, x]),
        "time distributed": lambda: layers.TimeDistributed(layers.Dense(2))(x),
        "convolution": lambda: layers.Conv1D(4, 3)(x),
    }[kind]()
    return keras.Model(words, layers.Dense(3)(layers.Flatten()(x)))


@pytest.mark.parametrize("kind", list(LEAST))
@pytest.mark.parametrize(
    "layer", ["pooling", "multi head", "causal", "attention", "additive", "time distributed", "convolution"]
)
def test_padding_does_not_count(layer: str, kind: str, tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "m.tflite"
    words = rng.integers(1, WORDS, (64, 6)).astype(np.int32)
    words[np.arange(6) >= rng.integers(2, 7, 64)[:, np.newaxis]] = 0
    parity = convert_keras(masked(layer), path, ConvertSpec(format=kind), representative=words).parity  # type: ignore[arg-type]
    assert parity.sqnr_db is not None and parity.sqnr_db >= LEAST[kind]
    assert tflite.inspect(path).quantization == kind


@pytest.mark.parametrize("row", [[0, 0, 0, 0, 0, 0], [0, 0, 0, 7, 8, 9]], ids=["nothing counts", "padded in front"])
def test_rows_in_which_no_score_counts_are_uniform(row: list[int], tmp_path: Path) -> None:
    """As Keras has it, whose -1e9 swallows the scores."""
    rng, path = np.random.default_rng(0), tmp_path / "m.tflite"
    words = rng.integers(1, WORDS, (64, 6)).astype(np.int32)
    words[::2, : rng.integers(1, 6)] = 0
    words[1::8] = row
    model = masked("causal")
    convert_keras(model, path, ConvertSpec(format="int8"), representative=words)
    given = np.array([row], np.int32)
    wanted = model.predict(given, verbose=0)
    np.testing.assert_allclose(predict(path, given), wanted, atol=0.1 * np.ptp(model.predict(words, verbose=0)))
