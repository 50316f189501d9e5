"""What the reference networks for text begin with: word indices, and a row of an embedding for each."""

from __future__ import annotations

from typing import Any

from edgekit import _tf

__all__ = ["VOCABULARY_ROWS", "embedded_words"]

VOCABULARY_ROWS = 8002
"""Padding, unknown and the 8,000 words that `tokenize` learns at most: a network is built before it sees a word."""


def embedded_words(input_shape: tuple[int, ...], *, width: int, longest: int) -> tuple[Any, Any]:
    """The input `words`, int32 [N, length], and its embedding, float32 [N, length, width].

    Args:
        input_shape: (length,), without batch.
        width: Values of a word.
        longest: Words that the network takes at most.

    Raises:
        ValueError: The input is not one row of at most `longest` words.
    """
    if len(input_shape) != 1 or not 1 <= input_shape[0] <= longest:
        raise ValueError(f"it takes 1 to {longest} word indices, such as tokenize gives")
    layers = _tf.tf_keras().layers
    words = layers.Input(input_shape, dtype="int32", name="words")
    return words, layers.Embedding(VOCABULARY_ROWS, width, name="embedding")(words)
