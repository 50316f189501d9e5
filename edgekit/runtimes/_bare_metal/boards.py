"""The processors, how they are compiled for, and the boards of QEMU that have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

__all__ = ["CORTEX_M", "FIRMWARE", "RISCV", "Board", "Core", "Kit", "Memory", "linker_script"]

FIRMWARE = Path(__file__).with_name("firmware")
_VECTORS = 0x400
"""Bytes that are kept for vectors."""
_KIB = 1 << 10


@dataclass(frozen=True)
class Memory:
    """A range of addresses."""

    start: int
    bytes: int


@dataclass(frozen=True)
class Board:
    """One of QEMU's machines.

    Attributes:
        machine: QEMU's `-M`.
        flash, ram: Where the firmware lies, and where its stack and variables do.
        stack_bytes: Bytes of `ram`.
        clock_hz: Ticks a second of the clock that the firmware reads. One instruction takes one emulated nanosecond.
        identity: What the processor says that it is; 0 where it does not say.
        defines: For the compiler.
        vectors: Where the processor starts, in memory that is no part of `flash`; None where it is the start of that.
        told: What there is to say of it, beside its name.
    """

    machine: str
    flash: Memory
    ram: Memory
    stack_bytes: int
    clock_hz: int
    identity: int
    defines: tuple[str, ...] = ()
    vectors: int | None = None
    told: str = ""

    @property
    def title(self) -> str:
        """Its name, and what there is to say."""
        return f"{self.machine} ({self.told})" if self.told else self.machine

    @property
    def instructions_per_tick(self) -> float:
        """How many instructions pass from one tick of its clock to the next."""
        return 1e9 / self.clock_hz


@dataclass(frozen=True)
class Core:
    """A processor.

    Attributes:
        name: As variants are called.
        flags: The compiler's.
        emulator: Of QEMU.
        boards: In the order in which they are tried: one that the firmware does not fit on, the next one stands in for.
    """

    name: str
    flags: tuple[str, ...]
    emulator: str
    boards: tuple[Board, ...]


@dataclass(frozen=True)
class Kit:
    """What the cores of one kind have in common.

    Attributes:
        runtime: The name of the runtime.
        title: What people call these processors.
        prefix: Prefix of the compiler's programs.
        library: A file of the C library, by which it is known to be there.
        flags: The compiler's, for all cores.
        source: The part of the firmware that is these processors' own.
        packages: Packages of Debian and Ubuntu.
        cores: By name; the first one is meant where none is named.
    """

    runtime: str
    title: str
    prefix: str
    library: str
    flags: tuple[str, ...]
    source: str
    packages: tuple[str, ...]
    cores: Mapping[str, Core]

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that must be there."""
        tools = (f"{self.prefix}{tool}" for tool in ("gcc", "size", "objdump"))
        return (*tools, *dict.fromkeys(core.emulator for core in self.cores.values()))


def _mps2(machine: str, identity: int, **more: object) -> Board:
    """Arm's FPGA boards of the second generation, with a Cortex-M3, M4 or M7: 4 MiB of code, 4 MiB of data, 25 MHz."""
    flash, ram = Memory(0, 4 << 20), Memory(0x20000000, 4 << 20)
    return Board(machine, flash, ram, 64 * _KIB, 25_000_000, identity, **more)  # type: ignore[arg-type]


_MICROBIT = Board(
    "microbit", Memory(0, 256 * _KIB), Memory(0x20000000, 16 * _KIB), 2 * _KIB, 16_000_000, 0xC20,
    told="Cortex-M0, 256 KiB of flash, 16 KiB of RAM",
)  # fmt: skip
_LARGE_M0 = _mps2(
    "mps2-an385",
    0xC23,
    defines=("TRAP_UNALIGNED",),
    told="ARMv6-M code on a Cortex-M3 that traps unaligned accesses; it does not fit a microbit",
)
_AN505 = Board(
    "mps2-an505", Memory(0x10000000, 4 << 20), Memory(0x38000000, 4 << 20), 64 * _KIB, 20_000_000, 0xD21
)  # fmt: skip
# ITCM and DTCM hold 512 KiB each; the SRAM beside them is as near, for an emulator.
_AN547 = Board(
    "mps3-an547", Memory(0x01000000, 2 << 20), Memory(0x31000000, 4 << 20), 64 * _KIB, 32_000_000, 0xD22, vectors=0
)  # fmt: skip


def _virt(name: str, emulator: str, architecture: str, abi: str) -> Core:
    flags = (f"-march={architecture}", f"-mabi={abi}")
    # One range of memory, cut in two; its clock is the counter of instructions itself.
    flash, ram = Memory(0x80000000, 32 << 20), Memory(0x82000000, 64 << 20)
    return Core(name, flags, emulator, (Board("virt", flash, ram, 64 * _KIB, 10**9, 0),))


def _arm(name: str, flags: str, *boards: Board) -> Core:
    return Core(name, ("-mthumb", f"-mcpu={name}", *flags.split()), "qemu-system-arm", boards)


def _by_name(*cores: Core) -> Mapping[str, Core]:
    return MappingProxyType({core.name: core for core in cores})


CORTEX_M = Kit(
    runtime="cortex_m",
    title="Cortex-M",
    prefix="arm-none-eabi-",
    library="libc.a",
    flags=(),
    source="arm.c",
    packages=("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"),
    cores=_by_name(
        _arm("cortex-m4", "-mfpu=fpv4-sp-d16 -mfloat-abi=hard", _mps2("mps2-an386", 0xC24)),
        _arm("cortex-m0", "-mfloat-abi=soft", _MICROBIT, _LARGE_M0),
        _arm("cortex-m3", "-mfloat-abi=soft", _mps2("mps2-an385", 0xC23)),
        _arm("cortex-m7", "-mfpu=fpv5-d16 -mfloat-abi=hard", _mps2("mps2-an500", 0xC27)),
        _arm("cortex-m33", "-mfpu=fpv5-sp-d16 -mfloat-abi=hard", _AN505),
        _arm("cortex-m55", "-mfloat-abi=hard", _AN547),
    ),
)
RISCV = Kit(
    runtime="riscv",
    title="RISC-V",
    prefix="riscv64-unknown-elf-",
    library="picolibc.specs",
    flags=("--specs=picolibc.specs", "-mcmodel=medany"),
    source="riscv.c",
    packages=("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"),
    cores=_by_name(
        _virt("rv32imac", "qemu-system-riscv32", "rv32imac", "ilp32"),
        _virt("rv32imc", "qemu-system-riscv32", "rv32imc", "ilp32"),
        _virt("rv32imafc", "qemu-system-riscv32", "rv32imafc", "ilp32f"),
        _virt("rv64imac", "qemu-system-riscv64", "rv64imac", "lp64"),
    ),
)


def linker_script(board: Board) -> str:
    """Where everything goes on a board."""
    apart = board.vectors is not None
    start, size = (board.flash.start, board.flash.bytes) if apart else _behind_vectors(board.flash)
    numbers = {
        "VECTORS_START": board.vectors if board.vectors is not None else board.flash.start,
        "VECTORS_BYTES": _VECTORS,
        "FLASH_START": start,
        "FLASH_BYTES": size,
        "RAM_START": board.ram.start,
        "RAM_BYTES": board.ram.bytes,
        "STACK_BYTES": board.stack_bytes,
    }
    text = (FIRMWARE / "link.ld").read_text(encoding="utf-8")
    for name, value in numbers.items():
        text = text.replace(f"@{name}@", hex(value))
    return text


def _behind_vectors(flash: Memory) -> tuple[int, int]:
    return flash.start + _VECTORS, flash.bytes - _VECTORS
