"""The C export of a model on an emulated Cortex-M: bit for bit, with its flash, RAM, stack and instructions.

`edgekit export c` writes plain C, GCC builds it, and QEMU runs it on one of Arm's boards. A count of instructions
repeats to one part in a thousand; it is no count of cycles, which only the part itself can give.
"""

from __future__ import annotations

from edgekit.runtimes._bare_metal import CORTEX_M, bare_metal_runtime
from edgekit.runtimes._bare_metal import install as install_tools

__all__ = ["RUNTIME", "install"]

RUNTIME = bare_metal_runtime(CORTEX_M)


def install() -> None:
    """Install the compiler and the emulator by apt-get, as root, where they are missing, and try a tiny model.

    Raises:
        RuntimeFailed: They cannot be installed, or the tiny model does not come out right.
    """
    install_tools(CORTEX_M, RUNTIME.probe)
