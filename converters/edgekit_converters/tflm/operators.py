"""Operators of TensorFlow Lite Micro, and how its resolver calls them (micro_mutable_op_resolver.h)."""

from __future__ import annotations

import re

from edgekit import tflite

__all__ = ["OPERATORS", "adding", "unsupported", "used"]

OPERATORS = frozenset(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS
    BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV
    DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED
    GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG
    LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG
    NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE
    TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
    """.split()
)
"""Builtin operators that the resolver has a method for."""
ETHOS_U = "ethos-u"
"""The custom operator that Vela makes."""
_UNLIKE = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    ETHOS_U: "AddEthosU",
}


def used(model: tflite.Model) -> list[str]:
    """Names of the operators in all graphs of a model, each once, sorted."""
    return sorted({operator.name for graph in model.graphs for operator in graph.operators})


def unsupported(model: tflite.Model) -> list[str]:
    """Those that TFLite Micro has not."""
    return [name for name in used(model) if name not in OPERATORS and name != ETHOS_U]


def adding(name: str) -> str:
    """The resolver's method that adds an operator: `CONV_2D` -> `AddConv2D`."""
    words = (word if re.fullmatch(r"\dD", word) else word.capitalize() for word in name.split("_"))
    return _UNLIKE.get(name) or f"Add{''.join(words)}"
