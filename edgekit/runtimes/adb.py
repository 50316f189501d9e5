"""Real phones, and Android emulators, over the Android debug bridge: TensorFlow Lite's own `benchmark_model`.

The only runtime whose times are a phone's, where the device is one: what says `emulated` is not. The tool is the
user's (EDGEKIT_BENCHMARK_MODEL, or /data/local/tmp/benchmark_model on the device); EdgeKit brings none. Files go into a
folder of their own on the device, which is removed at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgekit import tflite
from edgekit.errors import RuntimeFailed, UsageError
from edgekit.runtimes import (
    DeviceTimes,
    Kernels,
    OperatorShare,
    Runtime,
    Source,
    Variants,
    check_kernels,
    reason_against,
)
from edgekit.runtimes._adb import (
    AdbLatency,
    AdbSession,
    BenchmarkOutput,
    Cpus,
    Device,
    Phone,
    Thermal,
    Workspace,
    list_devices,
    parse_benchmark,
    parse_profile,
    read_specs,
    select,
)
from edgekit.runtimes._child import path_of

__all__ = ["RUNTIME", "Adb", "AdbLatency", "AdbResult", "AdbSession", "BenchmarkOutput", "Device", "Thermal"]

TIME_LIMIT, TIMING_LIMIT = 120.0, 300.0
"""Seconds of one inference, and of one call of the tool."""
RUNS = 50
_PHONE_NOTE = "measured on the device itself, by TensorFlow Lite's benchmark_model, on random inputs"
_EMULATED_NOTE = "measured on an emulated device: it shows that the model runs, and is no phone's time"


@dataclass(frozen=True)
class AdbResult:
    """One model on one device.

    Attributes:
        device: What it ran on; `device.emulated` where that is no phone.
        threads, cpus, xnnpack: How: `cpus` are the cores it was held to, None for any.
        figures: Runs, times and memory.
        thermal_before, thermal_after: How hot the device was; None where it does not tell. A status above 0 means that
            it throttled, so that the times are too high.
        profile: Operators by share of a second call, largest first (profiling slows the operators a little); None
            where not asked for.
        note: What these numbers are.
    """

    device: Device
    threads: int
    cpus: tuple[int, ...] | None
    xnnpack: bool
    figures: BenchmarkOutput
    thermal_before: Thermal | None
    thermal_after: Thermal | None
    profile: tuple[OperatorShare, ...] | None
    note: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", _EMULATED_NOTE if self.device.emulated else _PHONE_NOTE)

    @property
    def emulated(self) -> bool:
        """The device is no phone."""
        return self.device.emulated

    @property
    def latency_ms(self) -> AdbLatency:
        """Milliseconds of one inference."""
        return self.figures.latency_ms

    @property
    def throttled(self) -> bool | None:
        """The device slowed itself down before or after; None where it does not tell."""
        told = [thermal.status > 0 for thermal in (self.thermal_before, self.thermal_after) if thermal is not None]
        return any(told) if told else None


@dataclass(frozen=True)
class Adb:
    """An Executor and a Timer: a connected Android device.

    Attributes:
        serial: The device; None for that of EDGEKIT_ADB_SERIAL or ANDROID_SERIAL, or the only one.
        xnnpack: Use XNNPACK's kernels, as apps do by default, or the built-in ones.
    """

    serial: str | None = None
    xnnpack: bool = True
    kernels: tuple[Kernels, ...] = ("default",)
    clocked: bool = False

    def devices(self) -> list[Device]:
        """Every connected device, also those that take no commands.

        Raises:
            RuntimeFailed: There is no adb, or it does not answer.
        """
        return list_devices()

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against("adb", lambda path: self.open(path, time_limit=30.0))

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> AdbSession:
        """Bring a model to the device, where it is run as often as the session is asked to.

        Each run is a process of its own on the device, which takes about a second: this is for comparing outputs, not
        for whole data sets. It needs a benchmark_model that knows --output_filepath.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: Threads of one inference.
            kernels: "default": as `xnnpack` says.
            time_limit: Seconds that each inference may take; 120 where none is given.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: adb, the device or the tool is missing, refuses, does not answer or is gone; the model keeps
                a state from call to call.
            UsageError: Fewer than one thread; other kernels; the serial number is not one.
        """
        check_kernels(kernels, self.kernels)
        path, model = _checked(source, threads=threads)
        _check_stateless(path, model)
        inputs, outputs = read_specs(model)
        workspace = Workspace(Phone(select(self.serial, list_devices())), path)
        limit = TIME_LIMIT if time_limit is None else time_limit
        return AdbSession(workspace, inputs, outputs, threads=threads, xnnpack=self.xnnpack, limit=limit)

    def time(
        self, source: Source, *, threads: int = 1, runs: int | None = None, time_limit: float | None = None
    ) -> DeviceTimes:
        """Time a model on the device; see `Timer.time`, and `benchmark` for all that the tool tells."""
        told = self.benchmark(
            source,
            threads=threads,
            runs=RUNS if runs is None else runs,
            time_limit=TIMING_LIMIT if time_limit is None else time_limit,
        )
        took, figures = told.latency_ms, told.figures
        return DeviceTimes(
            took.mean,
            took.min,
            took.median,
            took.low,
            took.high,
            figures.runs,
            told.emulated,
            figures.peak_memory_bytes,
            told.profile,
        )

    def benchmark(
        self,
        source: Source,
        *,
        threads: int = 1,
        runs: int = RUNS,
        cpus: Cpus = None,
        profile: bool = True,
        min_seconds: float = 1.0,
        time_limit: float = TIMING_LIMIT,
    ) -> AdbResult:
        """Time a model on the device, on random inputs.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: Threads of one inference.
            runs: Timed inferences; more, where these take less than `min_seconds`.
            cpus: Cores to hold it to, by number; "big" for those that are not the slowest; None for any.
            profile: Also tell the operators' shares, by a second call.
            min_seconds: Seconds that the timed inferences take at least.
            time_limit: Seconds that one call of the tool may take; within a third of it, fewer runs than asked for are
                counted rather than none.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: adb, the device or the tool is missing, refuses, does not answer or is gone.
            UsageError: Fewer than one thread or run; cores or a serial number that are none.
        """
        path, _ = _checked(source, threads=threads, runs=runs)
        device = select(self.serial, list_devices())
        flags = {
            "num_threads": str(threads),
            "num_runs": str(runs),
            "min_secs": f"{min_seconds:g}",
            "max_secs": f"{time_limit / 3:g}",
            "use_xnnpack": str(self.xnnpack).lower(),
        }
        with Workspace(phone := Phone(device), path) as workspace:
            cores = workspace.cores(cpus)
            before = phone.thermal()
            text = workspace.run(flags, cpus=cores, limit=time_limit)
            after = phone.thermal()
            shares = None
            if profile:
                profiled = {**flags, "enable_op_profiling": "true"}
                shares = parse_profile(workspace.run(profiled, cpus=cores, limit=time_limit))
            figures = _understood(text, phone)
        return AdbResult(
            device, threads, None if cores is None else tuple(cores), self.xnnpack, figures, before, after, shares
        )


def _runtime(serial: str | None) -> Runtime:
    device = Adb(serial)
    variants = Variants("serial", _runtime)
    return Runtime("adb", device.probe, executor=device, timer=device, variants=variants, needs_device=True)


RUNTIME = _runtime(None)


def _checked(source: Source, **at_least_one: int) -> tuple[Path, tflite.Model]:
    for name, value in at_least_one.items():
        if value < 1:
            raise UsageError(f"A measurement needs at least one of: {name}.", received=value)
    model = tflite.read(source)
    return path_of(model), model


def _check_stateless(path: Path, model: tflite.Model) -> None:
    """Each inference is a process of its own: a state would be lost from one to the next, in silence."""
    if tflite.state_of(model) == "kept":
        raise RuntimeFailed(
            "The runtime adb starts a process for each inference, and this model keeps a state from call to call.",
            received=str(path),
            remedy="Take its answers on this host, as with the runtime litert, and only its times on the device.",
        )


def _understood(text: str, phone: Phone) -> BenchmarkOutput:
    try:
        return parse_benchmark(text)
    except ValueError as error:
        phone.check_present()  # where a connection breaks, adb may take the end of the output for the end of the tool
        raise RuntimeFailed(
            "benchmark_model must print its timings.",
            received=str(error),
            remedy="Use TensorFlow Lite's own benchmark_model, of TensorFlow 2.4 or later.",
        ) from error
