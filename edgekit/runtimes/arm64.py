"""LiteRT's arm64 build, the code that a phone's CPU runs, emulated by QEMU, with its instructions counted.

A count of instructions is exact and repeats; it is not a time. It ranks models by the work that they give a CPU, also
between int8 and float32, which this machine's own clock cannot. What caches and memory do with it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit import tflite
from edgekit.errors import UsageError, did_you_mean
from edgekit.figures import Figure
from edgekit.runtimes import (
    DeclaredSession,
    DeviceFigures,
    Kernels,
    Runtime,
    Source,
    Variants,
    check_declared,
    check_kernels,
    reason_against,
)
from edgekit.runtimes._arm64 import CPUS, DEFAULT_CPU, Emulator, install, toolbox
from edgekit.runtimes._child import path_of
from edgekit.runtimes._packed import specs_of
from edgekit.tensors import Array, TensorSpec, random_input

__all__ = ["CPUS", "RUNTIME", "Arm64", "Arm64Session", "install"]

INSTRUCTIONS = Figure(
    "instructions",
    "instructions",
    "arm64",
    "most arm64 instructions of one inference (measure: arm64)",
    "arm64 instructions",
    "counted",
)
TIME_LIMIT = 120.0  # seconds

_WARM_UP = 2  # inferences: kernels pack weights and fill tables at the first


@dataclass(frozen=True)
class Arm64:
    """One core of an emulated arm64 processor: an Executor and a Meter.

    Attributes:
        cpu: "cortex-a76", with the int8 dot product as phones have it from 2018 on, or "cortex-a53", without.

    Raises:
        UsageError: No processor of that name.
    """

    cpu: str = DEFAULT_CPU
    kernels: tuple[Kernels, ...] = ("default",)
    clocked: bool = False

    def __post_init__(self) -> None:
        if self.cpu not in CPUS:
            raise UsageError("No such processor.", received=repr(self.cpu), remedy=did_you_mean(self.cpu, tuple(CPUS)))

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against("arm64", self.open)

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> Arm64Session:
        """Load a model in an emulated process.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: 1, for there is one core.
            kernels: "default": those of an app.
            time_limit: Seconds that loading, and each inference, may take; 120 where none is given.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
            UsageError: More or less than one thread; other kernels.
        """
        check_kernels(kernels, self.kernels)
        if threads != 1:
            raise UsageError("The runtime arm64 has one core: threads must be 1.", received=threads)
        model = tflite.read(source)
        graph = model.graphs[0]
        emulator = Emulator(
            toolbox(), path_of(model), cpu=self.cpu, limit=TIME_LIMIT if time_limit is None else time_limit
        )
        try:
            inputs = specs_of("arm64", [graph.tensors[i] for i in graph.inputs], emulator.inputs)
            outputs = specs_of("arm64", [graph.tensors[i] for i in graph.outputs], emulator.outputs)
        except BaseException:
            emulator.close()
            raise
        return Arm64Session(emulator, inputs, outputs)

    def measure(self, source: Source, *, time_limit: float | None = None) -> DeviceFigures:
        """Arm64 instructions of one inference, after warm-up, on one core.

        Inputs are random by a fixed seed (float in 0..1, quantised integers over their whole range, other integers 0),
        so a count repeats to about one instruction in ten thousand.

        Args:
            source, time_limit: As for `open`.

        Raises:
            ModelError, RuntimeFailed: As `open`.
        """
        rng = np.random.default_rng(0)
        with self.open(source, time_limit=time_limit) as session:
            inputs = [random_input(spec, rng) for spec in session.inputs]
            for _ in range(_WARM_UP):
                session.run(inputs)
            return DeviceFigures({INSTRUCTIONS.name: session.count()})


def _runtime(cpu: str) -> Runtime:
    core = Arm64(cpu)
    variants = Variants("cpu", _runtime, tuple(CPUS))
    return Runtime("arm64", core.probe, figures=(INSTRUCTIONS,), executor=core, meter=core, variants=variants)


RUNTIME = _runtime(DEFAULT_CPU)


class Arm64Session(DeclaredSession):
    """A model opened in an emulated process."""

    def __init__(self, emulator: Emulator, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> None:
        super().__init__(inputs, outputs)
        self._emulator = emulator

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return self._emulator.pid

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes, in the order of `inputs`.

        Args:
            inputs: One array for each.
            fresh: Of no meaning here: no file with variable tensors can be opened.

        Raises:
            ModelError: The arrays are not those that the model declares.
            RuntimeFailed: The process crashed, hung or refused the model.
        """
        check_declared(inputs, self._inputs)
        results = self._emulator.run([values.tobytes() for values in inputs])
        return [np.frombuffer(r, s.dtype).reshape(s.shape) for r, s in zip(results, self._outputs, strict=True)]

    def count(self) -> int:
        """Arm64 instructions of one more inference on the inputs of the last `run`, from call to return.

        Raises:
            RuntimeFailed: As `run`.
        """
        return self._emulator.count()

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._emulator.close()
