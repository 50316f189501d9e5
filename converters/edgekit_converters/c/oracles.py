"""Which interpreter the C of each operator is held to, value by value: one row for an operator and its dtypes.

TFLite Micro's reference kernels where it has one for the dtype, else those of tflite-runtime, else those of LiteRT.
Conformance tests go through the rows, and `docs/generate.py` writes them down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["ORACLES", "Row"]

Oracle = Literal["tflm", "tflite_runtime", "litert"]
_ALL = ("int8", "int16", "int32", "float32")


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        operator: Its name.
        dtypes: Dtypes of its input, or "FROM to TO" where its result has another one.
        oracle: The runtime.
        note: What is special, one sentence.
    """

    operator: str
    dtypes: Sequence[str]
    oracle: Oracle = "tflm"
    note: str = ""


ORACLES: Sequence[Row] = (
    Row("ABS", ("int8",)),
    Row("ADD", ("int8", "int16")),
    Row("ARG_MAX", ("int8 to int32",)),
    Row("ARG_MAX", ("int8 to int64",), "tflite_runtime"),
    Row("ARG_MIN", ("int8 to int32",)),
    Row("ARG_MIN", ("int8 to int64",), "tflite_runtime"),
    Row("ASSIGN_VARIABLE", ("int8",)),
    Row("AVERAGE_POOL_2D", ("int8", "int16")),
    Row("BATCH_MATMUL", ("int8", "int16")),
    Row("CALL_ONCE", ("int8",)),
    Row("CONCATENATION", (*_ALL, "bool")),
    Row("CONCATENATION", ("uint8",), "tflite_runtime"),
    Row("CONV_2D", ("int8", "int16")),
    Row("DEPTHWISE_CONV_2D", ("int8", "int16")),
    Row("DEQUANTIZE", ("int8 to float32", "int16 to float32", "uint8 to float32")),
    Row("ELU", ("int8",)),
    Row("EMBEDDING_LOOKUP", ("int8", "float32"), note="A number outside the table ends the run with an error."),
    Row("EQUAL", ("int8 to bool",)),
    Row("EXP", ("int8",), "tflite_runtime", "What no 32-bit integer holds is cut; TFLite leaves it to the processor."),
    Row("EXPAND_DIMS", ("int8", "float32")),
    Row("EXPAND_DIMS", ("int16", "int32"), "tflite_runtime"),
    Row("FULLY_CONNECTED", ("int8", "int16")),
    Row("GATHER", ("int8", "float32"), note="A number outside the table ends the run with an error."),
    Row("GATHER", ("int16", "int32"), "tflite_runtime"),
    Row("GELU", ("int8",), "tflite_runtime"),
    Row("GREATER", ("int8 to bool",)),
    Row("GREATER_EQUAL", ("int8 to bool",)),
    Row("HARD_SWISH", ("int8",)),
    Row("L2_NORMALIZATION", ("int8",)),
    Row("LEAKY_RELU", ("int8", "int16")),
    Row("LESS", ("int8 to bool",)),
    Row("LESS_EQUAL", ("int8 to bool",)),
    Row("LOG", ("int8",), "litert", note="Of 0 and of negative numbers it is the smallest value."),
    Row("LOGISTIC", ("int8", "int16")),
    Row("LOG_SOFTMAX", ("int8",)),
    Row("MAXIMUM", ("int8", "int16")),
    Row("MAX_POOL_2D", ("int8", "int16")),
    Row("MEAN", ("int8", "int16")),
    Row("MINIMUM", ("int8", "int16")),
    Row("MUL", ("int8", "int16")),
    Row("NOT_EQUAL", ("int8 to bool",)),
    Row("PACK", ("int8", "int32", "float32")),
    Row("PACK", ("int16",), "tflite_runtime"),
    Row("PAD", _ALL),
    Row("PADV2", _ALL),
    Row("PRELU", ("int8",)),
    Row(
        "QUANTIZE",
        (
            "float32 to int8", "float32 to int16", "int8 to int8", "int8 to int16", "int8 to uint8", "uint8 to int8",
            "int16 to int8", "int16 to int16",
        ),
        note="Floats that no 32-bit integer holds are cut; TFLite leaves them to the processor.",
    ),
    Row("READ_VARIABLE", ("int8",)),
    Row("REDUCE_MAX", ("int8",)),
    Row("REDUCE_MAX", ("int16",), "tflite_runtime"),
    Row("REDUCE_MIN", ("int8",)),
    Row("REDUCE_MIN", ("int16",), "tflite_runtime"),
    Row("RELU", ("int8", "int16")),
    Row("RELU6", ("int8", "int16"), note="As TFLite Micro, it does not bring its input to the scale of its result."),
    Row("RELU_N1_TO_1", ("int8",), "tflite_runtime"),
    Row("RESHAPE", _ALL),
    Row("RESIZE_BILINEAR", ("int8",)),
    Row("RESIZE_BILINEAR", ("int16",), "tflite_runtime"),
    Row("RESIZE_NEAREST_NEIGHBOR", ("int8", "int16", "float32")),
    Row("REVERSE_V2", _ALL),
    Row("RSQRT", ("int8",), note="The input's zero point is -128: it has no negative values."),
    Row("SELECT_V2", ("int8", "int16")),
    Row("SLICE", (*_ALL, "bool")),
    Row("SOFTMAX", ("int8", "int16")),
    Row("SPLIT", _ALL),
    Row("SPLIT_V", _ALL),
    Row("SQUARED_DIFFERENCE", ("int8", "int16")),
    Row("SQUEEZE", _ALL),
    Row("STRIDED_SLICE", (*_ALL, "bool")),
    Row("SUB", ("int8", "int16")),
    Row("SUM", ("int8", "int16")),
    Row("TANH", ("int8", "int16")),
    Row("TILE", ("int8", "int32", "float32"), "tflite_runtime"),
    Row("TRANSPOSE", ("int8", "int16", "float32")),
    Row("TRANSPOSE", ("int32",), "tflite_runtime"),
    Row("TRANSPOSE_CONV", ("int8", "int16")),
    Row("UNIDIRECTIONAL_SEQUENCE_LSTM", ("int8",)),
    Row("UNPACK", ("int8", "int32", "float32")),
    Row("UNPACK", ("int16",), "tflite_runtime"),
    Row("VAR_HANDLE", ("int8",)),
)  # fmt: skip
"""All of them, by name."""
