"""Models of Keras 3 under another backend than TensorFlow: in a process of their own, as a backend is chosen once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

CODE = """
import json
import keras
import numpy as np
import edgekit

layers, told = keras.layers, {}


class Scale(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return keras.ops.relu(x * self.scale) + keras.ops.mean(x, axis=-1, keepdims=True)


class OfTheBackend(layers.Layer):
    def call(self, x):
        if keras.backend.backend() == "torch":
            import torch

            return torch.nn.functional.softplus(x)
        import jax

        return jax.nn.softplus(x)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return keras.ops.tanh(self.dense(x))


def convolutions():
    x = image = keras.Input((8, 8, 3))
    for layer in (layers.Rescaling(2.0), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()):
        x = layer(x)
    x = layers.Add()([x, layers.SeparableConv2D(4, 3, padding="same")(x)])
    x = layers.Conv2DTranspose(3, 3, strides=2)(keras.ops.transpose(x, (0, 2, 1, 3)))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def recurrent():
    return keras.Sequential([keras.Input((6, 3)), layers.LSTM(4, return_sequences=True), layers.GRU(4)])


def words():
    words = layers.Embedding(20, 4, mask_zero=True)
    return keras.Sequential([keras.Input((6,), dtype="int32"), words, layers.GlobalAveragePooling1D()])


def attention():
    x = keras.Input((6, 8))
    return keras.Model(x, layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x)))


def half():
    return keras.Sequential([keras.Input((5,)), layers.Dense(4, dtype="mixed_bfloat16")])


def subclassed():
    model = Subclassed()
    model(np.zeros((2, 4), "float32"))
    return model


def two_inputs():
    inputs = {name: keras.Input((3,), name=name) for name in "ab"}
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()([*inputs.values()])))


def own_layer():
    return keras.Sequential([keras.Input((5,)), Scale(), layers.Dense(2)])


for make in (convolutions, recurrent, words, attention, half, subclassed, two_inputs, own_layer):
    new = edgekit.load_model(make())  # which compares the two
    assert type(new).__module__.startswith("tf_keras"), make.__name__
try:
    edgekit.load_model(keras.Sequential([keras.Input((5,)), OfTheBackend(), layers.Dense(2)]))
except edgekit.errors.ModelError as error:
    told["refused"] = str(error)
print(json.dumps({**told, "backend": keras.backend.backend()}))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.slow
def test_models_of_another_backend_are_carried_over(backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"needs {backend}, which no part of EdgeKit uses: pip install {backend}")
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": backend}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["backend"] == backend and "type OfTheBackend" in told["refused"]
    assert "Write keras.ops in place of other functions in OfTheBackend.call" in told["refused"]
