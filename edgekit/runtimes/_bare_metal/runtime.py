"""The C export of a model on an emulated microcontroller: an Executor and a Meter."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import tflite
from edgekit.errors import RuntimeFailed, UsageError, did_you_mean
from edgekit.runtimes import (
    INT8_PROBE,
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
from edgekit.runtimes._bare_metal.boards import Kit
from edgekit.runtimes._bare_metal.build import FLAGS, Image, build
from edgekit.runtimes._bare_metal.emulator import Emulator
from edgekit.runtimes._bare_metal.export import Export, export_model
from edgekit.runtimes._bare_metal.figures import figures_of
from edgekit.runtimes._bare_metal.toolbox import check_tools, version_of
from edgekit.runtimes._child import path_of
from edgekit.runtimes._packed import specs_of
from edgekit.tensors import Array, TensorSpec, random_input

__all__ = ["TIME_LIMIT", "BareMetal", "BareMetalSession", "bare_metal_runtime", "instructions_of"]

TIME_LIMIT = 120.0  # seconds

_ENOUGH_TICKS = 4096
"""Of a clock whose readings are one tick off at most: a count is then surer than one part in a thousand."""
_MOST_REPEATS = 100_000
_LOOP_TURNS = 1_000_000
_MOST_IMAGES = 8


@dataclass(frozen=True)
class BareMetal:
    """One emulated processor.

    Attributes:
        kit: Which kind.
        core: A name of `kit.cores`.

    Raises:
        UsageError: No processor of that name.
    """

    kit: Kit
    core: str
    kernels: tuple[Kernels, ...] = ("default",)
    clocked: bool = False

    def __post_init__(self) -> None:
        if self.core not in self.kit.cores:
            remedy = did_you_mean(self.core, self.kit.cores)
            raise UsageError("No such processor.", received=repr(self.core), remedy=remedy)

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against(self.kit.runtime, self.open, sample=INT8_PROBE)

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> BareMetalSession:
        """Export a model as C, build it, and start it on an emulated board.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: 1, for there is one core.
            kernels: "default": those of the export.
            time_limit: Seconds that the start, and each answer, may take; 120 where none is given.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            ModelRefused: It cannot be exported, or fits no board.
            RuntimeFailed: A tool is missing, or the firmware faults or hangs.
            UsageError: More or less than one thread; other kernels.
        """
        name = self.kit.runtime
        check_kernels(kernels, self.kernels)
        if threads != 1:
            raise UsageError(f"The runtime {name} has one core: threads must be 1.", received=threads)
        model = tflite.read(source)
        path_of(model)
        check_tools(self.kit)
        export, image = _built(self.kit, self.core, model)
        graph = model.graphs[0]
        inputs = specs_of(name, [graph.tensors[i] for i in graph.inputs], export.inputs)
        outputs = specs_of(name, [graph.tensors[i] for i in graph.outputs], export.outputs)
        limit = TIME_LIMIT if time_limit is None else time_limit
        emulator = Emulator(self.kit, self.kit.cores[self.core], image, export.inputs, export.outputs, limit=limit)
        return BareMetalSession(emulator, image, inputs, outputs)

    def measure(self, source: Source, *, time_limit: float | None = None) -> DeviceFigures:
        """Sizes of the export, the stack that it takes, and instructions of one inference.

        Inputs are random by a fixed seed (quantised integers over their whole range, floats in 0..1, other integers 0).
        A count is that of the inference alone, from call to return, with inputs and outputs in place; short inferences
        are repeated until it is surer than one part in a thousand, and a loop of known length proves the clock.

        Args:
            source, time_limit: As for `open`.

        Raises:
            ModelError, ModelRefused, RuntimeFailed: As `open`.
        """
        rng = np.random.default_rng(0)
        with self.open(source, time_limit=time_limit) as session:
            session.run([random_input(spec, rng) for spec in session.inputs])
            stack = session.emulator.stack()
            check_clock(session.emulator, session.image.board.instructions_per_tick)
            instructions, repeats = instructions_of(session.emulator, session.image.board.instructions_per_tick)
            sizes = session.image.sizes
        values = {
            "instructions": instructions,
            "flash_bytes": sizes.flash,
            "weights_bytes": sizes.weights,
            "ram_bytes": sizes.ram,
            "stack_bytes": stack,
        }
        return DeviceFigures(values, measured_on=self._told(session.image, repeats))

    def _told(self, image: Image, repeats: int) -> dict[str, str | int]:
        core = self.kit.cores[self.core]
        return {
            "board": image.board.title,
            "processor": core.name,
            "clock_hz": image.board.clock_hz,
            "inferences": repeats,
            "emulator": version_of(core.emulator),
            "compiler": version_of(f"{self.kit.prefix}gcc"),
            "flags": " ".join([*core.flags, *FLAGS]),
            "instructions_in_code": image.multiples.instructions,
            "of_three_registers_or_more": image.multiples.multiple,
        }


class BareMetalSession(DeclaredSession):
    """A model that runs on an emulated board; what keeps state goes on from call to call.

    Attributes:
        emulator: Where it runs.
        image: What runs there.
    """

    def __init__(
        self, emulator: Emulator, image: Image, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]
    ) -> None:
        super().__init__(inputs, outputs)
        self.emulator, self.image = emulator, image

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return self.emulator.pid

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes, in the order of `inputs`.

        Args:
            inputs: One array for each.
            fresh: Of no meaning here: an export begins with a fused LSTM's variables at zero each time.

        Raises:
            ModelError: The arrays are not those that the model declares.
            RuntimeFailed: The firmware faulted, hung or broke off.
        """
        check_declared(inputs, self._inputs)
        results = self.emulator.run([values.tobytes() for values in inputs])
        return [np.frombuffer(r, s.dtype).reshape(s.shape) for r, s in zip(results, self._outputs, strict=True)]

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self.emulator.close()


def bare_metal_runtime(kit: Kit, core: str | None = None) -> Runtime:
    """The runtime of a kit, on one of its cores; the first one where none is named."""
    machine = BareMetal(kit, core or next(iter(kit.cores)))
    variants = Variants("core", lambda name: bare_metal_runtime(kit, name), tuple(kit.cores))
    return Runtime(
        kit.runtime,
        machine.probe,
        figures=figures_of(kit),
        executor=machine,
        meter=machine,
        variants=variants,
        sample=INT8_PROBE,
    )


def instructions_of(emulator: Emulator, per_tick: float) -> tuple[int, int]:
    """Instructions of one inference on the last inputs, and how many inferences they were counted over."""
    repeats, ticks = 1, emulator.count(1)
    once = max(1, ticks.inferences - ticks.filling)
    if once < _ENOUGH_TICKS and per_tick > 1:
        repeats = min(_MOST_REPEATS, math.ceil(_ENOUGH_TICKS / once))
        ticks = emulator.count(repeats)
    return round((ticks.inferences - ticks.filling) * per_tick / repeats), repeats


def check_clock(emulator: Emulator, per_tick: float) -> None:
    """Have a loop of known length counted.

    Raises:
        RuntimeFailed: It comes out as another length.
    """
    counted, length = emulator.loop(_LOOP_TURNS) * per_tick, 2 * _LOOP_TURNS
    if abs(counted - length) > length / 1000:
        raise RuntimeFailed(
            f"A loop of {length:,} instructions must be counted as such on the emulated board.",
            received=f"{counted:,.0f}",
            remedy="Take QEMU 7.2, whose boards were tried; other versions may have other clocks.",
        )


_lock = threading.Lock()
_images: dict[tuple[str, str, str], tuple[Export, Image]] = {}


def _built(kit: Kit, core: str, model: tflite.Model) -> tuple[Export, Image]:
    """The firmware of a model; the last few are kept, for sessions that several threads open on one file."""
    key = (model.sha256, kit.runtime, core)
    with _lock:
        if key not in _images:
            with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
                export = export_model(kit.runtime, model, Path(folder))
                found = export, build(kit, kit.cores[core], export)
            while len(_images) >= _MOST_IMAGES:
                del _images[next(iter(_images))]
            _images[key] = found
        return _images[key]
