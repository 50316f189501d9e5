"""What the runtime `adb` is made of: the connection to a device, work on it, and what its tools print."""

from edgekit.runtimes._adb.devices import Device, list_devices, select
from edgekit.runtimes._adb.output import AdbLatency, BenchmarkOutput, parse_benchmark, parse_profile
from edgekit.runtimes._adb.phone import Phone, Thermal, parse_thermal
from edgekit.runtimes._adb.session import AdbSession, read_specs
from edgekit.runtimes._adb.workspace import Cpus, Workspace

__all__ = [
    "AdbLatency",
    "AdbSession",
    "BenchmarkOutput",
    "Cpus",
    "Device",
    "Phone",
    "Thermal",
    "Workspace",
    "list_devices",
    "parse_benchmark",
    "parse_profile",
    "parse_thermal",
    "read_specs",
    "select",
]
