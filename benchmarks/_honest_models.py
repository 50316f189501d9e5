"""Honest models for `attack.py`: what people save, by both Keras, in each form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
APPLICATIONS = (
    "MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "EfficientNetB0", "EfficientNetV2B0",
    "ConvNeXtTiny", "NASNetMobile", "DenseNet121", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2",
    "Xception", "VGG16",
)  # fmt: skip
Saved = tuple[str, Any, list[str]]
"""A title, a model and the forms to save it in; "" is a SavedModel."""


def models() -> Iterator[Saved]:
    """Every layer class that computes, operations, applications, mixed precision, networks, models in wrappers."""
    import _honest_layers as honest

    from edgekit import _tf
    from edgekit.keras import build_network, network_names

    third, second = _tf.keras3(), _tf.tf_keras()
    for name, model in honest.layer_models(third):
        yield f"keras3 {name}", model, [".keras", ".h5"]
    for name, model in honest.layer_models(second):
        yield f"tf_keras {name}", model, [".keras", ".h5", ""]
    for name, model in honest.operation_models(third):
        yield f"keras3 ops {name}", model, [".keras"]  # Keras itself cannot load such a .h5
    for name in APPLICATIONS:
        for tag, keras in (("keras3", third), ("tf_keras", second)):
            yield f"{tag} {name}", getattr(keras.applications, name)(weights=None, classes=5), [".keras", ".h5"]
    yield from _mixed("keras3", third)
    yield from _mixed("tf_keras", second)
    for name in network_names():
        shape = {"text": (12,), "kws": (49, 10, 1)}.get(name.partition("_")[0], (32, 32, 3))
        try:
            model = build_network(name, shape, 4)
        except Exception:  # of another rank: those of series and of texts
            model = build_network(name, (128, 6), 4)
        yield f"network {name}", model, [".keras", ".h5", ""]
    yield from _wrapped(second)


def files() -> Iterator[Path]:
    """Published files, where the folder named by EDGEKIT_DATA has them."""
    folder = Path(os.environ.get("EDGEKIT_DATA", "data"))
    yield from sorted(folder.rglob("*.h5"))
    yield from sorted(path.parent for path in folder.rglob("saved_model.pb"))


def _mixed(tag: str, keras: Any) -> Iterator[Saved]:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layers = keras.layers
        x = keras.Input((16, 16, 3))
        y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x)))
        y = layers.Add()([y, layers.DepthwiseConv2D(3, padding="same")(y)])
        y = layers.GlobalAveragePooling2D()(y)
        yield f"{tag} mixed precision images", keras.Model(x, layers.Dense(3, dtype="float32")(y)), [".keras", ".h5"]
        x = keras.Input((12, 4))
        y = layers.MultiHeadAttention(2, 4)(x, x)
        y = layers.LSTM(4)(layers.LayerNormalization()(y))
        yield f"{tag} mixed precision series", keras.Model(x, layers.Dense(3, dtype="float32")(y)), [".keras", ".h5"]
    finally:
        keras.mixed_precision.set_global_policy("float32")


def _wrapped(keras: Any) -> Iterator[Saved]:
    """Models still in TF-MOT's wrappers."""
    from edgekit import _tf

    tfmot, layers = _tf.tfmot(), keras.layers

    def network() -> Any:
        return keras.Sequential(
            [
                layers.Input((16, 16, 3)),
                layers.Conv2D(8, 3),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.DepthwiseConv2D(3),
                layers.GlobalAveragePooling2D(),
                layers.Dense(3, activation="softmax"),
            ]
        )

    schedules = tfmot.sparsity.keras
    for name, schedule in {
        "constant": schedules.ConstantSparsity(0.5, 0),
        "polynomial": schedules.PolynomialDecay(0.1, 0.5, 0, 100),
    }.items():
        model = schedules.prune_low_magnitude(network(), pruning_schedule=schedule)
        yield f"tfmot pruning {name}", model, [".keras", ".h5"]
    yield "tfmot quantisation", tfmot.quantization.keras.quantize_model(network()), [".keras", ".h5"]
    centroids = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    clustered = tfmot.clustering.keras.cluster_weights(
        network(), number_of_clusters=4, cluster_centroids_init=centroids
    )
    yield "tfmot clustering", clustered, [".keras", ".h5"]
