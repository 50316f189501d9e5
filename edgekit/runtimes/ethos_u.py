"""Ethos-U, Arm's NPU for microcontrollers, as Arm's compiler Vela estimates it. It does not run models.

The cycles are a model of the hardware, not a measurement; they rank models and tell which layer costs. Here zeros pay:
the NPU reads its weights as a compressed stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit import tflite
from edgekit.errors import RuntimeFailed, UsageError, did_you_mean
from edgekit.figures import Figure
from edgekit.runtimes import PROBE, DeviceFigures, OperatorShare, Runtime, Source, Variants
from edgekit.runtimes._child import ask_figures
from edgekit.runtimes._vela import CONFIGS, estimated, load_package

__all__ = ["RUNTIME", "CpuOperator", "NpuEstimate", "Vela"]

FIGURES = (
    Figure(
        "cycles",
        "NPU cycles",
        "ethos_u",
        "most Ethos-U cycles of one inference, estimated (measure: ethos_u)",
        "Ethos-U cycles",
        "exact",
        "Ethos-U cycles are Vela's estimate.",
    ),
    Figure("sram_bytes", "SRAM bytes", "ethos_u"),
    Figure("flash_bytes", "flash bytes", "ethos_u"),
    Figure("encoded_weight_bytes", "encoded weights", "ethos_u"),
    Figure("operators_on_cpu", "operators on CPU", "ethos_u"),
)
TIME_LIMIT = 60.0  # seconds
_REMEDY = "Install it with: pip install 'edgekit[mcu]'"


@dataclass(frozen=True)
class CpuOperator:
    """An operator that the NPU leaves to the CPU.

    Attributes:
        operator: Builtin operator name, such as "SOFTMAX".
        name: Name of its output tensor.
        reason: The rule of the NPU that it breaks, in Vela's words; None where Vela gives none.
    """

    operator: str
    name: str
    reason: str | None


@dataclass(frozen=True)
class NpuEstimate:
    """What Vela estimates of one inference of a model.

    Attributes:
        config: The NPU, such as "ethos-u55-128" (128 MACs a cycle).
        figures: Figures of the NPU's part only; None throughout but `operators_on_cpu` where it takes no operator.
        weight_bytes: Of the NPU's part, before encoding; with those that Vela makes, as for a mean.
        cpu_operators: Those that stay on the CPU, in the file's order.
    """

    config: str
    figures: DeviceFigures
    weight_bytes: int | None
    cpu_operators: tuple[CpuOperator, ...]

    @property
    def summary(self) -> str:
        """One line for people."""
        left = len(self.cpu_operators)
        if self.figures["cycles"] is None:
            floats = any("Float" in (operator.reason or "") for operator in self.cpu_operators)
            remedy = " The NPU takes integers only: convert the model to int8." if floats else ""
            return f"{self.config}: every operator stays on the CPU ({left}).{remedy}"
        names = ", ".join(sorted({operator.operator for operator in self.cpu_operators})) or "none"
        return (
            f"{self.config}: an estimated {self.figures['cycles']} cycles; operators left to the CPU: {left} ({names})."
        )


@dataclass(frozen=True)
class Vela:
    """Vela's estimate of one Ethos-U: a Meter.

    Attributes:
        config: "ethos-u55-128", "ethos-u55-256", "ethos-u65-256" or "ethos-u85-256".

    Raises:
        UsageError: No such configuration.
    """

    config: str = "ethos-u55-128"

    def __post_init__(self) -> None:
        if self.config not in CONFIGS:
            raise UsageError(
                "No such Ethos-U.", received=repr(self.config), remedy=did_you_mean(self.config, tuple(CONFIGS))
            )

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model came out right."""
        try:
            found = self.estimate(PROBE)
        except RuntimeFailed as error:
            return str(error)
        if found.figures["operators_on_cpu"] != 1:
            return f"The runtime ethos_u does not leave a float operator to the CPU. {_REMEDY}"
        return None

    def measure(self, source: Source, *, time_limit: float | None = None) -> DeviceFigures:
        """The estimate's figures; `estimate` also names the operators left to the CPU.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            time_limit: Seconds after which the child is ended; 60 where none is given.

        Returns:
            cycles (memory accesses included), sram_bytes (activations), flash_bytes (the compiled file, with the
            NPU's commands), encoded_weight_bytes, operators_on_cpu, and the NPU's operators by their share of the
            cycles. Cycles and SRAM are of the NPU's part: what stays on the CPU adds its own, not known here.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: Vela is missing, or refuses or does not survive the model.
        """
        return self.estimate(source, time_limit=time_limit).figures

    def estimate(self, source: Source, *, time_limit: float | None = None) -> NpuEstimate:
        """All that Vela tells of a model; arguments and errors as for `measure`."""
        config, limit = self.config, TIME_LIMIT if time_limit is None else time_limit
        told, model = ask_figures("ethos_u", source, load_package, estimated, config, limit=limit, remedy=_REMEDY)
        on_cpu = tuple(_on_cpu(model, int(place), str(own), told["reasons"]) for place, own in told["cpu"])
        if not told["npu"]:
            return NpuEstimate(config, DeviceFigures({"operators_on_cpu": len(on_cpu)}), None, on_cpu)
        figures = DeviceFigures(
            {
                "cycles": int(told["cycles"]),
                "sram_bytes": int(told["sram"]),
                "flash_bytes": int(told["flash"]),
                "encoded_weight_bytes": int(told["encoded"]),
                "operators_on_cpu": len(on_cpu),
            },
            _profile(model, [(int(place), str(own), int(spent)) for place, own, spent in told["npu"]]),
        )
        return NpuEstimate(config, figures, int(told["weights"]), on_cpu)


def _profile(model: tflite.Model, rows: list[tuple[int, str, int]]) -> tuple[OperatorShare, ...]:
    whole = sum(spent for *_, spent in rows) or 1
    return tuple(
        OperatorShare(*_named(model, place, own), spent / whole, float(spent), "cycles")
        for place, own, spent in sorted(rows, key=lambda row: -row[-1])
    )


def _on_cpu(model: tflite.Model, place: int, own: str, reasons: Mapping[str, str]) -> CpuOperator:
    operator, name = _named(model, place, own)
    return CpuOperator(operator, name, reasons.get(name))


def _named(model: tflite.Model, place: int, own: str) -> tuple[str, str]:
    """Name and output of the operator at a place; Vela's own name where the file has several graphs to choose from."""
    graph = model.graphs[0]
    if len(model.graphs) > 1 or not 0 <= place < len(graph.operators):
        return own, f"operator {place}"
    operator = graph.operators[place]
    return operator.name, graph.tensors[operator.outputs[0]].name if operator.outputs else f"operator {place}"


def _runtime(config: str) -> Runtime:
    vela = Vela(config)
    return Runtime(
        "ethos_u", vela.probe, figures=FIGURES, meter=vela, variants=Variants("config", _runtime, tuple(CONFIGS))
    )


RUNTIME = _runtime(Vela.config)
