"""Keras -> `.tflite`: lowered with batch 1, converted, read back, held to its contract and to the Keras model."""

from __future__ import annotations

from edgekit_converters.tflite.conversion import Conversion
from edgekit_converters.tflite.convert import convert_keras, converted
from edgekit_converters.tflite.foreign import convert_file
from edgekit_converters.tflite.nearness import operator_nearness
from edgekit_converters.tflite.reference import Held, held_of
from edgekit_converters.tflite.source import convert_source
from edgekit_converters.tflite.spec import ConvertSpec, format_names

__all__ = [
    "Conversion", "ConvertSpec", "Held", "convert_file", "convert_keras", "convert_source",
    "converted", "format_names", "held_of", "operator_nearness",
]  # fmt: skip
