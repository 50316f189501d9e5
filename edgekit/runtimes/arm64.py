"""LiteRT's arm64 build, the code that a phone's CPU runs, emulated by QEMU, with its instructions counted.

A count of instructions is exact and repeats; it is not a time. It ranks models by the work that they give a CPU, also
between int8 and float32, which this machine's own clock cannot. What caches and memory do with it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import tflite
from edgekit.errors import RuntimeFailed, UsageError, did_you_mean
from edgekit.runtimes import DeviceFigures
from edgekit.runtimes._arm64 import CPUS, DEFAULT_CPU, Emulator, Port, toolbox
from edgekit.runtimes._declared import DeclaredSession, check_declared
from edgekit.runtimes._probe import reason_against
from edgekit.tensors import Array, TensorSpec, random_input

__all__ = ["RUNTIME", "Arm64Runtime", "Arm64Session"]

_WARM_UP = 2  # inferences: kernels pack weights and fill tables at the first


@dataclass(frozen=True)
class Arm64Runtime:
    """A runtime and DeviceRuntime: one core of an emulated arm64 processor."""

    name: str = "arm64"

    @property
    def variants(self) -> tuple[str, ...]:
        """The processors that `arm64:CPU` may name."""
        return tuple(CPUS)

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against(self.name, self.open)

    def open(self, path: Path, *, threads: int = 1, cpu: str = DEFAULT_CPU, time_limit: float = 120.0) -> Arm64Session:
        """Load a model in an emulated process.

        Args:
            path: The `.tflite`; its flatbuffer is checked first.
            threads: 1, for there is one core.
            cpu: "cortex-a76", with the int8 dot product as phones have it from 2018 on, or "cortex-a53", without.
            time_limit: Seconds that loading, and each inference, may take.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
            UsageError: More or less than one thread; no processor of that name.
        """
        if cpu not in CPUS:
            raise UsageError("No such processor.", received=repr(cpu), remedy=did_you_mean(cpu, CPUS))
        if threads != 1:
            raise UsageError("The runtime arm64 has one core: threads must be 1.", received=threads)
        path = Path(path).resolve()
        graph = tflite.read(path).graphs[0]
        emulator = Emulator(toolbox(), path, cpu=cpu, limit=time_limit)
        try:
            inputs = _specs([graph.tensors[i] for i in graph.inputs], emulator.inputs)
            outputs = _specs([graph.tensors[i] for i in graph.outputs], emulator.outputs)
        except BaseException:
            emulator.close()
            raise
        return Arm64Session(emulator, inputs, outputs)

    def measure(self, path: Path, *, cpu: str = DEFAULT_CPU, time_limit: float = 120.0) -> DeviceFigures:
        """Arm64 instructions of one inference, after warm-up, on one core.

        Inputs are random by a fixed seed (float in 0..1, quantised integers over their whole range, other integers 0),
        so a count repeats to about one instruction in ten thousand.

        Args:
            path: The `.tflite`.
            cpu, time_limit: As for `open`.

        Raises:
            ModelError, RuntimeFailed, UsageError: As `open`.
        """
        rng = np.random.default_rng(0)
        with self.open(path, cpu=cpu, time_limit=time_limit) as session:
            inputs = [random_input(spec, rng) for spec in session.inputs]
            for _ in range(_WARM_UP):
                session.run(inputs)
            return DeviceFigures({"instructions": session.count()})


RUNTIME = Arm64Runtime()


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


def _specs(tensors: Sequence[tflite.Tensor], ports: Sequence[Port]) -> tuple[TensorSpec, ...]:
    """What the file says of the tensors, with the shapes that they have in the running model."""
    specs = []
    for tensor, port in zip(tensors, ports, strict=True):
        try:
            size = np.dtype(tensor.dtype).itemsize * int(np.prod(port.shape))
        except TypeError:
            size = -1
        if size != port.bytes:
            raise RuntimeFailed(
                "The runtime arm64 takes and gives arrays of whole numbers of bytes per element.",
                received=f"{tensor.name!r} of {tensor.dtype} {list(port.shape)} in {port.bytes} bytes",
            )
        signature = tensor.signature if tensor.signature != port.shape else None
        specs.append(TensorSpec(tensor.name, port.shape, np.dtype(tensor.dtype).name, tensor.quant, signature))
    return tuple(specs)
