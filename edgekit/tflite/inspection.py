"""What is in a `.tflite` file, in numbers: the evidence behind `edgekit inspect` and the reports."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path

from edgekit.readable import Readable, Rows
from edgekit.tensors import TensorSpec
from edgekit.tflite.macs import count_macs
from edgekit.tflite.model import Model, Tensor
from edgekit.tflite.quantization import quantization_of
from edgekit.tflite.reader import read
from edgekit.tflite.state import State, state_of
from edgekit.tflite.weights import Sources, weights, zero_counts

__all__ = ["Inspection", "OperatorCount", "inspect"]


@dataclass(frozen=True)
class OperatorCount:
    """How often an operator of one version occurs."""

    name: str
    version: int
    count: int


@dataclass(frozen=True)
class Inspection(Readable):
    """The numbers of one file.

    Attributes:
        path: As given.
        bytes: Size of the file.
        sha256: Hex digest of the file.
        quantization: "float32", "float16", "dynamic", "int8", "int16x8", "uint8" or "mixed".
        inputs, outputs: Inputs and outputs of the first subgraph, with declared shapes.
        operators: Operators of all subgraphs that run, by name and version.
        constants: Bytes of all constants by dtype, shared ones once.
        params: Elements of all weights, biases included; sparse ones at their full size.
        zeros: Weights that stand for 0.0.
        nonzero_params: The others.
        macs: Multiply-accumulates of one inference; None where the file does not tell.
        flex: TensorFlow kernels that it needs.
        custom: Other custom operators.
        subgraphs: Number of subgraphs.
        state: What it keeps from one inference to the next: "none", "reset before each call" (by the caller) or "kept".
        min_runtime: The runtime version that its converter asks for, if any.
        warnings: What is unusual in the file, one sentence each; some runtimes refuse such files.
        model: The file itself.
    """

    path: str
    bytes: int
    sha256: str
    quantization: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    operators: tuple[OperatorCount, ...]
    constants: dict[str, int]
    zeros: int
    params: int
    nonzero_params: int
    macs: int | None
    flex: tuple[str, ...]
    custom: tuple[str, ...]
    subgraphs: int
    state: State
    min_runtime: str | None
    warnings: tuple[str, ...]
    model: Model = field(repr=False, compare=False)

    @classmethod
    def of(cls, model: Model, path: Path | str | None = None) -> Inspection:
        """Measure a model that was read.

        Args:
            model: The model.
            path: Where it lies now; default where it was read from.
        """
        sources = Sources(model)
        counted = [w.tensor for w in weights(model, sources)]
        params = sum(t.elements for t in counted)
        zeros = zero_counts(counted)
        main = model.graphs[0]
        running = [op for graph in model.running for op in graph.operators]
        operators = Counter((op.name, op.version) for op in running)
        return cls(
            path=str(path or model.path or ""),
            bytes=len(model.content),
            sha256=model.sha256,
            quantization=quantization_of(model, sources),
            inputs=tuple(main.tensors[i].spec for i in main.inputs),
            outputs=tuple(main.tensors[i].spec for i in main.outputs),
            operators=tuple(OperatorCount(*key, count) for key, count in sorted(operators.items())),
            constants=_constant_bytes(model),
            zeros=zeros,
            params=params,
            nonzero_params=params - zeros,
            macs=count_macs(model, sources),
            flex=tuple(sorted({op.name for op in running if op.flex})),
            custom=tuple(sorted({op.name for op in running if op.custom and not op.flex})),
            subgraphs=len(model.graphs),
            state=state_of(model),
            min_runtime=model.min_runtime,
            warnings=model.warnings,
            model=model,
        )

    @cached_property
    def gzip_bytes(self) -> int:
        """Its size after `gzip -9`, which is how much of it is information; takes a second a megabyte."""
        return len(gzip.compress(self.model.content, 9, mtime=0))

    def title(self) -> str:
        """The file's path."""
        return self.path or "a .tflite"

    def rows(self) -> Rows:
        """Its numbers, then its inputs and outputs."""
        constants = ", ".join(f"{dtype} {size:,} B" for dtype, size in self.constants.items())
        tensors = (("input", self.inputs), ("output", self.outputs))
        return [
            ("quantization", self.quantization),
            ("bytes (gzip)", f"{self.bytes:,} ({self.gzip_bytes:,})"),
            ("weights (zeros)", f"{self.params:,} ({self.zeros:,})"),
            ("MACs", f"{self.macs:,}" if self.macs is not None else None),
            ("constants", constants),
            ("state", self.state),
            ("smallest runtime", self.min_runtime),
            ("Flex / custom operators", ", ".join([*self.flex, *self.custom]) or "none"),
            ("sha256", self.sha256),
            *((f"{side} {spec.name}", _said(spec)) for side, specs in tensors for spec in specs),
        ]

    def as_dict(self) -> dict[str, object]:
        """JSON form "edgekit.inspect/1"."""
        told: dict[str, object] = {"schema": "edgekit.inspect/1"}
        for part in fields(self):
            if part.name != "model":
                told[part.name] = _json(getattr(self, part.name))
            if part.name == "bytes":
                told["gzip_bytes"] = self.gzip_bytes
        return told


def inspect(source: Path | bytes) -> Inspection:
    """Read, verify and measure a file, without TensorFlow and without running it.

    Raises:
        ModelError: It is not a well-formed `.tflite`.
    """
    return Inspection.of(read(source))


def _said(spec: TensorSpec) -> str:
    quantised = f", scale {spec.scale:.6g}, zero point {spec.zero_point}" if spec.scale is not None else ""
    return f"{spec.dtype} {list(spec.shape)}{quantised}"


def _constant_bytes(model: Model) -> dict[str, int]:
    found: dict[int, Tensor] = {}
    for graph in model.graphs:
        for tensor in graph.tensors:
            if tensor.constant:
                found.setdefault(tensor.buffer, tensor)
    total: Counter[str] = Counter()
    for tensor in found.values():
        total[tensor.dtype] += tensor.stored_bytes
    return dict(sorted(total.items()))


def _json(value: object) -> object:
    """Tuples as lists and tensors as what a user asks of them."""
    if isinstance(value, TensorSpec):
        return {key: item for key, item in value.as_dict().items() if key != "signature"}
    if isinstance(value, OperatorCount):
        return asdict(value)
    return [_json(item) for item in value] if isinstance(value, tuple) else value
