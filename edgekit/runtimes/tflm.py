"""TFLite Micro (the PyPI wheel tflite-micro), the interpreter of microcontrollers, with its reference kernels.

Its outputs are those of a microcontroller that runs the same kernels. It takes no times: a host's say nothing of a
Cortex-M's. The arena that it measures is a 64-bit host's, whose pointers are twice as wide: a 32-bit part with these
kernels needs a little less. Optimised kernels (CMSIS-NN) may ask for scratch buffers of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import tflite
from edgekit.errors import RuntimeFailed
from edgekit.runtimes import DeviceFigures
from edgekit.runtimes._declared import DeclaredSession
from edgekit.runtimes._interpreter import InterpreterRuntime, InterpreterSession
from edgekit.tensors import Array

__all__ = ["RUNTIME", "MicroRuntime", "MicroSession"]

_HYBRID = "Input type: FLOAT32 with filter type: INT8"
_LACKING = re.compile(r"Didn't find op for builtin opcode '(\w+)'")


@dataclass(frozen=True)
class MicroRuntime:
    """TFLite Micro on this machine: a Runtime and a DeviceRuntime."""

    name: str = "tflm"
    package: str = "tflite-micro"
    remedy: str = "Install it with: pip install 'edgekit[mcu]'"

    @property
    def _interpreter(self) -> InterpreterRuntime:
        return InterpreterRuntime(self.name, self.package, self.load, self.remedy)

    def load(self) -> tuple[Any, Mapping[str, Any]]:
        """Called in the child only."""
        from edgekit.runtimes import _tflm

        _tflm.load_package()
        return _tflm.interpreter, {"default": "default", "measure": "measure"}

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return self._interpreter.probe()

    def open(self, path: Path, *, threads: int = 1, time_limit: float = 60.0) -> MicroSession:
        """Load a model in a child process, with an arena that is large enough for any that fits a device.

        Args:
            path: The `.tflite`; its flatbuffer is checked first.
            threads: TFLite Micro has one thread; more are not used.
            time_limit: Seconds without a sign of life after which the child is ended.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, lacks an operator of the model, or refuses or does not survive it.
        """
        try:
            return MicroSession(self._interpreter.open(path, threads=threads, time_limit=time_limit))
        except RuntimeFailed as error:
            raise _explained(error, path) from None

    def measure(self, path: Path, *, time_limit: float = 60.0) -> DeviceFigures:
        """The smallest tensor arena that gives what a large one gives, to 16 bytes.

        What the interpreter's own allocator reports can be below what a model needs to start, so sizes are tried, each
        in a process of its own: whatever the arena, one inference on random inputs must give the same bytes.

        Args:
            path: The `.tflite`; its flatbuffer is checked first.
            time_limit: Seconds for all tries together.

        Returns:
            arena_bytes, of a 64-bit host and with the allocator's own records: a little above a 32-bit part's.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, lacks an operator of the model, or refuses or does not survive it.
        """
        from edgekit.runtimes._figures import ask

        try:
            told, _ = ask(self.name, path, "measure", limit=time_limit)
        except RuntimeFailed as error:
            raise _explained(error, path) from None
        return DeviceFigures({"arena_bytes": int(told["arena_bytes"])})


class MicroSession(DeclaredSession):
    """A model opened in TFLite Micro in a child process: a Session and a BatchSession, one sample at a time."""

    def __init__(self, session: InterpreterSession) -> None:
        super().__init__(session.inputs, session.outputs)
        self._session = session

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._session.pid

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference; see `Session.run`."""
        return self._session.run(inputs, fresh=fresh)

    def plan(self, samples: Sequence[Array], *, batch: int | None = None, output: int = 0) -> int:
        """Hold the model ready; see `BatchSession.plan`. The batch is what the file declares: shapes are fixed here."""
        return self._session.plan(samples, batch=batch, output=output)

    def map(self, samples: Sequence[Array]) -> Array:
        """The planned output as float32 [n, ...]; the samples travel through shared memory."""
        return self._session.map(samples)

    def close(self) -> None:
        """End the child process; a second call does nothing."""
        self._session.close()


def _explained(error: RuntimeFailed, path: Path) -> RuntimeFailed:
    """The same failure with the remedy that TFLite Micro's own words call for."""
    said = str(error.received or "")
    lacking = _LACKING.search(said)
    if lacking or "op code CUSTOM" in said:
        return RuntimeFailed(
            "TFLite Micro must have a kernel for every operator of the model.",
            received=lacking[1] if lacking else ", ".join(_custom_operators(path)),
            remedy="Replace the layer that needs this operator, or leave that step to the application's own code.",
        )
    if "Hybrid models" in said or _HYBRID in said:
        return RuntimeFailed(
            "TFLite Micro takes float32 throughout, or int8 weights with int8 or int16 activations.",
            received=said,
            remedy="Convert the model with --format int8.",
        )
    if "failed to prepare" in said and _has_open_shapes(path):
        return RuntimeFailed(
            "TFLite Micro takes models whose shapes are all fixed, and operands of few types.",
            received=said,
            remedy="Convert the model with a batch of one and without operators that compute shapes.",
        )
    return error


def _custom_operators(path: Path) -> list[str]:
    return sorted(
        {operator.name for graph in tflite.read(path).graphs for operator in graph.operators if operator.custom}
    )


def _has_open_shapes(path: Path) -> bool:
    return any(-1 in tensor.signature for graph in tflite.read(path).graphs for tensor in graph.tensors)


RUNTIME = MicroRuntime()
