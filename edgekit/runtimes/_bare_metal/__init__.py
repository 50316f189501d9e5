"""What the runtimes `cortex_m` and `riscv` are made of: boards, the build, the firmware, and the emulated process."""

from edgekit.runtimes._bare_metal.boards import CORTEX_M, RISCV, Board, Core, Kit
from edgekit.runtimes._bare_metal.build import Image, Multiples, Sizes, build
from edgekit.runtimes._bare_metal.emulator import Emulator, Ticks
from edgekit.runtimes._bare_metal.export import Export, export_model, read_export
from edgekit.runtimes._bare_metal.runtime import BareMetal, BareMetalSession, bare_metal_runtime
from edgekit.runtimes._bare_metal.toolbox import install, missing_tools

__all__ = [
    "CORTEX_M",
    "RISCV",
    "BareMetal",
    "BareMetalSession",
    "Board",
    "Core",
    "Emulator",
    "Export",
    "Image",
    "Kit",
    "Multiples",
    "Sizes",
    "Ticks",
    "bare_metal_runtime",
    "build",
    "export_model",
    "install",
    "missing_tools",
    "read_export",
]
