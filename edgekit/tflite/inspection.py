"""What is in a `.tflite` file, in numbers: the evidence behind `edgekit inspect` and the reports."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit.tflite.macs import count_macs
from edgekit.tflite.model import Graph, Model, Tensor, reachable_subgraphs
from edgekit.tflite.quantization import quantization_of
from edgekit.tflite.reader import read, read_bytes
from edgekit.tflite.state import State, state_of
from edgekit.tflite.weights import Sources, weights, zero_counts

__all__ = ["Inspection", "OperatorCount", "TensorInfo", "inspect"]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output. Scale and zero point are None where it is not quantised with one of each."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class OperatorCount:
    """How often an operator of one version occurs."""

    name: str
    version: int
    count: int


@dataclass(frozen=True)
class Inspection:
    """The numbers of one file.

    Attributes:
        path: As given.
        bytes: Size of the file.
        gzip_bytes: Its size after `gzip -9`, which is how much of it is information.
        sha256: Hex digest of the file.
        quantization: "float32", "float16", "dynamic", "int8", "int16x8", "uint8" or "mixed".
        inputs, outputs: Of the first subgraph, with declared shapes.
        operators: Of all subgraphs that run, by name and version.
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
    """

    path: str
    bytes: int
    gzip_bytes: int
    sha256: str
    quantization: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
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
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """JSON form "edgekit.inspect/1"."""
        return {"schema": "edgekit.inspect/1"} | {key: _listed(value) for key, value in asdict(self).items()}


def inspect(path: Path) -> Inspection:
    """Read, verify and measure a file, without TensorFlow and without running it.

    Raises:
        ModelError: It is not a well-formed `.tflite`.
    """
    data = read_bytes(path)
    model = read(data)
    sources = Sources(model)
    counted = [w.tensor for w in weights(model, sources)]
    params = sum(t.elements for t in counted)
    zeros = zero_counts(counted)
    main = model.subgraphs[0]
    running = [op for i in reachable_subgraphs(model) for op in model.subgraphs[i].operators]
    operators = Counter((op.name, op.version) for op in running)
    return Inspection(
        path=str(path),
        bytes=len(data),
        gzip_bytes=len(gzip.compress(data, 9, mtime=0)),
        sha256=hashlib.sha256(data).hexdigest(),
        quantization=quantization_of(model, sources),
        inputs=_infos(main, main.inputs),
        outputs=_infos(main, main.outputs),
        operators=tuple(OperatorCount(*key, count) for key, count in sorted(operators.items())),
        constants=_constant_bytes(model),
        zeros=zeros,
        params=params,
        nonzero_params=params - zeros,
        macs=count_macs(model, sources),
        flex=tuple(sorted({op.name for op in running if op.flex})),
        custom=tuple(sorted({op.name for op in running if op.custom and not op.flex})),
        subgraphs=len(model.subgraphs),
        state=state_of(model),
        min_runtime=model.min_runtime,
        warnings=model.warnings,
    )


def _infos(subgraph: Graph, indices: tuple[int, ...]) -> tuple[TensorInfo, ...]:
    return tuple(_info(subgraph.tensors[i]) for i in indices)


def _info(tensor: Tensor) -> TensorInfo:
    single = len(tensor.scales) == 1
    return TensorInfo(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=tensor.scales[0] if single else None,
        zero_point=tensor.zero_points[0] if single else None,
    )


def _constant_bytes(model: Model) -> dict[str, int]:
    found: dict[int, Tensor] = {}
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            if tensor.constant:
                found.setdefault(tensor.buffer, tensor)
    total: Counter[str] = Counter()
    for tensor in found.values():
        total[tensor.dtype] += tensor.stored_bytes
    return dict(sorted(total.items()))


def _listed(value: object) -> object:
    """Tuples as lists, all the way down, as JSON has them."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
