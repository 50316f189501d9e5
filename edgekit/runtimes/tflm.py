"""TFLite Micro (the PyPI wheel tflite-micro), the interpreter of microcontrollers, with its reference kernels.

Its outputs are those of a microcontroller that runs the same kernels. It takes no times: a host's say nothing of a
Cortex-M's. The arena that it measures is a 64-bit host's, whose pointers are twice as wide: a 32-bit part with these
kernels needs a little less. Optimised kernels (CMSIS-NN) may ask for scratch buffers of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgekit import tflite
from edgekit.errors import ModelRefused, RuntimeFailed
from edgekit.figures import Figure
from edgekit.runtimes import DeviceFigures, InterpreterExecutor, Kernels, Runtime, Session, Source, reason_against
from edgekit.runtimes._child import ask_figures

__all__ = ["RUNTIME", "Micro"]

ARENA = Figure(
    "arena_bytes",
    "arena bytes",
    "tflm",
    "largest tensor arena under TFLite Micro (measure: tflm), in bytes",
    "arena bytes",
    caveat="Arenas are those of a 64-bit host with reference kernels; a 32-bit part needs a little less.",
)
TIME_LIMIT = 60.0  # seconds
_REMEDY = "Install it with: pip install 'edgekit[mcu]'"
_HYBRID = "Input type: FLOAT32 with filter type: INT8"
_LACKING = re.compile(r"Didn't find op for builtin opcode '(\w+)'")


@dataclass(frozen=True)
class Micro:
    """TFLite Micro on this machine: an Executor of one thread, whose sessions have no clock, and a Meter."""

    kernels: tuple[Kernels, ...] = ("default",)
    clocked: bool = False

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against("tflm", _EXECUTOR.open, _REMEDY)

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> Session:
        """Load a model in a child process, with an arena that is large enough for any that fits a device.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: TFLite Micro has one thread; more are not used.
            kernels: "default": those of the wheel.
            time_limit: Seconds without a sign of life after which the child is ended; 60 where none is given.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, lacks an operator of the model, or refuses or does not survive it.
            UsageError: Other kernels.
        """
        try:
            return _EXECUTOR.open(source, threads=threads, kernels=kernels, time_limit=time_limit)
        except RuntimeFailed as error:
            raise _explained(error, source) from None

    def measure(self, source: Source, *, time_limit: float | None = None) -> DeviceFigures:
        """The smallest tensor arena that gives what a large one gives, to 16 bytes.

        What the interpreter's own allocator reports can be below what a model needs to start, so sizes are tried, each
        in a process of its own: whatever the arena, one inference on random inputs must give the same bytes.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            time_limit: Seconds for all tries together; 60 where none is given.

        Returns:
            arena_bytes, of a 64-bit host and with the allocator's own records: a little above a 32-bit part's.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, lacks an operator of the model, or refuses or does not survive it.
        """
        limit = TIME_LIMIT if time_limit is None else time_limit
        try:
            told, _ = ask_figures("tflm", source, _load, _measured, "arena", limit=limit, remedy=_REMEDY)
        except RuntimeFailed as error:
            raise _explained(error, source) from None
        return DeviceFigures({ARENA.name: int(told[ARENA.name])})


def _load() -> tuple[Any, Mapping[str, Any]]:
    from edgekit.runtimes import _tflm

    _tflm.load_package()
    return _tflm.interpreter, {"default": "default"}


def _measured(path: str, _: str) -> dict[str, Any]:
    from edgekit.runtimes import _tflm

    return _tflm.measured(path)


def _explained(error: RuntimeFailed, source: Source) -> RuntimeFailed:
    """The same failure with the remedy that TFLite Micro's own words call for."""
    said = str(error.received or "")
    lacking = _LACKING.search(said)
    if lacking or "op code CUSTOM" in said:
        return ModelRefused(
            "TFLite Micro must have a kernel for every operator of the model.",
            received=lacking[1] if lacking else ", ".join(_custom_operators(source)),
            remedy="Replace the layer that needs this operator, or leave that step to the application's own code.",
        )
    if "Hybrid models" in said or _HYBRID in said:
        return ModelRefused(
            "TFLite Micro takes float32 throughout, or int8 weights with int8 or int16 activations.",
            received=said,
            remedy="Convert the model to int8.",
        )
    if "failed to prepare" in said and _has_open_shapes(source):
        return ModelRefused(
            "TFLite Micro takes models whose shapes are all fixed, and operands of few types.",
            received=said,
            remedy="Convert the model with a batch of one and without operators that compute shapes.",
        )
    return error


def _custom_operators(source: Source) -> list[str]:
    return sorted(
        {operator.name for graph in tflite.read(source).graphs for operator in graph.operators if operator.custom}
    )


def _has_open_shapes(source: Source) -> bool:
    return any(-1 in tensor.signature for graph in tflite.read(source).graphs for tensor in graph.tensors)


_EXECUTOR = InterpreterExecutor("tflm", _load, _REMEDY, kernels=("default",), clocked=False, heavy=True)
_MICRO = Micro()
RUNTIME = Runtime("tflm", _MICRO.probe, figures=(ARENA,), executor=_MICRO, meter=_MICRO)
