"""Recurrent layers that no operator computes: a loop of `.tflite` whose body is the cell's step, in any format.

TensorFlow's own loops cannot be calibrated (the process dies), and written out step by step a layer grows with its
steps. So a loop is taken out of the model: the model around it and one step are converted on their own, each with
calibration samples of what really flows there, and put together again in the finished file.

parts.py    what is taken out of a model
outline.py  runs and traces a model with its loops taken out
body.py     the samples of one step, and its conversion
splice.py   puts the loops into the file of the model around them
"""

from __future__ import annotations

from edgekit_converters.tflite.loops.body import Body, convert_body, measured_db, representative_steps
from edgekit_converters.tflite.loops.outline import Outline
from edgekit_converters.tflite.loops.parts import Loop, Record
from edgekit_converters.tflite.loops.splice import spliced

__all__ = ["Body", "Loop", "Outline", "Record", "convert_body", "measured_db", "representative_steps", "spliced"]
