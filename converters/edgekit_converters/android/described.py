"""TFLite metadata of a model, written from what its wrapper knows; `edgekit_converters.told` reads that of others.

What the fields mean, and what Android's task library makes of them, is told in TensorFlow's guide "Adding metadata to
TensorFlow Lite models"; an image for a uint8 input goes in as it is there, whatever normalisation is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.data.preprocessing import Cast, Grayscale, Normalize, Rescale, Reshape, Resize
from edgekit.tensors import TensorSpec
from edgekit.tflite import Model, read
from edgekit.tflite.metadata import (
    AssociatedFile,
    Image,
    Metadata,
    Normalization,
    TensorDescription,
    attach,
    encode,
)
from edgekit_converters.android.built.runtimes import first_runtime
from edgekit_converters.android.wrapper.contract import LABELS, LIMITS, Contract, Port
from edgekit_converters.preprocessing import Stages

__all__ = ["described"]

_RUNTIME, _RUNTIME_BYTES = "min_runtime_version", 16


def described(model: Model, contract: Contract) -> Model:
    """The model with metadata in its file: what its input is, its normalisation, labels, ranges, runtime.

    Raises:
        ModelError: It has metadata already.
    """
    metadata = Metadata(
        name=contract.name,
        description=f"Exported by EdgeKit {contract.version}: {contract.task}.",
        inputs=tuple(_input(port.name, port.spec, contract.stages) for port in contract.inputs),
        outputs=tuple(_output(port, contract) for port in contract.outputs),
    )
    files = {LABELS: "".join(f"{name}\n" for name in contract.labels).encode()} if contract.labels else {}
    return read(attach(model.content, encode(metadata), files, _runtime(model)))


def _runtime(model: Model) -> Mapping[str, bytes]:
    """The entry that says which runtime is the first with all operators, where it is missing and known."""
    if model.min_runtime is not None:
        return {}
    operators = [operator for graph in model.running for operator in graph.operators]
    versions = [None if op.custom else first_runtime(op.name, op.version) for op in operators]
    known = [version for version in versions if version is not None]
    if not known or len(known) < len(versions):
        return {}
    return {_RUNTIME: ".".join(map(str, max(known))).encode().ljust(_RUNTIME_BYTES, b"\0")}


def _input(name: str, spec: TensorSpec, stages: Stages | None) -> TensorDescription:
    shape = spec.shape
    image = Image("rgb" if shape[3] == 3 else "grayscale") if len(shape) == 4 and shape[3] in (1, 3) else None
    low, high = _limits(spec)
    return TensorDescription(name, image, _normalization(stages, spec) if stages else None, low, high)


def _output(port: Port, contract: Contract) -> TensorDescription:
    first, (low, high) = port is contract.outputs[0], _limits(port.spec)
    if first and contract.classifies and not contract.softmax and port.spec.dtype == "float32":
        low, high = (0.0,), (1.0,)
    files = (AssociatedFile(LABELS, "axis_labels"),) if first and contract.labels else ()
    return TensorDescription(port.name, None, None, low, high, files)


def _limits(spec: TensorSpec) -> tuple[tuple[float, ...], tuple[float, ...]]:
    limits = LIMITS.get(spec.dtype)
    return ((float(limits[0]),), (float(limits[1]),)) if limits else ((), ())


def _normalization(stages: Stages, spec: TensorSpec) -> Normalization | None:
    """What the preprocessing does to each value, as a mean and a standard deviation; None where these do not say it."""
    scale, offset = [1.0], [0.0]
    for stage in stages.stages:
        match stage.operation:
            case Rescale(scale=times, offset=plus):
                scale, offset = [a * times for a in scale], [b * times + plus for b in offset]
            case Normalize(mean=mean, std=std):
                count = max(len(mean), len(std), len(scale))
                scale, offset, means, stds = (_spread(values, count) for values in (scale, offset, mean, std))
                offset = [(b - m) / s for b, m, s in zip(offset, means, stds, strict=True)]
                scale = [a / s for a, s in zip(scale, stds, strict=True)]
            case Cast(dtype="float32") | Resize() | Reshape():
                pass
            case Grayscale() if len(scale) == 1:
                pass
            case Cast(dtype=dtype) if dtype == spec.dtype == "uint8" and (scale, offset) == ([1.0], [0.0]):
                pass
            case _:
                return None
    if stages.dtype("uint8") != "float32" and spec.scale is not None:  # the values go in as they are
        scale, offset = [spec.scale], [-float(spec.zero_point or 0) * spec.scale]
    if any(a <= 0 for a in scale):
        return None
    return Normalization(
        tuple(-b / a if b else 0.0 for a, b in zip(scale, offset, strict=True)), tuple(1 / a for a in scale)
    )


def _spread(values: Sequence[float], count: int) -> list[float]:
    return [*values] * count if len(values) == 1 else [*values]
