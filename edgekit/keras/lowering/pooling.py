"""A pooling over the whole image becomes MEAN in integer files, which costs 88 bytes and saves most of the error.

AVERAGE_POOL_2D must have one scale for input and output, although averages over a whole image span a much smaller range
than the values they are taken from: most of their 8 bits go unused. MEAN has an output scale of its own. On MLPerf
Tiny's ResNet8 this one operator makes more than half of the output error of a calibrated int8 file.
"""

from __future__ import annotations

from typing import Any

from edgekit import _tf
from edgekit.keras.cloning import cloned
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["with_free_pooling_scale"]


def with_free_pooling_scale(model: KerasModel) -> Any:
    """The same function with GlobalAveragePooling2D where AveragePooling2D covers the whole image.

    Args:
        model: A flat tf_keras model; pools inside quantisation wrappers keep the ranges that they learned.

    Returns:
        A copy, or the model itself where there is no such pool.
    """
    if not any(_covers_image(layer) for layer in model.layers):
        return model

    def change(layer: KerasLayer) -> Any | None:
        if not _covers_image(layer):
            return None
        return _tf.tf_keras().layers.GlobalAveragePooling2D(keepdims=True, name=layer.name)

    return cloned(model, change)


def _covers_image(layer: KerasLayer) -> bool:
    if type(layer) is not _tf.tf_keras().layers.AveragePooling2D or layer.data_format != "channels_last":
        return False
    nodes = layer.inbound_nodes
    whole_input = all(tuple(n.input_shapes[1:3]) == tuple(layer.pool_size) for n in nodes)
    return whole_input and all(tuple(n.output_shapes[1:3]) == (1, 1) for n in nodes)
