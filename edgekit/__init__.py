"""EdgeKit: takes a Keras model to phones and microcontrollers, with savings proven on the file that ships."""

from __future__ import annotations

from edgekit.api import benchmark, compress, convert, evaluate, export, inspect, load_data, load_model, sensitivity

__all__ = [
    "benchmark",
    "compress",
    "convert",
    "evaluate",
    "export",
    "inspect",
    "load_data",
    "load_model",
    "sensitivity",
]
__version__ = "0.2.0"
