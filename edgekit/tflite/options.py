"""Options of operators, typed: one class for each of the schema's tables that some part of EdgeKit looks into.

The names are the schema's. A table without a class here is read as `Other`, with the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "Activated",
    "BatchMatMul",
    "Call",
    "CallOnce",
    "Cast",
    "Concatenation",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv2D",
    "FullyConnected",
    "If",
    "NoOptions",
    "Options",
    "Other",
    "Pool2D",
    "Reducer",
    "Softmax",
    "StridedSlice",
    "Sum",
    "TABLES",
    "TransposeConv",
    "UnidirectionalSequenceLSTM",
    "While",
]


@dataclass(frozen=True)
class Activated:
    """Of MUL, DIV and L2_NORMALIZATION: the activation that the kernel applies by itself, "NONE", "RELU", "RELU6"."""

    fused_activation_function: str


@dataclass(frozen=True)
class Sum(Activated):
    """Of ADD and SUB."""

    pot_scale_int16: bool


@dataclass(frozen=True)
class Conv2D(Activated):
    """Padding is "SAME" or "VALID"; strides and dilations in elements."""

    padding: str
    stride_w: int
    stride_h: int
    dilation_w_factor: int
    dilation_h_factor: int


@dataclass(frozen=True)
class DepthwiseConv2D(Conv2D):
    """The multiplier is informative only: kernels derive it from the shapes."""

    depth_multiplier: int


@dataclass(frozen=True)
class TransposeConv(Activated):
    """A transposed convolution."""

    padding: str
    stride_w: int
    stride_h: int


@dataclass(frozen=True)
class Conv3D(Conv2D):
    """Of CONV_3D and CONV_3D_TRANSPOSE."""

    stride_d: int
    dilation_d_factor: int


@dataclass(frozen=True)
class Pool2D(Activated):
    """Windows in elements."""

    padding: str
    stride_w: int
    stride_h: int
    filter_width: int
    filter_height: int


@dataclass(frozen=True)
class FullyConnected(Activated):
    """With `keep_num_dims`, the output has the input's dimensions but the last. A bias that is left out has a dtype."""

    keep_num_dims: bool
    quantized_bias_type: str = "float32"


@dataclass(frozen=True)
class BatchMatMul:
    """Whether each side is transposed."""

    adj_x: bool
    adj_y: bool


@dataclass(frozen=True)
class Softmax:
    """What the logits are multiplied by."""

    beta: float


@dataclass(frozen=True)
class Concatenation(Activated):
    """The axis may count from the end."""

    axis: int


@dataclass(frozen=True)
class Reducer:
    """Of MEAN, SUM and the other reductions."""

    keep_dims: bool


@dataclass(frozen=True)
class Cast:
    """Dtypes by their names in the schema, in lower case."""

    in_data_type: str
    out_data_type: str


@dataclass(frozen=True)
class StridedSlice:
    """Bit i of a mask is about dimension i."""

    begin_mask: int
    end_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_axis_mask: int
    offset: bool


@dataclass(frozen=True)
class UnidirectionalSequenceLSTM(Activated):
    """Clips of 0 are none."""

    cell_clip: float
    proj_clip: float
    time_major: bool


@dataclass(frozen=True)
class While:
    """Places of the graphs that say whether to go on and that run."""

    cond_subgraph_index: int
    body_subgraph_index: int


@dataclass(frozen=True)
class If:
    """Places of the two graphs of which one runs."""

    then_subgraph_index: int
    else_subgraph_index: int


@dataclass(frozen=True)
class Call:
    """The graph that runs."""

    subgraph: int


@dataclass(frozen=True)
class CallOnce:
    """The graph that runs before the first inference."""

    init_subgraph_index: int


@dataclass(frozen=True)
class Other:
    """Any other table.

    Attributes:
        table: Its name in the schema, such as "GatherOptions"; several where an operator has two.
        fields: By the schema's names.
    """

    table: str
    fields: Mapping[str, object]


@dataclass(frozen=True)
class NoOptions:
    """The file gives none: most runtimes then take the schema's defaults."""


Options = (
    Activated | BatchMatMul | Call | CallOnce | Cast | If | NoOptions | Other | Reducer | Softmax | StridedSlice | While
)  # fmt: skip
"""Of an operator: one of the classes above."""

TABLES: Mapping[str, type] = MappingProxyType(
    {
        **{f"{name}Options": Sum for name in ("Add", "Sub")},
        **{f"{name}Options": Activated for name in ("Div", "L2Norm", "Mul")},
        **{
            f"{kind.__name__}Options": kind
            for kind in (
                BatchMatMul, Call, CallOnce, Cast, Concatenation, Conv2D, Conv3D, DepthwiseConv2D, FullyConnected, If,
                Pool2D, Reducer, Softmax, StridedSlice, TransposeConv, UnidirectionalSequenceLSTM, While,
            )
        },
    }
)  # fmt: skip
"""The class of each of the schema's tables that has one."""
