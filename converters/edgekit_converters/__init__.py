"""Converters change the kind of a model: Keras to `.tflite`."""
