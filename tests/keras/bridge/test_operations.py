"""Operations and activations give the same numbers in tf_keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.mark.parametrize(
    "activation", "hard_sigmoid hard_silu hard_tanh log_sigmoid log_softmax relu6 silu mish tanh_shrink".split()
)
def test_activations_inside_layers_and_on_their_own(keras: Any, activation: str, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, activation=activation, name="inside")(inputs)
    new = bridged(keras.Model(inputs, keras.layers.Activation(activation, name="alone")(x * 4.0)))
    assert {"inside", "alone"} <= {layer.name for layer in new.layers}


def test_a_layer_as_activation(keras: Any, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((6,))
    dense = keras.layers.Dense(5, activation=keras.layers.PReLU(name="prelu"), name="dense")
    new = bridged(keras.Model(inputs, dense(inputs)))
    assert [layer.name for layer in new.layers][1:] == ["dense", "prelu"]


def _operations(ops: Any) -> dict[str, Any]:
    numbers = np.linspace(-1, 1, 4).astype("float32")
    return {
        "arithmetic": lambda x: (2.0 - x) * 3.0 / (1.5 + x * x) - 0.5,
        "reversed": lambda x: 1.0 / (ops.abs(x) + 2.0) + (-x) ** 2,
        "per channel": lambda x: (x * numbers + numbers) - ops.convert_to_tensor(numbers),
        "constant plane": lambda x: x + np.ones((8, 6, 4), "float32"),
        "tensors": lambda x: ops.maximum(ops.add(x, x), ops.subtract(x, ops.multiply(x, x))) + ops.minimum(x, 0.3),
        "broadcast": lambda x: x * ops.mean(x, axis=(1, 2), keepdims=True) + ops.max(x, axis=-1, keepdims=True),
        "ranks": lambda x: x + ops.mean(x, axis=(0, 1)),
        "relu6": lambda x: x * ops.relu6(x + 3.0) * (1.0 / 6.0),
        "clip": lambda x: ops.clip(x, 0.0, 0.7) + ops.clip(x, -0.2, 0.4),
        "reshape": lambda x: ops.reshape(x, (-1, 48, 4)),
        "reshape batch": lambda x: ops.reshape(ops.reshape(x, (-1, 4)), (-1, 8, 6, 4)),
        "transpose": lambda x: ops.swapaxes(ops.transpose(x, (0, 2, 1, 3)), 1, -1),
        "moveaxis": lambda x: ops.moveaxis(x, -1, 1),
        "dims": lambda x: ops.squeeze(ops.expand_dims(ops.expand_dims(x, 1), -1), 1),
        "reduce": lambda x: ops.sum(x, axis=-1) + ops.min(x, axis=-1) * ops.var(x, axis=-1) - ops.std(x, axis=-1),
        "pool": lambda x: ops.mean(x, axis=[1, 2]) + ops.max(x, axis=(1, 2)),
        "concatenate": lambda x: ops.concatenate([x, ops.flip(x, axis=1)], axis=-1),
        "stack": lambda x: ops.stack([x, ops.roll(x, 1, axis=2)], axis=1),
        "split": lambda x: ops.add(*ops.split(x, 2, axis=-1)),
        "split at": lambda x: ops.split(x, [1, 3], axis=-1)[1],
        "items": lambda x: x[:, 1:-1, ..., ::2] * x[..., 0, None][:, 1:-1],
        "item": lambda x: x[:, 0],
        "softmax": lambda x: ops.softmax(x, axis=-2) + ops.log_softmax(x),
        "activations": lambda x: ops.gelu(x) + ops.gelu(x, approximate=False) + ops.leaky_relu(x, 0.3) + ops.silu(x),
        "more activations": lambda x: ops.sigmoid(x) + ops.tanh(x) + ops.hard_sigmoid(x) + ops.elu(x) + ops.relu(x),
        "elementwise": lambda x: (
            ops.exp(x) + ops.log(ops.square(x) + 1.0) + ops.sqrt(ops.abs(x)) + ops.rsqrt(x * x + 1)
        ),
        "matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 1, 3, 2))),
        "einsum": lambda x: ops.einsum("bhwc,bkwc->bwhk", x, x),
        "einsum with a matrix": lambda x: ops.einsum("bhwc,dc->bhwd", x, np.eye(3, 4, dtype="float32")),
        "where": lambda x: ops.where(ops.greater(x, 0.1), x, 0.0),
        "argmax": lambda x: ops.argmax(x, axis=-1),
        "one hot": lambda x: ops.one_hot(ops.argmax(x, axis=-1), 4),
        "cast": lambda x: ops.cast(ops.argmax(x, axis=-1), "float32") * 0.5,
        "int times float": lambda x: ops.argmax(x, axis=-1) * 0.5,
        "pad": lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
        "pad channels": lambda x: ops.pad(x, [[0, 0], [0, 0], [0, 0], [1, 1]], constant_values=2.0),
        "pad reflect": lambda x: ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="reflect"),
        "pooling": lambda x: ops.max_pool(x, 2, 2) + ops.average_pool(x, (2, 2), 2, padding="same"),
        "repeat": lambda x: ops.tile(ops.repeat(x, 2, axis=1), [1, 1, 2, 1]),
        "normalize": lambda x: ops.normalize(x, axis=-1),
        "resize": lambda x: ops.image.resize(x, (5, 7)),
        "take": lambda x: ops.take(x, np.array([0, 2]), axis=-1),
        "top k": lambda x: ops.top_k(x, 2)[0],
        "depth to space": lambda x: ops.depth_to_space(x, 2),
    }


@pytest.mark.parametrize("case", sorted(_operations(None)))
def test_operations(keras: Any, case: str, bridged: Callable[..., Any]) -> None:
    if case == "depth to space" and not hasattr(keras.ops, "depth_to_space"):
        pytest.skip(f"Keras {keras.__version__} has no depth_to_space")
    inputs = keras.Input((8, 6, 4))
    bridged(keras.Model(inputs, _operations(keras.ops)[case](inputs)))


def test_scalar_arithmetic_becomes_layers(keras: Any, bridged: Callable[..., Any]) -> None:
    inputs = keras.Input((4, 4, 2))
    x = inputs * (keras.ops.relu6(inputs + 3.0) / 6.0)
    new = bridged(keras.Model(inputs, keras.ops.mean(keras.ops.transpose(x, (0, 2, 1, 3)), axis=(1, 2))))
    kinds = [type(layer).__name__ for layer in new.layers]
    assert sorted(kinds) == sorted(
        ["InputLayer", "Rescaling", "ReLU", "Rescaling", "Multiply", "Permute", "GlobalAveragePooling2D"]
    )
