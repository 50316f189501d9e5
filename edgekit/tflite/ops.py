"""One table of what every room asks of the builtin operators of `.tflite` files.

An operator that is not in the table multiplies nothing, holds no weights and keeps no dimension that is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from edgekit.tflite.model import Operator
from edgekit.tflite.options import BatchMatMul

__all__ = ["OPS", "OpSpec", "Shape", "elements", "op_spec"]

Shape = tuple[int | None, ...]
"""Dimensions; None where only running the model tells."""
Macs = Callable[[Operator, list[Shape], list[Shape]], tuple[int | None, ...]]
"""From an operator and the shapes of its operands and results to the MACs, as factors."""
Role = Literal["matrix", "table", "factor"]

ALL = tuple(range(1, 64))
"""All operands after the input."""


@dataclass(frozen=True)
class OpSpec:
    """What is known of one operator.

    Attributes:
        weights: Places of the operands that hold weights where they are constants.
        role: What such a constant is: "matrix", always a weight and decisive for how a model counts as quantised;
            "table", decisive too, a weight unless its integers are indices; "factor" of an element-wise operator.
        bias: Places of input, weights and bias, where a bias is stored in the scale of the input times that of the
            weights.
        macs: Multiply-accumulates; None where it multiplies nothing worth counting.
        recurrent: Every weight matrix multiplies once a step, and a step is one row of the input.
        black_box: It multiplies, and the file does not tell how often.
        keeps: Which dimensions of its results are those of its operands: "all", the "batch", the batch unless the
            first axis is reduced ("reduced"), or None.
        scales: What integer kernels ask: "copies" moves integers, so that all results have the scale of the first
            operand; the result of "rescales" takes any, and has no bounds but those of a fused activation.
    """

    weights: tuple[int, ...] = ()
    role: Role | None = None
    bias: tuple[int, int, int] | None = None
    macs: Macs | None = None
    recurrent: bool = False
    black_box: bool = False
    keeps: Literal["all", "batch", "reduced"] | None = None
    scales: Literal["copies", "rescales"] | None = None

    @property
    def multiplies(self) -> bool:
        """It counts for the MACs, or would if the file told."""
        return self.macs is not None or self.recurrent or self.black_box


_NOTHING = OpSpec()
_NEWER = OpSpec(black_box=True)
NEWER = "BUILTIN_"
"""The name of operators that the schema does not know yet begins so."""


def op_spec(name: str) -> OpSpec:
    """What is known of an operator by its name."""
    return OPS.get(name) or (_NEWER if name.startswith(NEWER) else _NOTHING)


def elements(shape: Shape) -> int | None:
    """Number of elements, None where a dimension is unknown."""
    return None if None in shape else math.prod(d for d in shape if d is not None)


def _batch_matmul(op: Operator, x: list[Shape], y: list[Shape]) -> tuple[int | None, ...]:
    transposed = isinstance(op.options, BatchMatMul) and op.options.adj_x
    return elements(y[0]), x[0][-2 if transposed else -1]


# Filters: CONV_2D [out, h, w, in / groups], DEPTHWISE_CONV_2D [1, h, w, out], TRANSPOSE_CONV [out, h, w, in], CONV_3D
# [d, h, w, in / groups, out], FULLY_CONNECTED [out, in]. A transposed convolution spreads each input over the filter,
# so it counts by inputs.
_PRODUCTS = {
    "BATCH_MATMUL": OpSpec((0, 1), "matrix", keeps="batch", macs=_batch_matmul),
    "CONV_2D": OpSpec(
        (1, 2), "matrix", (0, 1, 2), lambda op, x, y: (elements(y[0]), elements(x[1][1:])),
        keeps="batch", scales="rescales",
    ),
    "CONV_3D": OpSpec(
        (1, 2), "matrix", macs=lambda op, x, y: (elements(y[0]), elements(x[1][:4])), keeps="batch",
    ),
    "CONV_3D_TRANSPOSE": OpSpec(
        (1, 3), "matrix", macs=lambda op, x, y: (elements(x[2]), elements(x[1][:3]), x[1][3]),
    ),
    "DEPTHWISE_CONV_2D": OpSpec(
        (1, 2), "matrix", (0, 1, 2), lambda op, x, y: (elements(y[0]), elements(x[1][1:3])),
        keeps="batch", scales="rescales",
    ),
    "FULLY_CONNECTED": OpSpec(
        (1, 2), "matrix", (0, 1, 2), lambda op, x, y: (elements(x[0]), x[1][0]), scales="rescales",
    ),
    "TRANSPOSE_CONV": OpSpec(
        (1, 3), "matrix", (2, 1, 3), lambda op, x, y: (elements(x[2]), elements(x[1][:3])),
        keeps="batch", scales="rescales",
    ),
    "RFFT2D": OpSpec(black_box=True),
    "STABLEHLO_CONVOLUTION": OpSpec((1,), "matrix", black_box=True),
    "STABLEHLO_CUSTOM_CALL": OpSpec(black_box=True),
    "STABLEHLO_DOT_GENERAL": OpSpec((0, 1), "matrix", black_box=True),
}  # fmt: skip
_RECURRENT = {
    **{
        name: OpSpec(ALL, "matrix", recurrent=True, keeps="all")
        for name in ("BIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN")
    },
    **{name: OpSpec(ALL, "matrix", recurrent=True) for name in ("BIDIRECTIONAL_SEQUENCE_RNN", "LSTM", "RNN")},
    "SVDF": OpSpec(ALL, "matrix", recurrent=True, keeps="batch"),
}
_ELEMENTWISE = {
    **{name: OpSpec((0, 1), "factor", keeps="all", scales="rescales") for name in ("ADD", "MUL", "SUB")},
    "DIV": OpSpec((0, 1), "factor", keeps="all"),
    "PRELU": OpSpec((1,), "factor", keeps="all"),
    **{
        name: OpSpec(keeps="all")
        for name in (
            "ABS", "CAST", "CUMSUM", "DENSIFY", "DEQUANTIZE", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG",
            "LOGISTIC", "LOG_SOFTMAX", "MAXIMUM", "MINIMUM", "NEG", "POW", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1",
            "RSQRT", "SELECT", "SELECT_V2", "SOFTMAX", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "TANH", "WHILE",
        )
    },
}  # fmt: skip
_MOVING = {
    **{
        name: OpSpec(scales="copies")
        for name in (
            "BATCH_TO_SPACE_ND", "BROADCAST_TO", "EXPAND_DIMS", "RESHAPE", "REVERSE_SEQUENCE", "SLICE",
            "SPACE_TO_BATCH_ND", "SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK",
        )
    },
    **{
        name: OpSpec(keeps="batch", scales="copies") for name in ("DEPTH_TO_SPACE", "MIRROR_PAD", "SPACE_TO_DEPTH")
    },
    "REVERSE_V2": OpSpec(keeps="all", scales="copies"),
    "GATHER": OpSpec((0,), "table", keeps="batch", scales="copies"),
    "GATHER_ND": OpSpec((0,), "table", scales="copies"),
    "EMBEDDING_LOOKUP": OpSpec((1,), "matrix", keeps="batch"),
    **{
        name: OpSpec(keeps="batch")
        for name in (
            "AVERAGE_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION", "MAX_POOL_2D", "PAD", "PADV2", "RESIZE_BILINEAR",
            "RESIZE_NEAREST_NEIGHBOR", "SPLIT", "SPLIT_V",
        )
    },
    **{name: OpSpec(keeps="reduced") for name in ("MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM")},
}  # fmt: skip

OPS: Mapping[str, OpSpec] = MappingProxyType({**_PRODUCTS, **_RECURRENT, **_ELEMENTWISE, **_MOVING})
"""By name. A room that learns something new of operators adds a column here, an operator is one row."""
