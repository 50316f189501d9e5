"""Costs that are measured: the candidate with random weights as an int8 `.tflite`, on the runtimes of the recipe.

A file's shapes decide its bytes, its arena and its instructions; its weights do not, as long as they are ordinary
numbers. Figures that hang on trained weights all the same are marked.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache as remembered
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import tflite
from edgekit.artifact import write_atomically
from edgekit.errors import DataError, UsageError
from edgekit.files import read_json
from edgekit.keras.plain import Description, build_plain
from edgekit.locks import claimed
from edgekit.runtimes import load_runtime
from edgekit.searching.costs.figures import Costs
from edgekit.tensors import Array
from edgekit.tflite.macs import count_macs
from edgekit.versions import versions
from edgekit_converters.tflite import ConvertSpec, converted

__all__ = ["SAMPLES", "cost_key", "is_measured", "measure_built", "measure_costs"]

SAMPLES = 4
"""That give activations some ranges; which ones changes no cost."""
FORM = 1
"""Of what is cached; another one measures anew."""
MOST = 1 << 20  # bytes of a record


def measure_costs(
    description: Description, runtimes: Sequence[str], cache: Path, *, time_limit: float | None = None
) -> Costs:
    """Convert a candidate with random weights, biases and batch-norm statistics, and measure its file.

    Several processes may share the cache: one of them measures, the others wait and read. A file is converted once; a
    runtime that is asked for later measures the same file.

    Args:
        description: Of the candidate.
        runtimes: Names of runtimes of `edgekit.runtimes` that have figures, such as "tflm", "arm64", "cortex_m".
        cache: A folder, made where it is missing.
        time_limit: Seconds that a runtime may take for it; None for its own limit.

    Returns:
        macs, model_bytes, gzip_bytes, and what the runtimes tell.

    Raises:
        ConversionError: The converter cannot.
        RuntimeFailed: A runtime is missing, or refuses or does not survive the file.
        UsageError: No such runtime; two that tell a figure of one name.
    """
    return _measured(cost_key(description), lambda: _converted(description), runtimes, cache, time_limit=time_limit)


def measure_built(told: str, build: Callable[[], Any], samples: Array, runtimes: Sequence[str], cache: Path) -> Costs:
    """The same of a network that nothing describes: it is built, which takes seconds, and given random weights.

    Args:
        told: What decides the network that is built: its costs are kept under this.
        build: Gives its tf_keras model.
        samples: (samples, ...), some that it takes.
        runtimes, cache: As for `measure_costs`.

    Returns:
        What `measure_costs` gives.

    Raises:
        EdgekitError: As `measure_costs`, or the network cannot be built.
    """
    key = _key(told)

    def convert() -> bytes:
        return _with_random_weights(build(), int(key[:16], 16), lambda _: samples)

    return _measured(key, convert, runtimes, cache)


def _measured(
    key: str, convert: Callable[[], bytes], runtimes: Sequence[str], cache: Path, *, time_limit: float | None = None
) -> Costs:
    _check_figures(runtimes)
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / f"{key}.tflite"
    with claimed(cache / f"{key}.lock", wait=lambda _: None):
        if not file.is_file():
            content = convert()
            with write_atomically(file) as new:
                new.write_bytes(content)
        figures = _recorded(cache / f"{key}.file.json", lambda: _of_file(file))
        for runtime in runtimes:
            figures |= _recorded(
                cache / f"{key}.{_file_name(runtime)}.json", partial(_of_runtime, runtime, file, time_limit)
            )
    return Costs.known(figures)


def cost_key(description: Description) -> str:
    """What a candidate's costs are kept under: its graph, and the versions of what converts and measures."""
    return _key(description.sha256)


def _key(graph: str) -> str:
    told = [FORM, SAMPLES, graph, sorted(_versions().items(), key=str)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:40]


@remembered
def _versions() -> Mapping[str, str | None]:
    return versions()


def is_measured(description: Description, runtime: str, cache: Path) -> bool:
    """Whether a candidate's figures of a runtime are there, so that `measure_costs` only reads."""
    return (cache / f"{cost_key(description)}.{_file_name(runtime)}.json").is_file()


def _check_figures(runtimes: Sequence[str]) -> None:
    told: dict[str, str] = {}
    for runtime in runtimes:
        for figure in load_runtime(runtime).figures:
            if told.setdefault(figure.name, runtime) != runtime:
                raise UsageError(
                    "Each figure of a search comes from one runtime.",
                    received=f"{figure.name} of {told[figure.name]} and of {runtime}",
                    remedy="Measure one of them.",
                )


def _recorded(path: Path, measure: Callable[[], Mapping[str, int | None]]) -> dict[str, int]:
    """What was measured before, else what is measured now; a damaged record is measured anew."""
    if path.is_file():
        try:
            found = read_json(path, most=MOST, what="A record of costs")
        except DataError:
            found = None
        if isinstance(found, dict) and all(type(value) is int for value in found.values()):
            return found
    figures: dict[str, int] = {name: int(value) for name, value in measure().items() if value is not None}
    with write_atomically(path) as new:
        new.write_text(json.dumps(figures, sort_keys=True) + "\n", encoding="utf-8")
    return figures


def _of_file(file: Path) -> dict[str, int | None]:
    model = tflite.read(file)
    return {
        "macs": count_macs(model),
        "model_bytes": len(model.content),
        "gzip_bytes": tflite.inspect(file).gzip_bytes,
    }


def _of_runtime(runtime: str, file: Path, time_limit: float | None) -> Mapping[str, int]:
    return load_runtime(runtime).measure(file, time_limit=time_limit).values


def _file_name(runtime: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "+" for c in runtime)


def _converted(description: Description) -> bytes:
    """The int8 file of a candidate whose weights are random, by the candidate itself: it repeats to the last byte."""
    return _with_random_weights(
        build_plain(description),
        int(description.sha256[:16], 16),
        lambda rng: rng.normal(size=(SAMPLES, *description.input_shape)).astype(np.float32),
    )


def _with_random_weights(model: Any, seed: int, samples: Callable[[np.random.Generator], Array]) -> bytes:
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype.is_floating:
            weight.assign(_random(weight.name, tuple(weight.shape), rng))
    return converted(model, ConvertSpec(format="int8"), samples(rng))


def _random(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Values as a trained network has them, so that no two biases or statistics are equal and none are zero."""
    kind = name.rpartition("/")[2].partition(":")[0]
    if kind in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, shape)
    if "kernel" in kind:
        return rng.normal(0, max(math.prod(shape[:-1]), 1) ** -0.5, shape)
    return rng.normal(0, 0.3, shape)
