"""What a file is worth: measured on the file that ships, with how sure each number is.

accuracy.py     scores with 95 % intervals, paired drops
answers.py      which mistakes are made, as counts
evaluation.py   the score of a file, or of a Keras model, on a data set
predict.py      what a `.tflite` gives for many samples, spread over processes
parity.py       does a `.tflite` compute what its Keras model computes; parting.py: the layer where they part
golden.py       a few inputs with what a `.tflite` must answer
latency.py      times, memory and figures of several models on several runtimes; comparison.py, noise.py: what they say
gate.py         figures against those of an earlier run
statistics.py   intervals
environment.py  on what something was measured

The names below are imported when they are asked for, so that a process pays for what it uses. `predict` is in the
module of that name.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.measure.accuracy import Score
    from edgekit.measure.comparison import Comparison
    from edgekit.measure.evaluation import Evaluation, evaluate_file, evaluate_keras
    from edgekit.measure.golden import write_golden
    from edgekit.measure.latency import BenchmarkReport, BenchmarkResult, Latency, benchmark
    from edgekit.measure.parity import Answer, Parity, Reference, compare
    from edgekit.measure.predict import Predictor
    from edgekit.measure.statistics import Interval

__all__ = [
    "Answer", "BenchmarkReport", "BenchmarkResult", "Comparison", "Evaluation", "Interval", "Latency",
    "Parity", "Predictor", "Reference", "Score", "benchmark", "compare", "evaluate_file", "evaluate_keras",
    "write_golden",
]  # fmt: skip

_HOMES = {
    "accuracy": ("Score",),
    "comparison": ("Comparison",),
    "evaluation": ("Evaluation", "evaluate_file", "evaluate_keras"),
    "golden": ("write_golden",),
    "latency": ("BenchmarkReport", "BenchmarkResult", "Latency", "benchmark"),
    "parity": ("Answer", "Parity", "Reference", "compare"),
    "predict": ("Predictor",),
    "statistics": ("Interval",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"edgekit.measure.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
