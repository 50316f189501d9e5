"""text_transformer: a small pre-norm Transformer encoder; Vaswani et al. 2017 (arXiv:1706.03762, section 3.1), with the
norms inside the residual branches as in Xiong et al. 2020 (arXiv:2002.04745, section 3.2).
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.embedding import embedded_words

WIDTH, HEADS, INNER, BLOCKS = 64, 4, 128, 2
LONGEST = 256


def build(input_shape: tuple[int, ...], classes: int) -> Any:
    """Two blocks of 4 heads and width 64; about 586,000 parameters on 40 words, of which the embedding has 512,128.

    Takes int32 word indices [N, length] below 8,002, as `tokenize` gives them; softmax output. Padding is an ordinary
    word without a mask, which keeps the graph free of operators that integer runtimes lack.
    """
    keras = _tf.tf_keras()
    layers = keras.layers
    words, x = embedded_words(input_shape, width=WIDTH, longest=LONGEST)
    # Learned positions are the bias [length, width] of a projection that begins as the identity: one plain layer, where
    # a second embedding would need a constant tensor of positions, which no cloned or saved graph carries.
    x = layers.EinsumDense(
        "nld,de->nle", (input_shape[0], WIDTH), bias_axes="le", kernel_initializer="identity", name="positions"
    )(x)
    for block in range(1, BLOCKS + 1):
        name = f"block{block}"
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm1")(x)
        y = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"{name}_attention")(y, y)
        x = layers.Add(name=f"{name}_add1")([x, layers.Dropout(0.1, name=f"{name}_dropout1")(y)])
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm2")(x)
        y = layers.Dense(INNER, activation="relu", name=f"{name}_inner")(y)
        y = layers.Dense(WIDTH, name=f"{name}_outer")(y)
        x = layers.Add(name=f"{name}_add2")([x, layers.Dropout(0.1, name=f"{name}_dropout2")(y)])
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    return keras.Model(words, layers.Dense(classes, activation="softmax", name="scores")(x), name="text_transformer")
