"""Train a model that reads a digit row by row, and convert it: it remembers the rows before from one call to the next.

python examples/firmware_digits/make_reader.py build/reader.tflite
"""

from __future__ import annotations

import sys
from pathlib import Path

import tf_keras as keras  # noqa: TID253 - a script that trains

import edgekit
from edgekit.data import load_data

UNITS = 32


def network(rows: int | None, *, stateful: bool) -> keras.Model:
    """A recurrent layer over rows of 8 pixels, and a score for each digit."""
    inputs = keras.Input((rows, 8), batch_size=1 if stateful else None)
    x = keras.layers.GRU(UNITS, stateful=stateful)(inputs)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def main(path: Path) -> None:
    """All rows at once for the training, one row a call for the file."""
    keras.utils.set_random_seed(0)
    data = load_data("digits")
    x, y = data.features("train").reshape(-1, 8, 8), data.labels("train")
    whole = network(8, stateful=False)
    whole.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    whole.fit(x, y, epochs=30, batch_size=64, verbose=0)
    test = whole.evaluate(data.features("test").reshape(-1, 8, 8), data.labels("test"), verbose=0)
    print(f"{test[1]:.1%} of the digits that it did not see are right, all rows at once in float32.")
    row = network(1, stateful=True)
    row.set_weights(whole.get_weights())
    rows = x[:64].reshape(-1, 1, 8)
    edgekit.convert(row, path, data=(rows, y[:64].repeat(8)), task="classification")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
