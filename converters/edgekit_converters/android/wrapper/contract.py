"""What a wrapper must know of a model, told once for every language: ports, labels, preprocessing, state, sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import ConversionError, Finding
from edgekit.places import setting
from edgekit.tensors import TensorSpec
from edgekit.tflite import Graph, Model, state_of
from edgekit_converters.android.wrapper.names import unique
from edgekit_converters.preprocessing import Stages, stages_of

__all__ = ["Contract", "Entry", "Port", "contract_of", "findings"]

DTYPES = {"float32": 4, "int32": 4, "int64": 8, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}
"""Bytes of an element, by the dtypes that TFLite's Java interpreter knows."""
_PASSED = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE")
"""Operators that leave scores what they are."""
LABELS = "labels.txt"
"""The file behind a model that has the names of its classes, a line each."""
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
        """How many values the tensor has."""
        return math.prod(self.spec.shape)

    @property
    def bytes(self) -> int:
        """How many bytes the tensor takes."""
        return self.elements * DTYPES[self.spec.dtype]


@dataclass(frozen=True)
class Entry:
    """How LiteRT 2 is asked for the model: by a signature of the file.

    Attributes:
        index: Index of the signature; 0 where the file has none, and LiteRT makes one.
        key: Its name, where buffers are asked for by name; else "".
        inputs, outputs: What it calls the model's, in the order of the model's; none where there is only one of each,
            or no signature, whose order is the model's.
    """

    index: int
    key: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether buffers are asked for by name."""
        return bool(self.inputs)


@dataclass(frozen=True)
class Contract:
    """What a wrapper must know.

    Attributes:
        package, name: Package and name of the wrapper's class.
        asset: Path of the model among the assets.
        sha256, model_bytes: sha256 and bytes of the model's file.
        inputs, outputs: In the order of the file.
        labels: Names of the classes, or none.
        task: classification, regression, reconstruction or unknown.
        softmax: Whether the first output's scores are logits, of which the wrapper takes the softmax.
        keeps_state: Whether the model remembers from call to call; any other that has variables starts afresh.
        has_variables: Whether it has variables at all.
        stages: Preprocessing of the only input; None where none is known, or there are several inputs.
        takes_bytes: Whether samples of bytes may go into it, as those of images are.
        version: EdgeKit's.
        gpu: Whether the wrapper can ask for a GPU.
        entry: For a wrapper on LiteRT 2; None for one on TFLite's interpreter.
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
    gpu: bool = False
    entry: Entry | None = None

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
    gpu: bool = False,
    entry: Entry | None = None,
) -> Contract:
    """The contract of a model against which `findings` has nothing.

    Raises:
        ConversionError: The preprocessing does not fit the model, or a GPU cannot run it.
    """
    graph = model.graphs[0]
    inputs, outputs = (
        _ports(graph, indices, side) for side, indices in (("Input", graph.inputs), ("Output", graph.outputs))
    )
    state, stages = state_of(model), _stages(preprocessing, inputs)
    if gpu and state != "none":
        raise ConversionError(
            "TFLite's GPU delegate takes models without variables.",
            received="one that has some",
            remedy=f"Leave out {setting('gpu')}.",
        )
    return Contract(
        package,
        name,
        asset,
        model.sha256,
        len(model.content),
        inputs,
        outputs,
        labels,
        task,
        not _ends_in_scores(graph),
        state == "kept",
        state != "none",
        stages,
        stages is not None and _fits(stages.dtype("uint8"), inputs[0].spec),
        version,
        gpu,
        entry,
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
    remedy = f"Give the preprocessing of this model with {setting('preprocessing')}."
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
