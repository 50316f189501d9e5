"""What a wrapper must know of a model, told once for every language: ports, labels, preprocessing, state, sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import ConversionError, Finding
from edgekit.tensors import TensorSpec
from edgekit.tflite import Graph, Model, state_of
from edgekit_converters.android.wrapper.names import unique
from edgekit_converters.preprocessing import Stages, stages_of

__all__ = ["Contract", "Port", "contract_of", "findings"]

DTYPES = {"float32": 4, "int32": 4, "int64": 8, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}
"""Bytes of an element, by the dtypes that TFLite's Java interpreter knows."""
_PASSED = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE")
"""Operators that leave scores what they are."""
LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True)
class Port:
    """One input or output of the model.

    Attributes:
        name: What methods call it, such as "LeftImage"; "" where the model has only this one.
        spec: Its tensor.
    """

    name: str
    spec: TensorSpec

    @property
    def elements(self) -> int:
        return math.prod(self.spec.shape)

    @property
    def bytes(self) -> int:
        return self.elements * DTYPES[self.spec.dtype]


@dataclass(frozen=True)
class Contract:
    """What a wrapper must know.

    Attributes:
        package, name: Of the wrapper's class.
        asset: Path of the model among the assets.
        sha256, model_bytes: Of the model's file.
        inputs, outputs: In the order of the file.
        labels: Names of the classes, or none.
        task: classification, regression, reconstruction or unknown.
        softmax: Whether the first output's scores are logits, of which the wrapper takes the softmax.
        keeps_state: Whether the model remembers from call to call; any other that has variables starts afresh.
        has_variables: Whether it has variables at all.
        stages: Preprocessing of the only input; None where none is known, or there are several inputs.
        takes_bytes: Whether samples of bytes may go into it, as those of images are.
        version: EdgeKit's.
    """

    package: str
    name: str
    asset: str
    sha256: str
    model_bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    labels: tuple[str, ...]
    task: str
    softmax: bool
    keeps_state: bool
    has_variables: bool
    stages: Stages | None
    takes_bytes: bool
    version: str

    @property
    def classifies(self) -> bool:
        """Whether the first output has a score for each class."""
        return self.task == "classification" and self.outputs[0].elements > 1

    @property
    def takes_images(self) -> bool:
        """Whether the wrapper prepares a bitmap and a camera's frame."""
        return self.stages is not None and self.stages.raw.image and self.takes_bytes


def findings(model: Model) -> list[Finding]:
    """What stands against a wrapper for a model."""
    graph = model.graphs[0]
    found = []
    for side, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            found += _of_tensor(graph, side, index)
    return found


def _of_tensor(graph: Graph, side: str, index: int) -> list[Finding]:
    tensor = graph.tensors[index]
    where = f"{side} {tensor.name!r}"
    if tensor.dtype not in DTYPES:
        return [
            Finding(
                "TFLite for Java has tensors of float32, int8, uint8, int16, int32, int64 and bool.",
                f"{where} of {tensor.dtype}",
                "Convert the model with another input and output dtype.",
            )
        ]
    if -1 in tensor.signature[1:] or (tensor.signature[:1] == (-1,) and tensor.shape[0] != 1):
        return [
            Finding(
                "A wrapper has inputs and outputs of fixed sizes, a batch of 1 aside.",
                f"{where} of shape {list(tensor.signature)}",
                "Convert the model with fixed shapes; EdgeKit does.",
            )
        ]
    if 0 in tensor.shape:
        return [Finding("An input or output of a wrapper has values.", f"{where} of shape {list(tensor.shape)}")]
    if side == "input" and tensor.spec.scale is not None and tensor.dtype not in LIMITS:
        return [Finding("An input that is quantised is of int8, uint8 or int16.", f"{where} of {tensor.dtype}")]
    return []


def contract_of(
    model: Model,
    *,
    package: str,
    name: str,
    asset: str,
    labels: tuple[str, ...],
    task: str,
    preprocessing: Preprocessing | None,
    version: str,
) -> Contract:
    """The contract of a model against which `findings` has nothing.

    Raises:
        ConversionError: Labels or preprocessing do not fit the model.
    """
    graph = model.graphs[0]
    inputs, outputs = (
        _ports(graph, indices, side) for side, indices in (("Input", graph.inputs), ("Output", graph.outputs))
    )
    if labels and outputs[0].elements not in (1, len(labels)):
        raise ConversionError(
            "There is a label for each value of the first output.",
            received=f"{len(labels)} labels for {outputs[0].elements} values",
            remedy="Give the labels of this model with --labels.",
        )
    state, stages = state_of(model), _stages(preprocessing, inputs)
    return Contract(
        package,
        name,
        asset,
        model.sha256,
        len(model.content),
        inputs,
        outputs,
        labels,
        "classification" if labels and task == "unknown" else task,
        not _ends_in_scores(graph),
        state == "kept",
        state != "none",
        stages,
        stages is not None and _fits(stages.dtype("uint8"), inputs[0].spec),
        version,
    )


def _ends_in_scores(graph: Graph) -> bool:
    """Whether the first output comes from a softmax or a sigmoid, a change of dtype or shape behind it aside."""
    producer = graph.producer(graph.outputs[0])
    while producer is not None and producer.name in _PASSED:
        producer = graph.producer(producer.inputs[0])
    return producer is not None and producer.name in ("SOFTMAX", "LOGISTIC")


def _ports(graph: Graph, indices: tuple[int, ...], side: str) -> tuple[Port, ...]:
    specs = [graph.tensors[i].spec for i in indices]
    names = unique([s.name for s in specs], side) if len(specs) > 1 else [""]
    return tuple(Port(name, spec) for name, spec in zip(names, specs, strict=True))


def _stages(preprocessing: Preprocessing | None, inputs: tuple[Port, ...]) -> Stages | None:
    if preprocessing is None:
        return None
    remedy = "Give the preprocessing of this model with --preprocessing."
    spec = inputs[0].spec
    if len(inputs) > 1 or spec.shape[:1] != (1,):
        return None
    if not preprocessing.learned:
        raise ConversionError("The vocabulary of tokenize is a list of words here.", remedy=remedy)
    try:
        stages = stages_of(preprocessing, spec.shape[1:])
    except ValueError as error:
        raise ConversionError(
            "The preprocessing must end in what the model takes.", received=str(error), remedy=remedy
        ) from None
    ends = stages.dtype("float32")
    if not _fits(ends, spec):
        raise ConversionError(
            f"The preprocessing must end in {spec.dtype}, or in real values that are quantised.",
            received=ends,
            remedy=remedy,
        )
    return stages


def _fits(dtype: str, spec: TensorSpec) -> bool:
    """Whether values of a dtype have one meaning for an input: whole numbers are not quantised."""
    return dtype in ("float32", spec.dtype) or spec.dtype == "float32" or spec.scale is None
