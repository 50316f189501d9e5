"""Runtimes: what runs a `.tflite`. One file each; a file added here is a runtime that every command knows.

A `.tflite` from outside may corrupt the heap, abort or never return, so a model is only ever run in a child process:
`Runtime.open` starts one and gives a `Session` that talks to it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Protocol, runtime_checkable

from edgekit import registry
from edgekit.errors import UsageError, did_you_mean
from edgekit.tensors import Array, TensorSpec

__all__ = [
    "BatchSession",
    "DeviceFigures",
    "DeviceRuntime",
    "OperatorShare",
    "Runtime",
    "SelfTimedRuntime",
    "Session",
    "TimedSession",
    "VARIANTS",
    "WatchedSession",
    "load_runtime",
    "runtime_names",
]


VARIANTS: Mapping[str, str] = MappingProxyType({"adb": "serial", "arm64": "cpu", "ethos_u": "config"})
"""What follows the colon in a runtime's name, such as "arm64:cortex-a53": the keyword of its methods that it is."""


class Session(Protocol):
    """A model opened on a runtime, in a child process."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes, in the order of `inputs`.

        Args:
            inputs: One array for each.
            fresh: Let variable tensors, in which fused LSTMs keep their state from one call to the next, begin at zero.
                Resource variables, in which stateful models keep theirs, go on.

        Raises:
            RuntimeFailed: The child crashed, hung or refused the model.
        """
        ...

    def close(self) -> None:
        """End the child process."""
        ...


@runtime_checkable
class BatchSession(Session, Protocol):
    """A session that takes many samples at once; `edgekit.measure.predict` uses it where a runtime has it."""

    def plan(self, samples: Sequence[Array], *, batch: int | None = None, output: int = 0) -> int:
        """Settle how many samples each inference takes, on the first few samples, and hold the model ready.

        Args:
            samples: One array [n, ...] per input, float32 or in the input's own dtype.
            batch: Samples for each inference; None leaves the choice to the session.
            output: Which of the model's outputs is wanted.

        Returns:
            The batch: above what the file declares only where a batch gives what one sample at a time gives.

        Raises:
            RuntimeFailed: The child crashed, hung or refused the model.
        """
        ...

    def map(self, samples: Sequence[Array]) -> Array:
        """The planned output, dequantised to float32 [n, ...], for samples of the planned shapes and dtypes."""
        ...


@runtime_checkable
class TimedSession(Session, Protocol):
    """A session that measures itself; `edgekit.measure.latency` needs it."""

    def time(self, inputs: Sequence[Array], runs: int) -> list[int]:
        """Nanoseconds of each of `runs` inferences, without the copying of inputs and outputs."""
        ...

    def peak_memory(self) -> int | None:
        """Bytes that the child held at most since just before it loaded the model, less what it held then."""
        ...


@runtime_checkable
class WatchedSession(Protocol):
    """A timed session that knows how often it was disturbed."""

    def switches(self) -> int:
        """How often the operating system took the CPU away during the timed inferences so far."""
        ...


@dataclass(frozen=True)
class OperatorShare:
    """One operator's part of an inference.

    Attributes:
        operator: Builtin operator name, such as "CONV_2D", or the delegate's own, such as "XNNPACK Add (ND)".
        name: Of its output tensor, or its place in the graph.
        share: Fraction 0..1 of the runtime's own figure (time, instructions or cycles).
        value: That figure itself.
        unit: "ms", "instructions" or "cycles".
    """

    operator: str
    name: str
    share: float
    value: float
    unit: str


@dataclass(frozen=True)
class DeviceFigures:
    """What a device-side runtime tells of one inference, besides the outputs.

    Attributes:
        values: By the names of `edgekit.figures.FIGURES`; what it does not tell is not there.
        profile: Operators by share, largest first.
    """

    values: Mapping[str, int] = field(default_factory=dict)
    profile: tuple[OperatorShare, ...] | None = None

    def __getitem__(self, figure: str) -> int | None:
        """One of them; None where the runtime does not tell it."""
        return self.values.get(figure)


@runtime_checkable
class DeviceRuntime(Protocol):
    """A runtime that tells device-side figures; `edgekit.measure.latency` asks it where it cannot time."""

    def measure(self, path: Path) -> DeviceFigures:
        """Figures of one inference, in a child process.

        Raises:
            RuntimeFailed: The runtime is missing, refuses or does not survive the model.
        """
        ...


@runtime_checkable
class SelfTimedRuntime(Protocol):
    """A runtime whose own tool times a model on a device, where this process cannot take turns."""

    def benchmark(self, path: Path, *, threads: int = 1, runs: int = 50, time_limit: float = 300.0) -> Any:
        """What the tool tells, as `edgekit.runtimes.adb.AdbResult` has it.

        Raises:
            RuntimeFailed: The device is missing, or refuses or does not survive the model.
        """
        ...


class Runtime(Protocol):
    """Something that runs a `.tflite`."""

    @property
    def name(self) -> str: ...

    def probe(self) -> str | None:
        """Why this runtime cannot be used here (with the remedy), or None: found out by running a tiny model."""
        ...

    def open(self, path: Path, *, threads: int = 1) -> Session:
        """Load a model in a child process.

        Raises:
            RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
        """
        ...


def runtime_names() -> list[str]:
    """Every runtime that this folder holds, whether or not it is installed."""
    return registry.names(sys.modules[__name__])


def load_runtime(name: str) -> Runtime:
    """A runtime by its name, or one of its variants: "arm64:cortex-a53", "ethos_u:ethos-u85-256", "adb:SERIAL".

    Raises:
        UsageError: No runtime of that name; the nearest one is suggested. It has no variants. (That there is no such
            variant is found out when it is used.)
    """
    base, colon, variant = name.partition(":")
    runtime: Runtime = registry.load(sys.modules[__name__], base).RUNTIME
    if not colon:
        return runtime
    if base not in VARIANTS:
        raise UsageError(
            f"The runtime {base} has no variants.", received=repr(name), remedy=did_you_mean(base, VARIANTS)
        )
    if not variant:
        raise UsageError(f"A variant of {base} is written {base}:{VARIANTS[base].upper()}.", received=repr(name))
    known = getattr(runtime, "variants", None)
    if known is not None and variant not in known:
        raise UsageError(f"No such variant of {base}.", received=repr(name), remedy=did_you_mean(variant, known))
    return _variant(runtime, name, {VARIANTS[base]: variant})


def _variant(runtime: Runtime, name: str, option: Mapping[str, str]) -> Runtime:
    """The same runtime with one option settled in every method that takes it."""
    bound: dict[str, Any] = {k: getattr(runtime, k) for k in ("estimates_only", "needs_device") if hasattr(runtime, k)}
    for method in ("probe", "open", "measure", "benchmark"):
        if (function := getattr(runtime, method, None)) is not None:
            takes = option.keys() <= inspect.signature(function).parameters.keys()
            bound[method] = partial(function, **option) if takes else function
    made: Any = SimpleNamespace(name=name, **bound)
    variant: Runtime = made
    return variant
