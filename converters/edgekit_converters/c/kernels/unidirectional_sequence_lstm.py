"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 activations, an int16 cell, a state that begins at zero in each run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgekit import tflite
from edgekit.tflite.options import UnidirectionalSequenceLSTM
from edgekit_converters.c.fixed_point import Multiplier
from edgekit_converters.c.kernels import Lowered
from edgekit_converters.c.products import folded_bias, scaling, weight_scales
from edgekit_converters.c.scratch_dsp import in_words
from edgekit_converters.c.sigmoid import SIGMOID
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Field, Step

__all__ = ["lower"]

_GATES = (1, 0, 2, 3)
"""Forget, input, cell, output, as the file counts their operands."""
_X_WEIGHTS, _Y_WEIGHTS, _BIAS, _HIDDEN, _CELL = 1, 5, 12, 18, 19
_VARIANTS = {9: "peepholes", 10: "peepholes", 11: "peepholes", 16: "a projection", 17: "a projection"} | {
    number: "layer normalisation" for number in range(20, 24)
}
_SUMS, _SQUASHED = 2.0**-12, 2.0**-15
"""Scales of what goes into a gate's sigmoid or tanh, and of what comes out."""


@dataclass(frozen=True)
class _Sizes:
    batches: int
    steps: int
    x_depth: int
    y_depth: int


def lower(site: Site) -> Lowered:
    """One step. The hidden state is what the last step of time wrote.

    Scratch memory has the cell's state, behind the values of one step of time and of the hidden state as the DSP
    extension takes them: four in eight bytes.
    """
    options, x, y = site.options(UnidirectionalSequenceLSTM), site.activation(0), site.output()
    site.dtype(x, "int8")
    site.dtype(y, "int8")
    for number, variant in _VARIANTS.items():
        site.check(site.optional(number) is None, "An LSTM is one as Keras defines it.", f"one with {variant}")
    site.check(options.fused_activation_function == "TANH", "The cell's activation is tanh.", options)
    sizes, hidden, cell = _sizes(site, x, y, options.time_major), *(_state(site, number) for number in (_HIDDEN, _CELL))
    site.dtype(hidden, "int8")
    site.dtype(cell, "int16")
    for state in (hidden, cell):
        fits = math.prod(state.shape) == sizes.batches * sizes.y_depth
        site.check(fits, "A state has one value for each unit.", list(state.shape))
    time_first = options.time_major
    step = Step(
        site.place,
        site.operator.name,
        "unidirectional_sequence_lstm",
        {
            "batches": sizes.batches, "steps": sizes.steps, "x_depth": sizes.x_depth, "y_depth": sizes.y_depth,
            "x_step": sizes.x_depth * (sizes.batches if time_first else 1),
            "x_batch": sizes.x_depth * (1 if time_first else sizes.steps),
            "y_step": sizes.y_depth * (sizes.batches if time_first else 1),
            "y_batch": sizes.y_depth * (1 if time_first else sizes.steps),
            **_cell(site, cell, options.cell_clip),
            **_hidden(site, hidden),
            **_gates(site, "x", x, sizes, sizes.x_depth),
            **_gates(site, "h", hidden, sizes, sizes.y_depth),
            "sigmoid": SIGMOID,
        },
        inputs=(x.index,),
        outputs=(y.index,),
        scratch=8 * (-(-sizes.x_depth // 4) - (-sizes.y_depth // 4)) + 2 * sizes.y_depth,
        scratches=True,
        needs=("fixed_point", "products", "lstm_sums"),
        parts=frozenset({"FOURS"}),
    )  # fmt: skip
    return Lowered((step,))


def _sizes(site: Site, x: tflite.Tensor, y: tflite.Tensor, time_major: bool) -> _Sizes:
    site.check(len(x.shape) == len(y.shape) == 3, "Sequences have three dimensions.", [list(x.shape), list(y.shape)])
    site.check(x.shape[:2] == y.shape[:2], "The result is as long as the input.", [list(x.shape), list(y.shape)])
    batches, steps = reversed(x.shape[:2]) if time_major else x.shape[:2]
    site.check(0 not in (*x.shape, *y.shape), "A sequence has elements.", [list(x.shape), list(y.shape)])
    return _Sizes(batches, steps, x.shape[2], y.shape[2])


def _state(site: Site, number: int) -> tflite.Tensor:
    tensor = site.activation(number)
    site.check(tensor.variable, "An LSTM's states are variables, which begin at zero.", tensor.name)
    return tensor


def _cell(site: Site, cell: tflite.Tensor, clip: float) -> dict[str, Field]:
    """What the cell's state needs: its limits, its factors, and how it goes into the table of tanh."""
    scale = site.scale(cell)
    mantissa, exponent = math.frexp(scale)
    power = exponent - 1
    site.check(mantissa == 0.5, "The cell's scale is a power of two.", scale)
    site.check(-16 <= power <= 0, "The cell's scale is between 2^-16 and 1.", scale)
    site.check(site.zero_point(cell) == 0, "The cell's zero point is 0.", cell.quant)
    site.check(math.isfinite(clip), "The cell's clip is a number.", clip)
    most = int(min(max(clip / scale, -32768.0), 32767.0)) if clip > 0 else None
    kept, taken = _factor(site, _SQUASHED * scale / scale), _factor(site, _SQUASHED * _SQUASHED / scale)
    left = 12 + power
    return {
        "cell_min": -32768 if most is None else -most, "cell_max": 32767 if most is None else most,
        "cell_factor": 3 << max(left, 0), "cell_shift": max(-left, 0),
        "kept_multiplier": kept.mantissa, "kept_shift": kept.shift,
        "taken_multiplier": taken.mantissa, "taken_shift": taken.shift,
    }  # fmt: skip


def _hidden(site: Site, hidden: tflite.Tensor) -> dict[str, Field]:
    factor = _factor(site, _SQUASHED * _SQUASHED / site.scale(hidden))
    zero_point = site.zero_point(hidden)
    return {"y_zero_point": zero_point, "y_multiplier": factor.mantissa, "y_shift": factor.shift}


def _factor(site: Site, real: float) -> Multiplier:
    """For products of two 16-bit numbers, which leave no bit for a shift to the left."""
    return site.multiplier(real, 0)


def _gates(site: Site, side: str, of: tflite.Tensor, sizes: _Sizes, depth: int) -> dict[str, Field]:
    """Weights, folded biases and factors of all gates, for the input or for the hidden state.

    The weights have one scale; its product with the input's is a float32 (`GetQuantizedConvolutionMultipler`).
    """
    first, bias = (_X_WEIGHTS, _BIAS) if side == "x" else (_Y_WEIGHTS, None)
    matrices, biases, factors = [], [], []
    for gate in _GATES:
        matrix = site.constant(first + gate, "int8")
        fits = matrix.shape == (sizes.y_depth, depth)
        site.check(fits, "A gate's weights fit the input and the states.", list(matrix.shape))
        scale = site.input(first + gate).quant
        site.check(scale is not None and len(scale.scales) == 1, "A gate's weights have one scale.", scale)
        wide = matrix.astype(np.int64)
        number = len(site.operator.inputs) if bias is None else bias + gate
        folded = folded_bias(site, number, wide.sum(axis=1), site.zero_point(of))
        real = float(np.float32(site.scale(of)) * weight_scales(site, site.input(first + gate), 0)[0]) / _SUMS
        scaling(site, [real] * sizes.y_depth, folded, 128 * np.abs(wide).sum(axis=1))
        matrices.append(matrix)
        biases.append(folded)
        factors.append(site.multiplier(real))
    return {
        f"{side}_weights": in_words(np.stack(matrices), depth),
        f"{side}_bias": Constant(np.stack(biases).astype(np.int32)),
        f"{side}_multipliers": Constant(np.array([factor.mantissa for factor in factors], np.int32)),
        f"{side}_shifts": Constant(np.array([factor.shift for factor in factors], np.int8)),
    }
