"""Ethos-U, Arm's NPU for microcontrollers, as Arm's compiler Vela estimates it. It does not run models.

The cycles are a model of the hardware, not a measurement; they rank models and tell which layer costs. Here zeros pay:
the NPU reads its weights as a compressed stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import tflite
from edgekit.errors import RuntimeFailed, UsageError, did_you_mean
from edgekit.runtimes import DeviceFigures, OperatorShare, Session
from edgekit.runtimes._probe import PROBE

__all__ = ["RUNTIME", "CpuOperator", "NpuEstimate", "NpuRuntime"]


@dataclass(frozen=True)
class CpuOperator:
    """An operator that the NPU leaves to the CPU.

    Attributes:
        operator: Builtin operator name, such as "SOFTMAX".
        name: Of its output tensor.
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
        figures: Of the NPU's part only; None throughout but `operators_on_cpu` where it takes no operator.
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
            remedy = " The NPU takes integers only: convert the model with --format int8." if floats else ""
            return f"{self.config}: every operator stays on the CPU ({left}).{remedy}"
        names = ", ".join(sorted({operator.operator for operator in self.cpu_operators})) or "none"
        return (
            f"{self.config}: an estimated {self.figures['cycles']} cycles; operators left to the CPU: {left} ({names})."
        )


@dataclass(frozen=True)
class NpuRuntime:
    """Vela's estimate of an Ethos-U: a DeviceRuntime. As a Runtime it can be probed, but opens no model."""

    name: str = "ethos_u"
    package: str = "ethos-u-vela"
    remedy: str = "Install it with: pip install 'edgekit[mcu]'"
    estimates_only: bool = True

    @property
    def variants(self) -> tuple[str, ...]:
        """The configurations that `ethos_u:CONFIG` may name."""
        from edgekit.runtimes._vela import CONFIGS

        return tuple(CONFIGS)

    def load(self) -> tuple[Any, Mapping[str, Any]]:
        """Called in the child only."""
        from edgekit.runtimes import _vela

        _vela.load_package()
        return _vela.estimator, {config: config for config in _vela.CONFIGS}

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model came out right."""
        try:
            found = self.estimate(PROBE)
        except RuntimeFailed as error:
            return str(error)
        if found.figures["operators_on_cpu"] != 1:
            return f"The runtime {self.name} does not leave a float operator to the CPU. {self.remedy}"
        return None

    def open(self, path: Path, *, threads: int = 1) -> Session:
        """Never opens a model.

        Raises:
            RuntimeFailed: Always: there is no Ethos-U here that could run it.
        """
        raise RuntimeFailed(
            f"{self.name} estimates; it does not run models.",
            remedy="Run the same file on tflm or litert, and take cycles, SRAM and flash from this one.",
        )

    def measure(self, path: Path, *, config: str = "ethos-u55-128", time_limit: float = 60.0) -> DeviceFigures:
        """The estimate's figures; `estimate` also names the operators left to the CPU.

        Args:
            path: The `.tflite`; its flatbuffer is checked first.
            config: "ethos-u55-128", "ethos-u55-256", "ethos-u65-256" or "ethos-u85-256".
            time_limit: Seconds after which the child is ended.

        Returns:
            cycles (memory accesses included), sram_bytes (activations), flash_bytes (the compiled file, with the
            NPU's commands), encoded_weight_bytes, operators_on_cpu, and the NPU's operators by their share of the
            cycles. Cycles and SRAM are of the NPU's part: what stays on the CPU adds its own, not known here.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: Vela is missing, or refuses or does not survive the model.
            UsageError: No such configuration.
        """
        return self.estimate(path, config=config, time_limit=time_limit).figures

    def estimate(self, path: Path, *, config: str = "ethos-u55-128", time_limit: float = 60.0) -> NpuEstimate:
        """All that Vela tells of a model; arguments and errors as for `measure`."""
        from edgekit.runtimes._figures import ask
        from edgekit.runtimes._vela import CONFIGS

        if config not in CONFIGS:
            raise UsageError("No such Ethos-U.", received=repr(config), remedy=did_you_mean(config, CONFIGS))
        told, model = ask(self.name, path, config, limit=time_limit)
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


RUNTIME = NpuRuntime()
