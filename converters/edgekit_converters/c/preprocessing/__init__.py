"""A model's preprocessing in C: a sample as it comes -> the model's input, and the way back from its outputs."""

from edgekit_converters.c.preprocessing.sources import PreprocessSources, preprocess_sources

__all__ = ["PreprocessSources", "preprocess_sources"]
