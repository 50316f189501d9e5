"""The C export of a model on an emulated RISC-V microcontroller, with its flash, RAM, stack and instructions.

`edgekit export c` writes plain C, GCC builds it with picolibc, and QEMU runs it on its board `virt`. Instructions are
those that the processor's own counter tells, and repeat exactly; they are no cycles.
"""

from __future__ import annotations

from edgekit.runtimes._bare_metal import RISCV, bare_metal_runtime
from edgekit.runtimes._bare_metal import install as install_tools

__all__ = ["RUNTIME", "install"]

RUNTIME = bare_metal_runtime(RISCV)


def install() -> None:
    """Install the compiler and the emulator by apt-get, as root, where they are missing, and try a tiny model.

    Raises:
        RuntimeFailed: They cannot be installed, or the tiny model does not come out right.
    """
    install_tools(RISCV, RUNTIME.probe)
