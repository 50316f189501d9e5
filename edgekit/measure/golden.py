"""Making golden vectors: what the most trusted kernels at hand answer.

The answers come from tflite-runtime's reference kernels, which TFLite Micro equals bit for bit; optimised kernels may
differ by a few least significant bits. LiteRT's stand in where tflite-runtime is missing, too old for the model or
wrong: tflite-runtime 2.14's reference kernels give answers far from all others' for int8 attention. Some operators, as
ELU and ROUND, have no reference kernel; then LiteRT answers as in apps. The file says who answered, and why not others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit import tflite
from edgekit.artifact import write_atomically
from edgekit.errors import ModelError, RuntimeFailed
from edgekit.golden import SAMPLES, SCHEMA, SIDES, Bounds, Golden, golden_path
from edgekit.measure._samples import named
from edgekit.runtimes import Kernels, Source, load_runtime
from edgekit.tensors import Array, TensorSpec, quantize, random_input

if TYPE_CHECKING:
    from edgekit.measure.predict import Samples  # which every export would import with its threads

__all__ = ["answers_to", "bounds_of", "make_golden", "write_golden"]

ORACLES: tuple[tuple[str, Kernels], ...] = (
    ("tflite_runtime", "reference"), ("litert", "reference"), ("litert", "default"),
)  # fmt: skip
"""Runtimes and their kernels, the first that can is taken."""
LONGEST_REASON = 300
"""Characters of why one could not."""
FAR = 32
"""Least significant bits; two reference kernels that differ by more do not compute the same."""

Run = tuple[list[Array], list[Array]]
"""Inputs and outputs of one sample."""


def write_golden(model: Path, samples: Samples | None = None, *, seed: int = 0) -> Path:
    """Run a model on a few samples, under reference kernels where there are such, and save inputs and outputs.

    Args:
        model: The `.tflite`.
        samples: Preprocessed samples [N, ...] of its only input, or of each input by its name; None draws random
            inputs, and so do names that cannot be told apart in the file, as "a-b" and "a.b".
        seed: Seed of the random inputs.

    Raises:
        RuntimeFailed: The runtime does not survive the model.
    """
    golden = make_golden(tflite.read(model), samples, seed=seed)
    arrays = {
        "schema": np.array(SCHEMA, np.int32),
        "oracle": np.array(golden.oracle),
        "missing": np.array(golden.missing, np.str_),
    }
    for side, several in zip(SIDES, (golden.inputs, golden.outputs), strict=True):
        arrays |= {f"{side}_{number}": values for number, values in enumerate(several)}
    path = golden_path(model)
    with write_atomically(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    return path


def make_golden(source: Source, samples: Samples | None = None, *, seed: int = 0) -> Golden:
    """As `write_golden`, without a file.

    Raises:
        RuntimeFailed: The runtime does not survive the model.
    """
    runs, oracle, missing = _reference_answers(source, samples, seed)
    inputs, outputs = (
        tuple(np.stack([run[side][number] for run in runs]) for number in range(len(runs[0][side]))) for side in (0, 1)
    )
    return Golden(inputs, outputs, oracle, tuple(missing))


def answers_to(source: Source, inputs: Sequence[Array], oracles: Sequence[tuple[str, Kernels]] = ORACLES) -> Golden:
    """What the first runtime that can answers to inputs.

    Args:
        source: The model.
        inputs: One array [samples, ...] for each input, in its own dtype.
        oracles: Runtimes and their kernels, the most trusted first.

    Raises:
        RuntimeFailed: No runtime survives the model.
    """
    missing: list[str] = []
    for name, kernels in oracles:
        try:
            session = load_runtime(name).open(source, kernels=kernels)
            try:
                runs = [session.run(list(sample), fresh=True) for sample in zip(*inputs, strict=True)]
            finally:
                session.close()
        except RuntimeFailed as error:
            missing.append(f"{name}, {kernels} kernels: {error.received or error.rule}"[:LONGEST_REASON])
            continue
        outputs = tuple(np.stack(several) for several in zip(*runs, strict=True))
        return Golden(tuple(inputs), outputs, f"{name}, {kernels} kernels", tuple(missing))
    raise RuntimeFailed(
        "Golden vectors come from a runtime that can run the model.",
        received="; ".join(missing),
        remedy="Install TFLite Micro with: pip install 'edgekit[mcu]'",
    )


def bounds_of(golden: Golden, source: Source, kernels: Kernels) -> Bounds:
    """How far LiteRT's kernels are from the golden answers on this machine, with room for those of another one.

    Args:
        golden: Golden vectors of the model.
        source: The model.
        kernels: Which of LiteRT's.

    Raises:
        RuntimeFailed: LiteRT does not survive the model.
    """
    session = load_runtime("litert").open(source, kernels=kernels)
    steps, relative = 0, 0.0
    try:
        for sample in range(len(golden)):
            outputs = session.run([values[sample] for values in golden.inputs], fresh=True)
            for expected, received in zip((values[sample] for values in golden.outputs), outputs, strict=True):
                far = np.abs(expected.astype(np.float64) - received.astype(np.float64)).max(initial=0.0)
                if expected.dtype.kind == "f":
                    relative = max(relative, float(far / max(np.abs(expected).max(initial=0.0), 1e-6)))
                else:
                    steps = max(steps, int(far))
    finally:
        session.close()
    return Bounds(steps + 1, 4 * relative + 1e-5)


def _reference_answers(source: Source, samples: Samples | None, seed: int) -> tuple[list[Run], str, list[str]]:
    """The answers, who gave them, and why those before it did not."""
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
    """Whether the answers are far from those of LiteRT's optimised kernels and from those of its reference kernels.

    The optimised ones come first: they take a tenth of the time, and nearly always agree.
    """
    if not any(values.dtype.kind in "iu" for values in runs[0][1]):
        return False  # how far real numbers may be is the bounds' to say
    for kernels in ("builtin", "reference"):
        try:
            if not _far(runs, _answers("litert", kernels, source, samples, seed)):
                return False
        except RuntimeFailed:
            return False
    return True


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
    """Whether integer outputs of two kernels differ by more than rounding does."""
    pairs = [(a, b) for run, other in zip(runs, others, strict=True) for a, b in zip(run[1], other[1], strict=True)]
    return any(a.dtype.kind in "iu" and np.abs(a.astype(int) - b.astype(int)).max() > FAR for a, b in pairs)
