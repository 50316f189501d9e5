"""Rounding to 8 bits in the training loop, where the integer file rounds: one concern a file.

kinds.py        what each kind of layer becomes, as tables
canonical.py    layers taken apart until every stored value is the output of a layer
placement.py    where ranges belong
quantizers.py   rounding itself, on TF-MOT's extension points
wrapping.py     the rounded model
ranges.py       ranges from data, frozen, handed over
biases.py       biases on the file's grid
callbacks.py    ranges and statistics held still
zeros.py        pruned zeros stay zeros
"""

from __future__ import annotations

from edgekit.methods.quantize.ranges import calibrate, freezing, settled
from edgekit.methods.quantize.wrapping import Quantized, Ranges, quantize
from edgekit.methods.quantize.zeros import keeping_zeros

__all__ = [
    "Quantized",
    "Ranges",
    "calibrate",
    "freezing",
    "keeping_zeros",
    "quantize",
    "settled",
]
