"""Golden vectors: a few inputs of a `.tflite` with what it must answer, saved beside it to hold every runtime to.

The answers come from tflite-runtime's reference kernels, which TFLite Micro equals bit for bit; optimised kernels may
differ by a few least significant bits. LiteRT's stand in where tflite-runtime is missing, too old for the model or
wrong: tflite-runtime 2.14's reference kernels give answers far from all others' for int8 attention. Some operators, as
ELU and ROUND, have no reference kernel; then LiteRT answers as in apps. The file says who answered, and why not others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from edgekit import tflite
from edgekit.artifact import write_atomically
from edgekit.errors import ModelError, RuntimeFailed
from edgekit.measure._samples import named
from edgekit.measure.predict import Samples
from edgekit.npz import read_npz
from edgekit.runtimes import Kernels, Source, load_runtime
from edgekit.tensors import Array, TensorSpec, quantize, random_input

__all__ = ["Golden", "golden_path", "read_golden", "write_golden"]

SCHEMA = 2
"""Version of the file's form: the arrays `schema`, `oracle` and `missing` beside input_0, ... and output_0, ..."""
ORACLES: tuple[tuple[str, Kernels], ...] = (
    ("tflite_runtime", "reference"), ("litert", "reference"), ("litert", "default"),
)  # fmt: skip
"""Runtimes and their kernels, the first that can is taken."""
LONGEST_REASON = 300
"""Characters of why one could not."""
SAMPLES = 8
SIDES = ("input", "output")
LARGEST = 2 << 30
"""Bytes of a file's arrays."""
_REMEDY = "Convert the model again."
FAR = 32
"""Least significant bits; two reference kernels that differ by more do not compute the same."""

Run = tuple[list[Array], list[Array]]
"""Inputs and outputs of one sample."""


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


def write_golden(model: Path, samples: Samples | None = None, *, seed: int = 0) -> Path:
    """Run a model on a few samples, under reference kernels where there are such, and save inputs and outputs.

    Args:
        model: The `.tflite`.
        samples: Preprocessed samples [N, ...] of its only input, or of each input by its name; None draws random
            inputs, and so do names that cannot be told apart in the file, as "a-b" and "a.b".
        seed: Of the random inputs.

    Raises:
        RuntimeFailed: The runtime does not survive the model.
    """
    runs, oracle, missing = _reference_answers(model, samples, seed)
    arrays = {"schema": np.array(SCHEMA, np.int32), "oracle": np.array(oracle), "missing": np.array(missing, np.str_)}
    for side, name in enumerate(SIDES):
        for number in range(len(runs[0][side])):
            arrays[f"{name}_{number}"] = np.stack([run[side][number] for run in runs])
    path = golden_path(model)
    with write_atomically(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    return path


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
    for name in sorted(expected):
        array = arrays[name]
        if array.dtype.kind not in "biuf":
            return f"{name} of dtype {array.dtype}"
        if array.ndim < 1 or not 1 <= len(array) <= SAMPLES or len(array) != len(arrays["input_0"]):
            return f"{name} of shape {list(array.shape)}"
    return None


def _reference_answers(model: Path, samples: Samples | None, seed: int) -> tuple[list[Run], str, list[str]]:
    """The answers, who gave them, and why those before it did not."""
    source = tflite.read(model)
    missing: list[str] = []
    failure: RuntimeFailed | None = None
    for name, kernels in ORACLES:
        title = f"{name}, {kernels} kernels"
        try:
            runs = _answers(name, kernels, source, samples, seed)
        except RuntimeFailed as error:
            failure = error
            missing.append(f"{title}: {error.received or error.rule}"[:LONGEST_REASON])
            continue
        if name == "tflite_runtime" and _is_wrong(runs, source, samples, seed):
            missing.append(f"{title}: answers more than {FAR} steps away from LiteRT's")
            continue
        return runs, title, missing
    assert failure is not None
    raise failure


def _is_wrong(runs: list[Run], source: Source, samples: Samples | None, seed: int) -> bool:
    try:
        return _far(runs, _answers("litert", "reference", source, samples, seed))
    except RuntimeFailed:
        return False


def _answers(name: str, kernels: Kernels, source: Source, samples: Samples | None, seed: int) -> list[Run]:
    generator = np.random.default_rng(seed)
    session = load_runtime(name).open(source, kernels=kernels)
    try:
        given, runs = _by_input(samples, session.inputs), []
        for i in range(min([SAMPLES, *map(len, given)])):
            pairs = zip_longest(session.inputs, (values[i : i + 1] for values in given))
            inputs = [
                random_input(spec, generator) if sample is None else quantize(sample, spec) for spec, sample in pairs
            ]
            runs.append((inputs, session.run(inputs, fresh=True)))
        return runs
    finally:
        session.close()


def _by_input(samples: Samples | None, specs: Sequence[TensorSpec]) -> list[Array]:
    """An array for each input; none where the inputs are to be random."""
    if samples is None or (len(specs) > 1 and not isinstance(samples, Mapping)):
        return []
    if not isinstance(samples, Mapping):
        return [samples]
    try:
        given = named(samples, specs)
    except ModelError:
        return []
    return [
        values if spec.scale is None else values.astype(np.float32) for values, spec in zip(given, specs, strict=True)
    ]


def _far(runs: list[Run], others: list[Run]) -> bool:
    """Whether integer outputs of two reference kernels differ by more than rounding does."""
    pairs = [(a, b) for run, other in zip(runs, others, strict=True) for a, b in zip(run[1], other[1], strict=True)]
    return any(a.dtype.kind == "i" and np.abs(a.astype(int) - b.astype(int)).max() > FAR for a, b in pairs)
