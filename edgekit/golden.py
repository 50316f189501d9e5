"""Golden vectors: a few inputs of a `.tflite` with what it must answer, saved beside it to hold every runtime to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.npz import read_npz
from edgekit.tensors import Array

__all__ = ["SAMPLES", "SCHEMA", "SIDES", "Bounds", "Golden", "golden_path", "read_golden"]

SCHEMA = 2
"""Version of the file's form: the arrays `schema`, `oracle` and `missing` beside input_0, ... and output_0, ..."""
SAMPLES = 8
SIDES = ("input", "output")
LARGEST = 2 << 30
"""Bytes of a file's arrays."""
_REMEDY = "Convert the model again."


@dataclass(frozen=True)
class Bounds:
    """How far other kernels than the oracle's may be from the golden answers.

    Attributes:
        steps: Bound of integer outputs, in least significant bits.
        relative: Bound of float outputs, as a part of the output's largest absolute value.
    """

    steps: int
    relative: float


@dataclass(frozen=True)
class Golden:
    """Inputs and expected outputs in the file's own dtypes, batch 1 each.

    Attributes:
        inputs: One array [samples, 1, ...] per input.
        outputs: One array [samples, 1, ...] per output.
        oracle: Who answered, such as "tflite_runtime, reference kernels".
        missing: Why those before it could not, one text each.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    oracle: str
    missing: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inputs[0])


def golden_path(model: Path) -> Path:
    """`model.tflite` -> `model.tflite.golden.npz`."""
    return model.with_name(f"{model.name}.golden.npz")


def read_golden(model: Path) -> Golden:
    """The golden vectors of a model.

    Raises:
        ModelError: There are none beside it, or they are damaged.
    """
    path = golden_path(model)
    _, arrays = read_npz(path, what="The golden vectors", remedy=_REMEDY, most=LARGEST, error=ModelError)
    finding = _finding(arrays)
    if finding:
        raise ModelError(
            "Golden vectors lie beside every model that EdgeKit makes.", received=f"{path} ({finding})", remedy=_REMEDY
        )
    inputs, outputs = (
        tuple(arrays[f"{side}_{i}"] for i in range(sum(k.startswith(f"{side}_") for k in arrays))) for side in SIDES
    )
    return Golden(inputs, outputs, str(arrays["oracle"]), tuple(str(text) for text in arrays["missing"]))


def _finding(arrays: Mapping[str, Array]) -> str | None:
    """What is wrong with the arrays of a file, in a few words; None where they are golden vectors."""
    schema = arrays.get("schema")
    if schema is None:
        return "no schema version, as an older EdgeKit wrote it"
    if schema.shape != () or schema.dtype.kind not in "iu" or int(schema) != SCHEMA:
        return f"another schema version than {SCHEMA}"
    for name, axes in (("oracle", 0), ("missing", 1)):
        text = arrays.get(name)
        if text is None or text.dtype.kind != "U" or text.ndim != axes or text.nbytes > 1 << 16:
            return f"{name} is no text, or a long one"
    counts = {side: sum(name.startswith(f"{side}_") for name in arrays) for side in SIDES}
    expected = {f"{side}_{i}" for side in SIDES for i in range(counts[side])}
    if not all(counts.values()) or arrays.keys() != expected | {"schema", "oracle", "missing"}:
        return f"the arrays {', '.join(sorted(arrays))[:200]}"
    return next(filter(None, (_wrong_array(name, arrays[name], arrays["input_0"]) for name in sorted(expected))), None)


def _wrong_array(name: str, array: Array, first: Array) -> str | None:
    """What is wrong with an input or output; None where it holds as many samples as the first input."""
    if array.dtype.kind not in "biuf":
        return f"{name} of dtype {array.dtype}"
    if array.ndim < 1 or not 1 <= len(array) <= SAMPLES or len(array) != len(first):
        return f"{name} of shape {list(array.shape)}"
    return None
