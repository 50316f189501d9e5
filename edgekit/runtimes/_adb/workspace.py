"""A folder of our own on a device, and `benchmark_model` run in it."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from edgekit.errors import RuntimeFailed, UsageError
from edgekit.runtimes._adb.client import Answer, last_line
from edgekit.runtimes._adb.devices import Device
from edgekit.runtimes._adb.phone import Phone

__all__ = ["TOOL_VARIABLE", "Cpus", "Workspace"]

Cpus = Sequence[int] | Literal["big"] | None

TOOL_VARIABLE = "EDGEKIT_BENCHMARK_MODEL"
_BASE = "/data/local/tmp"  # the one place where adb's user may both write and execute
_TOOL = f"{_BASE}/benchmark_model"
_FREQUENCIES = "/sys/devices/system/cpu"
_MOST_CPUS = 64
_TELLING = re.compile(r"\b(ERROR|FATAL|Aborted|Segmentation)\b|^CANNOT LINK")
_PREFIX = re.compile(r"^(ERROR|FATAL): ")


class Workspace:
    """A folder on the device that holds the model, and the tool where we bring it; removed at the end.

    Args:
        phone: The device.
        model: The `.tflite`; its flatbuffer has been checked.

    Raises:
        RuntimeFailed: There is no tool; the device refuses, does not answer, or is gone.
    """

    def __init__(self, phone: Phone, model: Path) -> None:
        self.phone, self.folder, self._closed = phone, f"{_BASE}/edgekit-{secrets.token_hex(8)}", False
        try:
            self._expect(phone.shell(f"mkdir {shlex.quote(self.folder)}"), "make a folder in /data/local/tmp")
            self._tool = self._find_tool()
            self.graph = self.put(model, "model.tflite")
        except BaseException:
            self.close(kill=True)
            raise

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self.close(kill=kind is not None)

    def put(self, local: Path, name: str) -> str:
        """Copy a file into the folder; its path there."""
        remote = f"{self.folder}/{name}"
        self.phone.push(local, remote)
        return remote

    def run(self, flags: dict[str, str], *, cpus: Sequence[int] | None, limit: float) -> str:
        """Run the tool on the model; what it printed.

        Args:
            flags: Flags of the tool, without the graph.
            cpus: Cores that it may use; None for all.
            limit: Seconds that it may take.

        Raises:
            RuntimeFailed: The tool refuses the model, crashes or cannot be run; the device as above.
        """
        command = [self._tool, f"--graph={self.graph}", *(f"--{name}={value}" for name, value in flags.items())]
        if cpus is not None:
            command = ["taskset", f"{sum(1 << cpu for cpu in cpus):x}", *command]
        # The tool keeps the number of the shell that it replaces, by which it can be ended if it hangs.
        answer = self.phone.shell(
            f"cd {shlex.quote(self.folder)} && echo $$ > pid && exec {shlex.join(command)}", limit=limit
        )
        if answer.code != 0:
            raise self._failure(answer)
        return answer.output

    def cores(self, cpus: Cpus) -> list[int] | None:
        """The cores that are meant; "big" is those whose highest frequency is above that of the slowest ones.

        Raises:
            RuntimeFailed: The device does not tell its cores' frequencies.
            UsageError: They are not numbers of cores.
        """
        if cpus is None:
            return None
        if cpus != "big":
            numbers = sorted(set(cpus)) if not isinstance(cpus, str) else []
            if not numbers or not all(isinstance(cpu, int) and 0 <= cpu < _MOST_CPUS for cpu in numbers):
                raise UsageError(
                    f"Cores are numbers from 0 to {_MOST_CPUS - 1}.", received=repr(cpus), remedy="Or write: big"
                )
            return [int(cpu) for cpu in numbers]
        said = self.phone.shell(
            f'for c in {_FREQUENCIES}/cpu[0-9]*; do echo "${{c##*/cpu}} $(cat $c/cpufreq/cpuinfo_max_freq)"; done'
        )
        found = {int(core): int(hz) for core, hz in re.findall(r"^(\d+) (\d+)$", said.output, re.MULTILINE)}
        if not found:
            raise RuntimeFailed(
                f"The device {self.phone.device.serial} must tell its cores' frequencies.",
                received=last_line(said.output),
                remedy="Name the cores by number, or leave the choice to the device.",
            )
        slowest = min(found.values())
        return sorted(core for core, hz in found.items() if hz > slowest) or sorted(found)

    def close(self, *, kill: bool = False) -> None:
        """Remove the folder, if the device still answers; a second call does nothing.

        Args:
            kill: End the tool, which may be running still.
        """
        if self._closed:
            return
        self._closed = True
        folder = shlex.quote(self.folder)
        end = f"[ -f {folder}/pid ] && kill -9 $(cat {folder}/pid); " if kill else ""
        with suppress(RuntimeFailed):
            self.phone.shell(f"{end}rm -rf {folder}", limit=10.0)

    def _find_tool(self) -> str:
        local = os.environ.get(TOOL_VARIABLE)
        if local:
            if not Path(local).is_file():
                raise RuntimeFailed(f"{TOOL_VARIABLE} must name a file of this machine.", received=repr(local))
            tool = self.put(Path(local), "benchmark_model")
            self._expect(self.phone.shell(f"chmod 755 {shlex.quote(tool)}"), "make a program executable")
            return tool
        if self.phone.shell(f"[ -x {shlex.quote(_TOOL)} ]").code != 0:
            raise RuntimeFailed(
                "The runtime adb needs TensorFlow Lite's benchmark_model.",
                received=f"no executable {_TOOL} on {self.phone.device.serial}, and {TOOL_VARIABLE} is not set",
                remedy=_how_to_get_the_tool(self.phone.device),
            )
        return _TOOL

    def _expect(self, answer: Answer, what: str) -> None:
        if answer.code != 0:
            raise RuntimeFailed(
                f"The device {self.phone.device.serial} must let adb {what}.", received=last_line(answer.output)
            )

    def _failure(self, answer: Answer) -> RuntimeFailed:
        serial, lines = self.phone.device.serial, answer.output.replace(f"{self.folder}/", "").splitlines()
        telling = [line for line in lines if _TELLING.search(line) and "Benchmarking failed" not in line]
        said = last_line("\n".join(telling[:1] or lines))  # the first cause; what follows are its consequences
        said = _PREFIX.sub("", said) if said else None
        if said and said.startswith("taskset"):
            return RuntimeFailed("The cores must be some that the device has.", received=said)
        if answer.code in (126, 127) or (said and said.startswith("CANNOT LINK")):
            return RuntimeFailed(
                f"benchmark_model must run on the device {serial}.",
                received=said,
                remedy=_how_to_get_the_tool(self.phone.device),
            )
        if answer.code > 128:
            with suppress(ValueError):
                name = signal.Signals(answer.code - 128).name
                return RuntimeFailed(
                    f"The model crashed benchmark_model on {serial} ({name}).",
                    received=said,
                    remedy="Check the file with `edgekit inspect`, or try another runtime.",
                )
        return RuntimeFailed(
            f"benchmark_model on {serial} refuses the model (exit code {answer.code}).",
            received=said,
            remedy="See what the file holds with `edgekit inspect`, or build a newer benchmark_model.",
        )


def _how_to_get_the_tool(device: Device) -> str:
    return (
        f"Get a build for {device.abi or 'its ABI'}: ready-made from ai.google.dev/edge/litert/models/measurement, or "
        "from TensorFlow's sources (bazel build -c opt --config=android_arm64 "
        f"//tensorflow/lite/tools/benchmark:benchmark_model); then set {TOOL_VARIABLE} to its path."
    )
