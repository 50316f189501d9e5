"""Keras -> `.tflite`: lowered with batch 1, converted, read back and held to its contract."""

from __future__ import annotations

from edgekit_converters.tflite.convert import convert_keras
from edgekit_converters.tflite.foreign import convert_file
from edgekit_converters.tflite.reference import Held
from edgekit_converters.tflite.spec import ConvertSpec, format_names

__all__ = ["ConvertSpec", "Held", "convert_file", "convert_keras", "format_names"]
