"""What a runtime is: a name and slots, each of which holds one thing that it can do, or None."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from edgekit.errors import Finding, RuntimeFailed, UsageError, did_you_mean
from edgekit.figures import Figure
from edgekit.tensors import Array, TensorSpec

if TYPE_CHECKING:  # the child processes of runtimes read no files
    from edgekit import tflite

__all__ = [
    "Batcher", "Clock", "DeviceFigures", "DeviceTimes", "Executor", "Kernels", "KERNELS", "Meter", "OperatorShare",
    "INT8_PROBE", "PROBE", "Profiler", "Runtime", "Session", "Source", "Timer", "Variants", "check_kernels",
]  # fmt: skip

Source: TypeAlias = "Path | tflite.Model"
"""A `.tflite`: its path, or what was read from one, which is then not read again."""

Kernels = Literal["default", "builtin", "reference"]
PROBE = Path(__file__).with_name("_probe.tflite")
"""y = relu(x) on float32 [1, 4], made with tf.lite 2.21."""
INT8_PROBE = PROBE.with_name("_probe_int8.tflite")
"""The same on int8 [1, 4], where one step is 1/4 and zero is -4, as a dense layer with an identity for weights."""

KERNELS: tuple[Kernels, ...] = ("default", "builtin", "reference")
"""The choices of kernels that TFLite's interpreters have. "default" is what apps get (XNNPACK where it takes the
operator); "builtin" TFLite's optimised kernels; "reference" its plain ones. They may differ in the last bits."""


class Session(Protocol):
    """A model opened on a runtime, in a child process."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def batcher(self) -> Batcher | None:
        """What takes many samples at once; None where only single inferences can be asked for."""
        ...

    @property
    def clock(self) -> Clock | None:
        """What measures the time of inferences; None where times on this machine would say nothing."""
        ...

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


class Batcher(Protocol):
    """Takes many samples at once; `edgekit.measure.predict` uses it where a session has it."""

    def plan(self, samples: Sequence[Array], *, batch: int | None = None, output: int = 0) -> int:
        """Settle how many samples each inference takes, on the first few samples, and hold the model ready.

        Args:
            samples: One array [n, ...] per input, float32 or in the input's own dtype.
            batch: Samples for each inference; None leaves the choice to the session.
            output: Number of the model's output that is wanted.

        Returns:
            The batch: above what the file declares only where a batch gives what one sample at a time gives.

        Raises:
            RuntimeFailed: The child crashed, hung or refused the model.
        """
        ...

    def map(self, samples: Sequence[Array]) -> Array:
        """The planned output, dequantised to float32 [n, ...], for samples of the planned shapes and dtypes."""
        ...


class Clock(Protocol):
    """Measures inferences on this machine; `edgekit.measure.latency` lets the clocks of several models take turns."""

    def time(self, inputs: Sequence[Array], runs: int) -> list[int]:
        """Nanoseconds of each of `runs` inferences, without the copying of inputs and outputs.

        No inputs keeps those of the last call.
        """
        ...

    def peak_memory(self) -> int | None:
        """Bytes that the child held at most since just before it loaded the model, less what it held then."""
        ...

    def switches(self) -> int | None:
        """How often the operating system took the CPU away during the timed inferences so far; None if unknown."""
        ...


@dataclass(frozen=True)
class OperatorShare:
    """One operator's part of an inference.

    Attributes:
        operator: Builtin operator name, such as "CONV_2D", or the delegate's own, such as "XNNPACK Add (ND)".
        name: Name of its output tensor, or its place in the graph.
        share: Fraction 0..1 of the runtime's own figure (time, instructions or cycles).
        value: The figure itself.
        unit: "ms", "instructions" or "cycles".
    """

    operator: str
    name: str
    share: float
    value: float
    unit: str


@dataclass(frozen=True)
class DeviceFigures:
    """What a meter tells of one inference.

    Attributes:
        values: By the names of the runtime's figures; what it does not tell of this model is not there.
        profile: Operators by share, largest first; None where it does not tell.
        measured_on: What they hold for, such as board, emulator and compiler, and what else it tells that no budget
            limits; None where the runtime's name says all.
    """

    values: Mapping[str, int] = field(default_factory=dict)
    profile: tuple[OperatorShare, ...] | None = None
    measured_on: Mapping[str, str | int] | None = None

    def __getitem__(self, figure: str) -> int | None:
        """One of them; None where the runtime does not tell it."""
        return self.values.get(figure)


@dataclass(frozen=True)
class DeviceTimes:
    """Times of one model that a device's own tool took.

    Attributes:
        mean, min: Milliseconds of one inference.
        median: None where the tool does not tell it.
        low, high: 95 % interval of the mean.
        runs: Timed inferences.
        emulated: The device is no real one.
        peak_memory_bytes: What the process grew by; None where the device does not tell.
        profile: Operators by share, largest first; None where the tool does not tell.
    """

    mean: float
    min: float
    median: float | None
    low: float
    high: float
    runs: int
    emulated: bool
    peak_memory_bytes: int | None = None
    profile: tuple[OperatorShare, ...] | None = None


class Executor(Protocol):
    """Runs models and gives their outputs."""

    @property
    def kernels(self) -> tuple[Kernels, ...]:
        """The choices of kernels; "default" alone where there is no choice."""
        ...

    @property
    def clocked(self) -> bool:
        """Whether its sessions have a clock."""
        ...

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> Session:
        """Load a model in a child process.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: Threads of one inference.
            kernels: One of `kernels`.
            time_limit: Seconds without a sign of life after which the child is ended; None for the runtime's own.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
            UsageError: It has no such kernels, or not so many threads.
        """
        ...


class Meter(Protocol):
    """Counts what one inference costs: the runtime's figures."""

    def measure(self, source: Source, *, time_limit: float | None = None) -> DeviceFigures:
        """Figures of one inference, in a child process; arguments and errors as for `Executor.open`."""
        ...


class Timer(Protocol):
    """Has a device's own tool time a model, where this process cannot take turns."""

    def time(
        self, source: Source, *, threads: int = 1, runs: int | None = None, time_limit: float | None = None
    ) -> DeviceTimes:
        """Times of so many inferences (None for as many as is usual); other arguments and errors as `Executor.open`."""
        ...


class Profiler(Protocol):
    """Tells where one inference on this machine spends its time."""

    def profile(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> tuple[OperatorShare, ...]:
        """Mean ms of each operator, largest first; arguments and errors as for `Executor.open`."""
        ...


@dataclass(frozen=True)
class Variants:
    """Runtimes of one kind that differ in one option, such as the processor of "arm64:cortex-a53".

    Attributes:
        option: What the part after the colon is, such as "cpu".
        choose: The runtime of a variant.
        names: Every variant; None where that is only known when one is used, as of a device's serial number.
    """

    option: str
    choose: Callable[[str], Runtime]
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Runtime:
    """Something that tells of a `.tflite` what it computes or costs.

    Attributes:
        name: What recipes and commands call it.
        probe: Why it cannot be used here (with the remedy), or None: found out by a tiny model, in a child process.
        figures: What its meter can tell; budgets, gates, reports and JSON know them from here.
        executor: Runs models; None where it only estimates.
        meter: Counts; None where there is nothing to count.
        timer: Times models on a device of its own; None where there is none.
        profiler: Tells the operators' times; None where it has no profiler.
        variants: Runtimes of this kind that differ in one option; None where there are none.
        needs_device: It can only be there where somebody plugs a device in, also in a build.
        wrong_answers: What it is known to answer wrongly, without a word, of a model that it takes.
        sample: A file that it takes: y = relu(x) on [1, 4], float32, or quantised with one scale for both.
    """

    name: str
    probe: Callable[[], str | None]
    figures: tuple[Figure, ...] = ()
    executor: Executor | None = None
    meter: Meter | None = None
    timer: Timer | None = None
    profiler: Profiler | None = None
    variants: Variants | None = None
    needs_device: bool = False
    wrong_answers: Callable[[tflite.Model], tuple[Finding, ...]] = lambda model: ()
    sample: Path = PROBE

    @property
    def timed_here(self) -> bool:
        """Whether benchmarks time its sessions, on the CPU of this machine."""
        counts = self.timer is not None or self.meter is not None
        return self.executor is not None and (self.executor.clocked or not counts)

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> Session:
        """Load a model on the executor; see `Executor.open`.

        Raises:
            RuntimeFailed: There is no executor; or as it raises.
        """
        if self.executor is None:
            raise RuntimeFailed(
                f"{self.name} estimates; it does not run models.",
                remedy="Run the same file on tflm or litert, and take this one's figures beside it.",
            )
        return self.executor.open(source, threads=threads, kernels=kernels, time_limit=time_limit)

    def measure(self, source: Source, *, time_limit: float | None = None) -> DeviceFigures:
        """Figures of one inference from the meter; see `Meter.measure`.

        Raises:
            RuntimeFailed: There is no meter; or as it raises.
        """
        if self.meter is None:
            raise RuntimeFailed(
                f"The runtime {self.name} has no figures.", remedy="Measure arm64, cortex_m, tflm or ethos_u."
            )
        return self.meter.measure(source, time_limit=time_limit)


def check_kernels(kernels: str, choices: Sequence[str] = KERNELS) -> None:
    """Refuse kernels that are not among the choices.

    Raises:
        UsageError: They are not; the nearest name is suggested.
    """
    if kernels not in choices:
        raise UsageError("No such kernels.", received=repr(kernels), remedy=did_you_mean(kernels, choices))
