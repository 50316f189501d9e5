"""A model as plain data: what a child process gives back of a foreign file, and what EdgeKit builds models from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from edgekit.errors import ModelError
from edgekit.keras.files.values import JSON
from edgekit.tensors import Array

__all__ = ["Array", "Form", "PlainModel", "Tree"]

Form = Literal["h5", "keras"]


@dataclass(frozen=True)
class Tree:
    """Weights as HDF5 has them, without links, filters or types of its own.

    Attributes:
        arrays: By path; numbers only.
        attributes: Names that order them, by path of the group; texts or lists of texts.
        groups: All groups, also the empty ones.
    """

    arrays: Mapping[str, Array] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    groups: tuple[str, ...] = ()

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of all arrays."""
        return [array.shape for array in self.arrays.values()]

    @property
    def bytes(self) -> int:
        """Of all arrays."""
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(frozen=True)
class PlainModel:
    """An allowed configuration and the arrays that belong to it.

    Attributes:
        form: How Keras laid it out: "h5" with names by layer, "keras" with paths of attributes.
        version: Version of the Keras that wrote it; 1 and 2 are tf_keras's.
        config: As `check_config` gives it.
        makers, custom: As in `Checked`.
        weights: The arrays.
    """

    form: Form
    version: str
    config: Mapping[str, JSON]
    makers: frozenset[str]
    custom: frozenset[str]
    weights: Tree

    @property
    def is_keras3(self) -> bool:
        """Whether Keras 3 wrote it."""
        return self.version.split(".")[0] not in ("1", "2")

    def pack(self) -> tuple[dict[str, Any], list[Array]]:
        """In the form in which it travels between processes: `unpack` reads it."""
        told = {"config": self.config, "attributes": self.weights.attributes, "groups": self.weights.groups}
        text = np.frombuffer(json.dumps(told).encode(), np.uint8)
        header = {
            "form": self.form,
            "version": self.version,
            "makers": sorted(self.makers),
            "custom": sorted(self.custom),
            "paths": list(self.weights.arrays),
        }
        return header, [text, *self.weights.arrays.values()]

    @classmethod
    def unpack(cls, header: Mapping[str, Any], arrays: Sequence[Array]) -> PlainModel:
        """Read what a child gave back, which a file may have taken over.

        Raises:
            ModelError: It is not what `pack` makes.
        """
        try:
            text, *values = arrays
            told = json.loads(text.tobytes())
            paths = [str(path) for path in header["paths"]]
            form: Form = "h5" if header["form"] == "h5" else "keras"
            if any(array.dtype.kind not in "biufV" or array.dtype.hasobject for array in values):
                raise ValueError("arrays of another kind than numbers")
            tree = Tree(
                dict(zip(paths, values, strict=True)),
                {str(k): dict(v) for k, v in told["attributes"].items()},
                tuple(map(str, told["groups"])),
            )
            makers, custom = (frozenset(map(str, header[key])) for key in ("makers", "custom"))
            return cls(form, str(header["version"]), dict(told["config"]), makers, custom, tree)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                "The process that reads a model file answers in EdgeKit's own form.",
                received=f"{type(error).__name__}: {error}",
                remedy="The file may have taken it over: do not use this file.",
            ) from None
