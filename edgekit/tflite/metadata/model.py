"""What TFLite metadata says, as far as EdgeKit reads and writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COLORS", "KINDS", "AssociatedFile", "Image", "Metadata", "Normalization", "TensorDescription"]

KINDS = (
    "unknown",
    "descriptions",
    "axis_labels",
    "value_labels",
    "score_calibration",
    "vocabulary",
    "scann_index",
)
"""Of associated files, in the order of the schema's `AssociatedFileType`."""
COLORS = ("unknown", "rgb", "grayscale")
"""In the order of the schema's `ColorSpaceType`."""


@dataclass(frozen=True)
class AssociatedFile:
    """A file behind the model that belongs to a tensor.

    Attributes:
        name: Name of the member in the archive.
        kind: One of `KINDS`; "axis_labels" has a name for each value of the tensor, a line each.
    """

    name: str
    kind: str = "unknown"


@dataclass(frozen=True)
class Image:
    """A tensor that holds an image.

    Attributes:
        color: One of `COLORS`.
    """

    color: str


@dataclass(frozen=True)
class Normalization:
    """(x - mean) / std: from the values of an image or a sample to the real values that the tensor stands for.

    Attributes:
        mean, std: One number, or one for each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class TensorDescription:
    """An input or an output.

    Attributes:
        name: Name of the tensor, for people.
        image: What image it holds; None for other values.
        normalization: What is done to its values before they are quantised; None where nothing is known.
        low, high: The least and the largest value of its elements, as they stand in the tensor; empty if unknown.
        files: What belongs to it.
    """

    name: str = ""
    image: Image | None = None
    normalization: Normalization | None = None
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    files: tuple[AssociatedFile, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """What a file says of itself.

    Attributes:
        name, description, version: Name, description and version of the model, for people.
        min_parser_version: Oldest version of the library that reads metadata, as "1.0.0".
        inputs, outputs: Inputs and outputs of the first subgraph, in the order of the file.
        archive: Sizes in bytes of the files behind the model, by name.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    min_parser_version: str = ""
    inputs: tuple[TensorDescription, ...] = ()
    outputs: tuple[TensorDescription, ...] = ()
    archive: Mapping[str, int] | None = None
