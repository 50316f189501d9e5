"""Which devices are connected, and which of them is meant."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from edgekit.errors import RuntimeFailed, UsageError
from edgekit.runtimes._adb.client import adb, last_line

__all__ = ["READY", "SERIAL_VARIABLES", "Device", "list_devices", "parse_devices", "select"]

READY = "device"  # adb's word for a device that takes commands
SERIAL_VARIABLES = ("EDGEKIT_ADB_SERIAL", "ANDROID_SERIAL")  # the first that is set decides

_SERIAL = re.compile(r"[A-Za-z0-9\[][^\s\x00-\x1f]*")
_ROW = re.compile(r"(\S+)\s+(no permissions[^;\[]*|\S+)(.*)")
_PROPERTIES = (
    "ro.product.model",
    "ro.product.cpu.abi",
    "ro.build.version.release",
    "ro.kernel.qemu",
    "ro.boot.qemu",
    "ro.hardware",
)
_VIRTUAL_HARDWARE = ("cutf", "goldfish", "ranchu")  # Cuttlefish; the emulator's boards, old and new
_LIMIT = 15.0  # seconds; the first call may have to start the server


@dataclass(frozen=True)
class Device:
    """A phone, board or emulator that adb knows.

    Attributes:
        serial: adb's name of it.
        state: "device" where it takes commands; else "unauthorized", "offline", "no permissions", ...
        model: As its maker calls it; None where it does not tell.
        abi: Binary interface of its programs, such as "arm64-v8a"; None where it does not tell.
        android: Version; None where it does not tell.
        emulated: It says that it is virtual: its times are no phone's.
    """

    serial: str
    state: str
    model: str | None = None
    abi: str | None = None
    android: str | None = None
    emulated: bool = False


def list_devices() -> list[Device]:
    """Every connected device, also those that take no commands.

    Raises:
        RuntimeFailed: There is no adb, or it does not answer.
    """
    try:
        answer = adb("devices", "-l", limit=_LIMIT)
    except TimeoutError:
        raise RuntimeFailed(
            f"The server of adb must answer within {_LIMIT:g} s.",
            remedy="Restart it with: adb kill-server; adb start-server",
        ) from None
    if answer.code != 0:
        raise RuntimeFailed("adb must be able to list devices.", received=last_line(answer.complaint))
    return [_ask(device) if device.state == READY else device for device in parse_devices(answer.output)]


def select(serial: str | None, devices: list[Device]) -> Device:
    """The device that is meant: the named one, that of the environment, or the only one that takes commands.

    Raises:
        RuntimeFailed: There is none, it does not take commands, or there are several and none is named.
        UsageError: The serial number is not one.
    """
    named = next((value for name in SERIAL_VARIABLES if (value := os.environ.get(name))), None)
    serial = serial if serial is not None else named
    if serial is not None and not _SERIAL.fullmatch(serial):
        raise UsageError(
            "A serial number begins with a letter or digit and holds no blanks.",
            received=repr(serial),
            remedy="List those that are connected with: adb devices",
        )
    known = ", ".join(f"{device.serial} ({device.state})" for device in devices) or "no device"
    if serial is not None:
        found = [device for device in devices if device.serial == serial]
        if not found:
            raise RuntimeFailed(
                f"The device {serial} must be connected.",
                received=known,
                remedy="Plug it in and switch on USB debugging, or name another.",
            )
    else:
        found = [device for device in devices if device.state == READY] or devices
    if len(found) > 1:
        raise RuntimeFailed(
            "The device must be named where several are connected.",
            received=known,
            remedy=f"Set {SERIAL_VARIABLES[0]} (or {SERIAL_VARIABLES[1]}) to the serial number of one of them.",
        )
    if not found:
        raise RuntimeFailed(
            "The runtime adb needs a connected Android device.",
            received=known,
            remedy="Plug one in and switch on USB debugging, or start an emulator. It must be listed by: adb devices",
        )
    if found[0].state != READY:
        raise RuntimeFailed(
            f"The device {found[0].serial} must take commands.",
            received=f"state {found[0].state!r}",
            remedy=_remedy(found[0].state),
        )
    return found[0]


def parse_devices(text: str) -> list[Device]:
    """Read the output of `adb devices -l`."""
    devices = []
    for line in text.splitlines():
        row = _ROW.fullmatch(line.strip())
        if row is None or line.startswith(("*", "List of devices", "adb server")):
            continue
        details = dict(part.split(":", 1) for part in row[3].split() if ":" in part)
        model = details.get("model", "").replace("_", " ") or None
        devices.append(Device(row[1], "no permissions" if row[2].startswith("no perm") else row[2], model))
    return devices


def _ask(device: Device) -> Device:
    try:
        script = "; ".join(f"getprop {name}" for name in _PROPERTIES)
        answer = adb("-s", device.serial, "shell", script, limit=_LIMIT)
    except TimeoutError:
        return device
    values = answer.output.split("\n")
    if answer.code != 0 or len(values) < len(_PROPERTIES):
        return device
    model, abi, android, *virtual = (value.strip() for value in values[: len(_PROPERTIES)])
    return replace(
        device,
        model=model or device.model,
        abi=abi or None,
        android=android or None,
        emulated="1" in virtual[:2]
        or virtual[2].startswith(_VIRTUAL_HARDWARE)
        or device.serial.startswith("emulator-"),
    )


def _remedy(state: str) -> str:
    if state == "unauthorized":
        return "Unlock it and allow USB debugging from this computer in the question that it shows."
    if state == "no permissions":
        return "Give your user access to it: see developer.android.com/studio/run/device (udev rules)."
    return "Plug it in again, or restart it."
