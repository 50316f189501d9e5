"""Real phones, and Android emulators, over the Android debug bridge: TensorFlow Lite's own `benchmark_model`.

The only runtime whose times are a phone's, where the device is one: what says `emulated` is not. The tool is the
user's (EDGEKIT_BENCHMARK_MODEL, or /data/local/tmp/benchmark_model on the device); EdgeKit brings none. Files go into a
folder of their own on the device, which is removed at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edgekit import tflite
from edgekit.errors import RuntimeFailed, UsageError
from edgekit.runtimes import DeviceFigures, OperatorShare
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
from edgekit.runtimes._probe import reason_against

__all__ = ["RUNTIME", "AdbLatency", "AdbResult", "AdbRuntime", "AdbSession", "BenchmarkOutput", "Device", "Thermal"]

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
class AdbRuntime:
    """A runtime and DeviceRuntime: the Android device that is connected, or that EDGEKIT_ADB_SERIAL names.

    Attributes:
        needs_device: It can only be there where somebody plugs a device in, also in a build.
    """

    name: str = "adb"
    needs_device: bool = True

    def devices(self) -> list[Device]:
        """Every connected device, also those that take no commands.

        Raises:
            RuntimeFailed: There is no adb, or it does not answer.
        """
        return list_devices()

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against(self.name, partial(self.open, time_limit=30.0))

    def open(
        self,
        path: Path,
        *,
        threads: int = 1,
        serial: str | None = None,
        xnnpack: bool = True,
        time_limit: float = 120.0,
    ) -> AdbSession:
        """Bring a model to the device, where it is run as often as the session is asked to.

        Each run is a process of its own on the device, which takes about a second: this is for comparing outputs, not
        for whole data sets. It needs a benchmark_model that knows --output_filepath.

        Args:
            path: The `.tflite`; its flatbuffer is checked first.
            threads: Threads of one inference.
            serial: The device; None for that of EDGEKIT_ADB_SERIAL or ANDROID_SERIAL, or the only one.
            xnnpack: Use XNNPACK's kernels, as apps do by default, or the built-in ones.
            time_limit: Seconds that each inference may take.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: adb, the device or the tool is missing, refuses, does not answer or is gone; the model keeps
                a state from call to call.
            UsageError: Fewer than one thread; the serial number is not one.
        """
        path, model = _checked(path, threads=threads)
        _check_stateless(path, model)
        inputs, outputs = read_specs(path)
        workspace = Workspace(Phone(select(serial, list_devices())), path)
        return AdbSession(workspace, inputs, outputs, threads=threads, xnnpack=xnnpack, limit=time_limit)

    def benchmark(
        self,
        path: Path,
        *,
        serial: str | None = None,
        threads: int = 1,
        runs: int = 50,
        cpus: Cpus = None,
        xnnpack: bool = True,
        profile: bool = True,
        min_seconds: float = 1.0,
        time_limit: float = 300.0,
    ) -> AdbResult:
        """Time a model on the device, on random inputs.

        Args:
            path: The `.tflite`; its flatbuffer is checked first.
            serial: The device; None for that of EDGEKIT_ADB_SERIAL or ANDROID_SERIAL, or the only one.
            threads: Threads of one inference.
            runs: Timed inferences; more, where these take less than `min_seconds`.
            cpus: Cores to hold it to, by number; "big" for those that are not the slowest; None for any.
            xnnpack: Use XNNPACK's kernels, as apps do by default, or the built-in ones.
            profile: Also tell the operators' shares, by a second call.
            min_seconds: Seconds that the timed inferences take at least.
            time_limit: Seconds that one call of the tool may take; within a third of it, fewer runs than asked for are
                counted rather than none.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: adb, the device or the tool is missing, refuses, does not answer or is gone.
            UsageError: Fewer than one thread or run; cores or a serial number that are none.
        """
        path, _ = _checked(path, threads=threads, runs=runs)
        device = select(serial, list_devices())
        flags = {
            "num_threads": str(threads),
            "num_runs": str(runs),
            "min_secs": f"{min_seconds:g}",
            "max_secs": f"{time_limit / 3:g}",
            "use_xnnpack": str(xnnpack).lower(),
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
            device, threads, None if cores is None else tuple(cores), xnnpack, figures, before, after, shares
        )

    def measure(
        self,
        path: Path,
        *,
        serial: str | None = None,
        threads: int = 1,
        runs: int = 50,
        cpus: Cpus = None,
    ) -> DeviceFigures:
        """The operators' shares of one inference's time; the time itself is told by `benchmark`.

        Args:
            path, serial, threads, runs, cpus: As for `benchmark`.

        Raises:
            ModelError, RuntimeFailed, UsageError: As `benchmark`.
        """
        return DeviceFigures(profile=self.benchmark(path, serial=serial, threads=threads, runs=runs, cpus=cpus).profile)


RUNTIME = AdbRuntime()


def _checked(path: Path, **at_least_one: int) -> tuple[Path, tflite.Model]:
    for name, value in at_least_one.items():
        if value < 1:
            raise UsageError(f"A measurement needs at least one of: {name}.", received=value)
    path = Path(path).resolve()
    return path, tflite.read(path)


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
