"""What a `.tflite` file holds, as plain frozen values: tensors, operators, subgraphs, signatures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Operator", "Signature", "Graph", "Tensor", "Model", "called_subgraphs", "reachable_subgraphs"]


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of a subgraph.

    Attributes:
        index: Its place in `Graph.tensors`.
        name: As the file gives it; not unique.
        shape: Declared dimensions; a dimension that is only known when the model runs stands as 1 here.
        signature: The same dimensions with -1 for those that are only known when the model runs.
        dtype: numpy-like name: "float32", "int8", "int4", "bfloat16", "string", ...
        scales, zero_points: Affine quantisation, real = scale * (q - zero_point); empty where not quantised, else one
            value, or one per channel. Empty too for block-wise and custom quantisation.
        channel_axis: The axis that per-channel scales run along; None where there is at most one scale.
        buffer: Index of the buffer that holds the constant; tensors may share one.
        stored_bytes: Bytes of the constant in the file; 0 where the tensor is not a constant.
        data: The constant, read-only, of `shape`; int2, int4 and uint4 are unpacked to a byte per element, bfloat16 is
            widened to float32. A sparse tensor's stored values in one row. None for activations, strings and float8.
        sparse: Only the values that its sparsity table names are stored.
        variable: Keeps its value from one inference to the next.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    channel_axis: int | None = None
    buffer: int = 0
    stored_bytes: int = 0
    data: NDArray[np.generic] | None = None
    sparse: bool = False
    variable: bool = False

    @property
    def elements(self) -> int:
        """Number of elements of the declared shape."""
        return math.prod(self.shape)

    @property
    def constant(self) -> bool:
        """The file stores its value."""
        return self.stored_bytes > 0

    @property
    def floating(self) -> bool:
        """Of a real floating-point type of any width."""
        return self.dtype.startswith(("float", "bfloat"))


@dataclass(frozen=True, eq=False)
class Operator:
    """One step of a subgraph.

    Attributes:
        name: "CONV_2D", ...; a custom operator's own name; "FlexErf", ... for TensorFlow kernels.
        version: Operator version, which says what a runtime must support.
        inputs: Tensor indices, -1 where an optional operand is left out.
        outputs, intermediates: Tensor indices.
        custom: Not a builtin operator.
        options: The builtin options by schema name ("stride_h"); padding and activation as names ("SAME", "RELU").
        custom_options: The bytes that a custom operator was given.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    custom: bool
    options: Mapping[str, object]
    custom_options: bytes = b""

    @property
    def flex(self) -> bool:
        """Runs a TensorFlow kernel through the Flex delegate."""
        return self.custom and self.name.startswith("Flex")


@dataclass(frozen=True, eq=False)
class Graph:
    """Operators in the order in which they run, and the tensors between them."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Signature:
    """A named entry point: argument names to tensor indices of one subgraph."""

    key: str
    subgraph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Model:
    """A whole file.

    Attributes:
        subgraphs: The first one is the model; the others are branches, loop bodies or further signatures.
        signatures: Named entry points, if any.
        metadata: Names of the metadata entries.
        min_runtime: The runtime version that the converter asks for, where it wrote one.
        description: Free text of the writer.
        bytes: Size of the file.
        warnings: What is unusual in it, one sentence each; some runtimes refuse such files.
    """

    subgraphs: tuple[Graph, ...]
    signatures: tuple[Signature, ...]
    metadata: tuple[str, ...]
    min_runtime: str | None
    description: str
    bytes: int
    warnings: tuple[str, ...] = ()

    @cached_property
    def reachable(self) -> tuple[int, ...]:
        """Subgraphs that the first one or a signature runs, in the file's order."""
        pending = [0, *(s.subgraph for s in self.signatures)]
        reached: set[int] = set()
        while pending:
            index = pending.pop()
            if index not in reached:
                reached.add(index)
                pending += (called for op in self.subgraphs[index].operators for called in called_subgraphs(op))
        return tuple(sorted(reached))


def called_subgraphs(operator: Operator) -> Iterator[int]:
    """The subgraphs that a control-flow operator runs (WHILE, IF, CALL_ONCE, ...), as its options name them."""
    for key, value in operator.options.items():
        if "subgraph" in key:
            if isinstance(value, int):
                yield value
            elif isinstance(value, tuple):
                yield from (int(v) for v in value)


def reachable_subgraphs(model: Model) -> tuple[int, ...]:
    """Subgraphs that the first one or a signature runs, in the file's order."""
    return model.reachable
