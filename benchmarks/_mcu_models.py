"""Networks for `mcu.py`, with random weights: their costs are those of trained ones.

python benchmarks/_mcu_models.py FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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


def make(folder: Path) -> None:
    """Write those that are not there."""
    import edgekit
    from edgekit import registry
    from edgekit.keras import networks
    from edgekit.training import seed_everything

    for name, (family, shape, classes, parameters) in NETWORKS.items():
        path = folder / f"{name}.tflite"
        if path.exists():
            continue
        seed_everything(0)
        model = registry.load(networks, family).build(shape, classes, **parameters)
        _spread(model)
        random = np.random.default_rng(0)
        x = random.standard_normal((64, *shape)).astype(np.float32)
        y = x if not classes else random.integers(0, classes, 64)
        edgekit.convert(model, path, data=(x, y), task="classification" if classes else "reconstruction")


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
