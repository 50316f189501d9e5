"""What the runtime `arm64` is made of: the tools and their installation, and the emulated process."""

from edgekit.runtimes._arm64.cpus import CPUS, DEFAULT_CPU
from edgekit.runtimes._arm64.emulator import Emulator, Port
from edgekit.runtimes._arm64.install import APT_LINE, DEBIAN_PACKAGES, install, missing_tools
from edgekit.runtimes._arm64.toolbox import REMEDY, Toolbox, toolbox

__all__ = [
    "APT_LINE",
    "CPUS",
    "DEBIAN_PACKAGES",
    "DEFAULT_CPU",
    "REMEDY",
    "Emulator",
    "Port",
    "Toolbox",
    "install",
    "missing_tools",
    "toolbox",
]
