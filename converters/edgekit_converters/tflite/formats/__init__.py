"""Formats of `.tflite`, one file each.

`NEEDS_CALIBRATION` says whether a representative dataset is needed, `IO_DTYPES` which input and output dtypes can be
asked for (the first is the default), `configure(tf, converter)` sets the converter up, and `problems(inspection)` says
what in the finished file breaks the format's contract.
"""
