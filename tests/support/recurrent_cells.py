"""Recurrent models for tests and benchmarks: every kind of layer with every option, tiny and with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf

__all__ = ["KINDS", "OPTIONS", "Cell", "cells", "keras_answers"]

STEPS, FEATURES, UNITS, WORDS = 7, 5, 6, 20
CALLS = 24
"""Samples that are compared; a stateful model takes them one after the other."""

KINDS = (
    "LSTM", "GRU", "SimpleRNN", "RNN(LSTMCell)", "RNN(GRUCell)", "RNN(SimpleRNNCell)", "RNN(stack)", "ConvLSTM1D",
    "ConvLSTM2D", "Bidirectional(LSTM)", "Bidirectional(GRU)", "Bidirectional(SimpleRNN)", "LSTM, LSTM", "GRU, GRU",
)  # fmt: skip
OPTIONS = (
    "embedding mask", "masking", "stateful", "initial state", "return state", "sequences", "backwards", "relu",
    "hard sigmoid", "no bias", "reset before", "time major", "unroll",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One row of the table.

    Attributes:
        kind: Of the layer.
        options: What is not as by default.
        seed: Of weights and samples.
    """

    kind: str
    options: tuple[str, ...] = ()
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.options) or 'plain'}" + (f" ({self.seed})" if self.seed else "")

    @property
    def possible(self) -> bool:
        """Whether Keras has such a layer."""
        conv, gru = self.kind.startswith("Conv"), "GRU" in self.kind or "stack" in self.kind
        never = set()
        if conv:
            never |= {"embedding mask", "time major", "initial state", "unroll", "masking"}
        if not gru:
            never |= {"reset before"}
        if self.kind.startswith("Bidirectional"):
            never |= {"backwards", "time major", "initial state"}
        if "SimpleRNN" in self.kind:
            never |= {"hard sigmoid"}
        chosen = set(self.options)
        unbuilt = ({"embedding mask", "masking"}, {"time major", "unroll"})  # Keras builds no model of the second
        return not (never & chosen or any(pair <= chosen for pair in unbuilt))

    def model(self) -> Any:
        """The tf_keras model, with weights and biases of its seed."""
        keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
        keras.utils.set_random_seed(self.seed)
        batch = 1 if "stateful" in self.options else None
        shape = self._shape
        inputs = layers.Input(shape, batch_size=batch, dtype="int32" if len(shape) == 1 else None)
        x = inputs
        if "embedding mask" in self.options:
            x = layers.Embedding(WORDS, FEATURES, mask_zero=True, embeddings_initializer="random_normal")(x)
        if "masking" in self.options:
            x = layers.Masking()(x)
        parts = []
        names = self.kind.split(", ")
        for number, name in enumerate(names):
            last = number == len(names) - 1
            made = _layer(layers, name, self.options, sequences=not last or "sequences" in self.options)
            states = None
            if "initial state" in self.options and number == 0:
                flat = layers.Flatten()(x)
                widths = [UNITS, UNITS] if "LSTM" in name else [UNITS, UNITS, UNITS] if "stack" in name else [UNITS]
                states = [layers.Dense(width, activation="tanh")(flat) for width in widths]
                if "stack" in name:
                    states = [states[:2], states[2]]
            outputs = made(x, initial_state=states) if states is not None else made(x)
            x, *more = outputs if isinstance(outputs, list | tuple) else [outputs]
            parts += [layers.Flatten()(state) for state in _tf.tensorflow().nest.flatten(more)]
        parts = [layers.Flatten()(x), *parts]
        x = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        model = keras.Model(inputs, layers.Dense(3)(x))
        rng = np.random.default_rng(self.seed)
        model.set_weights([w + 0.15 * rng.standard_normal(w.shape).astype(w.dtype) for w in model.get_weights()])
        return model

    def samples(self) -> NDArray[Any]:
        """Samples [N, ...], the last steps of which are padding where there is a mask."""
        rng = np.random.default_rng(self.seed + 1)
        count = 64
        padding = rng.integers(2, STEPS + 1, count)
        counting = np.arange(STEPS) < padding[:, np.newaxis]
        if "time major" in self.options:  # the samples are the steps
            counting = np.arange(count)[:, np.newaxis] < count - 3
        if "embedding mask" in self.options:
            ids = rng.integers(1, WORDS, (count, *self._shape)).astype(np.int32)
            return np.where(counting, ids, 0).astype(np.int32)
        x = rng.standard_normal((count, *self._shape)).astype(np.float32)
        if "masking" in self.options:
            x *= counting[..., np.newaxis]
        return x

    @property
    def _shape(self) -> tuple[int, ...]:
        if self.kind == "ConvLSTM2D":
            return 3, 4, 4, 2
        if self.kind == "ConvLSTM1D":
            return 3, 5, 2
        if "time major" in self.options:
            return (1,) if "embedding mask" in self.options else (1, FEATURES)
        return (STEPS,) if "embedding mask" in self.options else (STEPS, FEATURES)


def cells(*, pairs: bool, seeds: int = 1) -> Iterator[Cell]:
    """Every kind, plain, with each option and, where asked, with each pair of them (those with one seed)."""
    for kind in KINDS:
        for options in [(), *((o,) for o in OPTIONS)]:
            for seed in range(seeds):
                cell = Cell(kind, options, seed)
                if cell.possible:
                    yield cell
        if pairs:
            yield from (cell for both in combinations(OPTIONS, 2) if (cell := Cell(kind, both)).possible)


def keras_answers(model: Any, samples: NDArray[Any], *, stateful: bool) -> NDArray[Any]:
    """What Keras says of the first samples [CALLS, 3]; of a stateful model's state zero on."""
    if not stateful:
        return np.asarray(model(samples[:CALLS], training=False))  # `predict` would trace the model first
    model.reset_states()
    answers: NDArray[Any] = model.predict(samples[:CALLS], batch_size=1, verbose=0)
    model.reset_states()
    return answers


def _layer(layers: Any, name: str, options: tuple[str, ...], *, sequences: bool) -> Any:
    of_cell: dict[str, Any] = {}
    if "relu" in options:
        of_cell["activation"] = "relu"
    if "hard sigmoid" in options:
        of_cell["recurrent_activation"] = "hard_sigmoid"
    if "no bias" in options:
        of_cell["use_bias"] = False
    of_layer = {
        "return_sequences": sequences,
        "return_state": "return state" in options,
        "stateful": "stateful" in options,
        "go_backwards": "backwards" in options,
        **({"time_major": True} if "time major" in options else {}),
        **({"unroll": True} if "unroll" in options else {}),
    }
    if name.startswith("Conv"):
        kind = getattr(layers, name)
        return kind(3, 3, padding="same", **of_cell, **of_layer)
    if name.startswith("Bidirectional"):
        inner = name[len("Bidirectional(") : -1]
        return layers.Bidirectional(_layer(layers, inner, options, sequences=sequences))
    gru = {"reset_after": False} if "reset before" in options else {}
    if name == "RNN(stack)":
        plain = {k: v for k, v in of_cell.items()}
        return layers.RNN([layers.LSTMCell(UNITS, **plain), layers.GRUCell(UNITS, **plain, **gru)], **of_layer)
    if name.startswith("RNN"):
        inner = name[len("RNN(") : -1]
        return layers.RNN(getattr(layers, inner)(UNITS, **of_cell, **(gru if "GRU" in inner else {})), **of_layer)
    return getattr(layers, name)(UNITS, **of_cell, **of_layer, **(gru if name == "GRU" else {}))
