"""What a candidate costs before it is trained: estimated from its plain description, measured with random weights.

figures.py     what is known of a candidate's costs
operators.py   the operators of its int8 `.tflite`, worked out from the description
features.py    the numbers that an estimate is a sum of; coefficients.py: what each brings
arena.py       the memory that its activations need together
estimate.py    an estimator of bytes, arena and instructions, fitted on what was measured
measured.py    converts with random weights and measures; cached, shared by processes
passes.py      what passes of a recipe change

Nothing here imports TensorFlow; `measure_costs` loads it when it converts.
"""

from __future__ import annotations

from edgekit.searching.costs.estimate import Estimator
from edgekit.searching.costs.figures import HANGS_ON_WEIGHTS, Costs
from edgekit.searching.costs.measured import SAMPLES, cost_key, is_measured, measure_built, measure_costs
from edgekit.searching.costs.passes import after_passes

__all__ = [
    "HANGS_ON_WEIGHTS", "SAMPLES", "Costs", "Estimator", "after_passes", "cost_key", "is_measured", "measure_built",
    "measure_costs",
]  # fmt: skip
