"""Networks described without Keras or TensorFlow: layers, shapes, MACs and parameters, known in a millisecond.

description.py  what a description is
drawing.py      a helper that writes one, layer by layer
narrowing.py    the same network with fewer channels
building.py     from a description to a tf_keras model
"""

from __future__ import annotations

from edgekit.keras.plain.building import build_plain, built_from
from edgekit.keras.plain.description import Description, Layer, Option, Shape
from edgekit.keras.plain.drawing import Drawing
from edgekit.keras.plain.narrowing import narrowed

__all__ = ["Description", "Drawing", "Layer", "Option", "Shape", "build_plain", "built_from", "narrowed"]
