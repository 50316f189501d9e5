"""text_gru: a gated recurrent unit over word embeddings; Cho et al. 2014 (arXiv:1406.1078, section 2.3)."""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.embedding import embedded_words
from edgekit.keras.networks._width import Width, scaled

WIDTH, UNITS = 64, 64
LONGEST = 64
"""Words of a text; each is a step of the loop, one after the other."""


def build(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Any:
    """One GRU of 64 units and a dense layer; about 539,000 parameters, of which the embedding has 512,128.

    Takes int32 word indices [N, length] below 8,002, as `tokenize` gives them, of at most 64 words; softmax output.
    """
    keras = _tf.tf_keras()
    layers = keras.layers
    words, x = embedded_words(input_shape, width=WIDTH, longest=LONGEST)
    # Read from the end, so that the padding comes first and the last state is of words: nothing needs a mask.
    x = layers.GRU(scaled(UNITS, width), go_backwards=True, name="gru")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = layers.Dense(scaled(32, width), activation="relu", name="hidden")(x)
    return keras.Model(words, layers.Dense(classes, activation="softmax", name="scores")(x), name="text_gru")
