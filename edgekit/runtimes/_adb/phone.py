"""One connected device: commands, files, temperatures; and one line where it does not answer, or is gone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from edgekit.errors import RuntimeFailed
from edgekit.runtimes._adb.client import Answer, adb, last_line
from edgekit.runtimes._adb.devices import READY, Device

__all__ = ["Phone", "Thermal", "parse_thermal"]

_SHORT = 15.0  # seconds for a command that ends at once
_SLOWEST_LINK = 1 << 20  # bytes a second that a file may at least be expected to travel
_STATUS = re.compile(r"Thermal Status: (\d+)")
_TEMPERATURE = re.compile(r"Temperature\{mValue=(-?[\d.]+),[^}]*?mName=([^,}]+)")
_PLAUSIBLE = range(-40, 200)  # degrees Celsius; sensors that are off say -99.9, or a device's own number
_LEVELS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")


@dataclass(frozen=True)
class Thermal:
    """How hot a device is.

    Attributes:
        status: Android's throttling status: 0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown.
        temperatures: Degrees Celsius by sensor.
    """

    status: int
    temperatures: Mapping[str, float]

    @property
    def level(self) -> str:
        """The status as a word."""
        return _LEVELS[self.status] if self.status < len(_LEVELS) else str(self.status)


class Phone:
    """A device that takes commands.

    Args:
        device: Which.
    """

    def __init__(self, device: Device) -> None:
        self.device = device

    def shell(self, script: str, *, limit: float = _SHORT) -> Answer:
        """Run a shell script on the device; what it writes to either output is the answer's `output`.

        Args:
            script: The script, in which everything from outside is quoted.
            limit: Seconds that it may take.

        Raises:
            RuntimeFailed: The device does not answer in time, or is gone.
        """
        return self._call("shell", f"exec 2>&1; {script}", limit=limit)

    def push(self, local: Path, remote: str) -> None:
        """Copy a file to the device.

        Raises:
            RuntimeFailed: As `shell`; the device refuses the file.
        """
        limit = _SHORT + local.stat().st_size / _SLOWEST_LINK
        self._expect_copied(self._call("push", str(local.resolve()), remote, limit=limit), f"take {local.name}")

    def pull(self, remote: str, local: Path, *, size: int) -> None:
        """Copy a file of about `size` bytes from the device.

        Raises:
            RuntimeFailed: As `shell`; the device has no such file.
        """
        limit = _SHORT + size / _SLOWEST_LINK
        self._expect_copied(self._call("pull", remote, str(local.resolve()), limit=limit), f"give {local.name}")

    def thermal(self) -> Thermal | None:
        """How hot it is now; None where it does not tell (before Android 10).

        Raises:
            RuntimeFailed: As `shell`.
        """
        return parse_thermal(self.shell("dumpsys thermalservice").output)

    def check_present(self) -> None:
        """Do nothing where the device still takes commands.

        Raises:
            RuntimeFailed: It is gone.
        """
        try:
            answer = adb("-s", self.device.serial, "get-state", limit=_SHORT)
        except TimeoutError:
            self._fail_gone("no answer")
        if answer.code != 0 or answer.output.strip() != READY:
            self._fail_gone(last_line(answer.output) or last_line(answer.complaint))

    def _call(self, *arguments: str, limit: float) -> Answer:
        try:
            answer = adb("-s", self.device.serial, *arguments, limit=limit)
        except TimeoutError:
            raise RuntimeFailed(
                f"The device {self.device.serial} must answer within {limit:g} s.",
                received="no answer, so it was given up",
                remedy="Look at the device (locked, asleep, busy?), plug it in again, or give a longer time limit.",
            ) from None
        if answer.code != 0:
            self.check_present()
        return answer

    def _expect_copied(self, answer: Answer, what: str) -> None:
        if answer.code != 0:
            raise RuntimeFailed(
                f"The device {self.device.serial} must {what}.",
                received=last_line(answer.complaint) or last_line(answer.output),
                remedy="See that /data/local/tmp has room: adb shell df /data",
            )

    def _fail_gone(self, why: str | None) -> NoReturn:
        raise RuntimeFailed(
            f"The device {self.device.serial} must stay connected.",
            received=why,
            remedy="Plug it in again (another cable or port, if this repeats), and try again.",
        ) from None


def parse_thermal(text: str) -> Thermal | None:
    """Read the output of `dumpsys thermalservice`; None where there is no such service."""
    status = _STATUS.search(text)
    if status is None:
        return None
    _, live, current = text.partition("Current temperatures from HAL:")  # above it stand remembered ones
    readings = (current if live else text).partition("Current cooling devices")[0]
    found = {name: float(value) for value, name in _TEMPERATURE.findall(readings)}
    plausible = {name: value for name, value in found.items() if _PLAUSIBLE.start < value < _PLAUSIBLE.stop}
    return Thermal(int(status[1]), MappingProxyType(plausible))
