"""Networks for `mcu.py`, with random weights: their costs are those of trained ones.

python benchmarks/_mcu_models.py FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf

NETWORKS: dict[str, tuple[str, tuple[int, ...], int, dict[str, float]]] = {
    "autoencoder": ("autoencoder", (640,), 0, {}),
    "ds_cnn_odd": ("ds_cnn", (49, 10, 1), 12, {"width": 0.55}),  # 35 channels
    "resnet8_narrow": ("resnet8", (32, 32, 3), 10, {"width": 0.7}),  # 11, 22, 45 channels
    "mobilenet_96": ("mobilenet_v1", (96, 96, 3), 2, {}),
    "vgg_small": ("vgg_small", (32, 32, 3), 10, {"width": 0.5}),
    "lenet5": ("lenet5", (28, 28, 1), 10, {}),
    "digits_cnn": ("digits_cnn", (8, 8, 1), 10, {}),
}
"""By name: the family, its input, its classes, its parameters."""
OTHERS: dict[str, Callable[[], Any]] = {
    "depthwise_5x5": lambda: _depthwise(5),
    "depthwise_7x7": lambda: _depthwise(7),
    "squeeze_excite": lambda: _squeeze_excite(),
}
"""Networks of no family, whose layers have kernels of their own, over images of 32 x 32 x 3 with ten classes."""


def make(folder: Path) -> None:
    """Write those that are not there."""
    from edgekit import registry
    from edgekit.keras import networks

    for name, (family, shape, classes, parameters) in NETWORKS.items():
        build = registry.load(networks, family).build
        _convert(folder / f"{name}.tflite", lambda: build(shape, classes, **parameters), classes)  # noqa: B023
    for name, other in OTHERS.items():
        _convert(folder / f"{name}.tflite", other, 10)


def _convert(path: Path, build: Callable[[], Any], classes: int) -> None:
    import edgekit
    from edgekit.training import seed_everything

    if path.exists():
        return
    seed_everything(0)
    model = build()
    _spread(model)
    random = np.random.default_rng(0)
    x = random.standard_normal((64, *model.input_shape[1:])).astype(np.float32)
    y = x if not classes else random.integers(0, classes, 64)
    edgekit.convert(model, path, data=(x, y), task="classification" if classes else "reconstruction")


def _depthwise(side: int) -> Any:
    """Depthwise-separable convolutions with wide filters."""
    layers = _tf.tf_keras().layers
    x = inputs = layers.Input((32, 32, 3))
    x = _relu(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x))
    for width, stride in ((24, 1), (32, 2), (32, 1), (48, 2), (48, 1)):
        x = _relu(layers.DepthwiseConv2D(side, strides=stride, padding="same", use_bias=False)(x))
        x = _relu(layers.Conv2D(width, 1, use_bias=False)(x))
    return _classifier(inputs, x)


def _squeeze_excite() -> Any:
    """Depthwise-separable convolutions whose channels are weighed by what all places have (Hu et al. 2018)."""
    layers = _tf.tf_keras().layers
    x = inputs = layers.Input((32, 32, 3))
    x = _relu(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x))
    for width, stride in ((24, 1), (32, 2), (32, 1)):
        x = _relu(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
        gate = layers.Conv2D(max(4, width // 4), 1, activation="relu")(gate)
        x = layers.Multiply()([x, layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(gate)])
        x = _relu(layers.Conv2D(width, 1, use_bias=False)(x))
    return _classifier(inputs, x)


def _relu(x: Any) -> Any:
    layers = _tf.tf_keras().layers
    return layers.ReLU()(layers.BatchNormalization()(x))


def _classifier(inputs: Any, x: Any) -> Any:
    keras = _tf.tf_keras()
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def _spread(model: Any) -> None:
    """Statistics of batch normalisation that are no ones and zeros, as a trained network has them."""
    random = np.random.default_rng(1)
    setters: dict[str, Callable[[Any], Any]] = {
        "moving_mean": lambda v: random.normal(0, 0.3, v.shape),
        "moving_variance": lambda v: random.uniform(0.5, 2.0, v.shape),
        "gamma": lambda v: random.uniform(0.5, 1.5, v.shape),
        "beta": lambda v: random.normal(0, 0.3, v.shape),
    }
    for variable in model.weights:
        kind = variable.name.rpartition("/")[2].partition(":")[0]
        if kind in setters:
            variable.assign(setters[kind](variable))


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    make(Path(sys.argv[1]))
