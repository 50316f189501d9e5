"""What a `.tflite` file holds, as plain frozen values: tensors, operators, graphs, signatures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.tensors import Quant, TensorSpec
from edgekit.tflite.options import Call, CallOnce, If, NoOptions, Options, Other, While

__all__ = ["Graph", "Model", "Operator", "Signature", "Tensor", "called_graphs"]


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of a graph.

    Attributes:
        index: Its place in `Graph.tensors`.
        name: As the file gives it; not unique.
        shape: Declared dimensions; a dimension that is only known when the model runs stands as 1 here.
        signature: The same dimensions with -1 for those that are only known when the model runs.
        dtype: numpy-like name: "float32", "int8", "int4", "bfloat16", "string", ...
        quant: Affine quantisation; None where there is none, and for block-wise and custom quantisation.
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
    quant: Quant | None = None
    buffer: int = 0
    stored_bytes: int = 0
    data: NDArray[np.generic] | None = None
    sparse: bool = False
    variable: bool = False

    @property
    def spec(self) -> TensorSpec:
        """What it declares."""
        signature = self.signature if self.signature != self.shape else None
        return TensorSpec(self.name, self.shape, self.dtype, self.quant, signature)

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
    """One step of a graph.

    Attributes:
        name: "CONV_2D", ...; a custom operator's own name; "FlexErf", ... for TensorFlow kernels.
        version: Operator version, which says what a runtime must support.
        inputs: Tensor indices, -1 where an optional operand is left out.
        outputs, intermediates: Tensor indices.
        custom: Not a builtin operator.
        options: The builtin options, typed.
        options_2: Those of a few newer operators, which the schema keeps in a second table.
        custom_options: The bytes that a custom operator was given.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    custom: bool
    options: Options = NoOptions()
    options_2: Options = NoOptions()
    custom_options: bytes = b""

    @property
    def loop(self) -> While | None:
        """The options of a WHILE; None for any other operator, whatever table the file gives it."""
        return self.options if self._is("WHILE") and isinstance(self.options, While) else None

    @property
    def branch(self) -> If | None:
        """The options of an IF; None for any other."""
        return self.options if self._is("IF") and isinstance(self.options, If) else None

    @property
    def call(self) -> Call | None:
        """The options of a CALL; None for any other."""
        return self.options if self._is("CALL") and isinstance(self.options, Call) else None

    def _is(self, name: str) -> bool:
        return self.name == name and not self.custom

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

    def producer(self, tensor: int) -> Operator | None:
        """The operator that computes a tensor; None for inputs, constants and variables."""
        return self._producers.get(tensor)

    def readers(self, tensor: int) -> tuple[Operator, ...]:
        """The operators that take a tensor, in the order in which they run; those that take it twice stand once."""
        return self._readers.get(tensor, ())

    @cached_property
    def used(self) -> frozenset[int]:
        """The tensors that an operator, an input or an output names."""
        named = {i for op in self.operators for i in (*op.inputs, *op.outputs) if i >= 0}
        return frozenset(named.union(self.inputs, self.outputs))

    @cached_property
    def _producers(self) -> dict[int, Operator]:
        return {i: op for op in self.operators for i in op.outputs}

    @cached_property
    def _readers(self) -> dict[int, tuple[Operator, ...]]:
        readers: dict[int, list[Operator]] = {}
        for op in self.operators:
            for i in set(op.inputs) - {-1}:
                readers.setdefault(i, []).append(op)
        return {i: tuple(ops) for i, ops in readers.items()}


@dataclass(frozen=True, eq=False)
class Signature:
    """A named entry point: argument names to tensor indices of one graph."""

    key: str
    graph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Model:
    """A whole file, read and verified once.

    Attributes:
        graphs: The first one is the model; the others are branches, loop bodies or further signatures.
        signatures: Named entry points, if any.
        metadata: The metadata entries by name, uint8; views of the file's bytes.
        min_runtime: The runtime version that the converter asks for, where it wrote one.
        description: Free text of the writer.
        content: The file's bytes.
        path: Where it was read from; None for bytes.
        warnings: What is unusual in it, one sentence each; some runtimes refuse such files.
    """

    graphs: tuple[Graph, ...]
    signatures: tuple[Signature, ...]
    metadata: Mapping[str, NDArray[np.uint8]]
    min_runtime: str | None
    description: str
    content: bytes = field(repr=False)
    path: Path | None = None
    warnings: tuple[str, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def reachable(self) -> tuple[int, ...]:
        """Places of the graphs that the first one or a signature runs."""
        pending = [0, *(s.graph for s in self.signatures)]
        reached: set[int] = set()
        while pending:
            index = pending.pop()
            if index not in reached:
                reached.add(index)
                pending += (called for op in self.graphs[index].operators for called in called_graphs(op))
        return tuple(sorted(reached))

    @property
    def running(self) -> tuple[Graph, ...]:
        """The graphs that the first one or a signature runs."""
        return tuple(self.graphs[i] for i in self.reachable)


def called_graphs(operator: Operator) -> Iterator[int]:
    """The graphs that a control-flow operator runs (WHILE, IF, CALL_ONCE, ...), as its options name them."""
    yield from _called(operator.options)
    yield from _called(operator.options_2)


def _called(options: Options) -> Iterator[int]:
    match options:
        case While(condition, body):
            yield from (condition, body)
        case If(then, otherwise):
            yield from (then, otherwise)
        case Call(graph) | CallOnce(graph):
            yield graph
        case Other(_, named):
            for key, value in named.items():
                if "subgraph" in key:
                    yield from (int(v) for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, int))
