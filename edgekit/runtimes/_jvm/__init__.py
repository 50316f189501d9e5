"""What the runtime `jvm` is made of: the libraries and their installation, and the process of the Java machine."""

from edgekit.runtimes._jvm.install import APT_LINE, LIBRARIES, install
from edgekit.runtimes._jvm.machine import Machine
from edgekit.runtimes._jvm.operators import explained
from edgekit.runtimes._jvm.toolbox import REMEDY, VERSION, Toolbox, toolbox

__all__ = [
    "APT_LINE",
    "LIBRARIES",
    "REMEDY",
    "VERSION",
    "Machine",
    "Toolbox",
    "explained",
    "install",
    "toolbox",
]
