"""The processors that can be emulated, and the files by which a program on Linux recognises them.

LiteRT chooses its kernels by what `/proc/cpuinfo` and `/sys` say. Where these describe another processor than the
emulated one, it runs into illegal instructions; where they name more cores than it is given, it crashes. So each
processor gets a root folder of its own, which QEMU lays over the machine's (`-L`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

__all__ = ["CPUS", "DEFAULT_CPU", "Cpu", "write_root"]


@dataclass(frozen=True)
class Cpu:
    """A processor as QEMU and Linux name it.

    Attributes:
        name: QEMU's `-cpu`.
        part, variant, revision: Fields of Arm's main ID register, in hexadecimal.
        features: Linux's names of what it can do.
        meaning: What it stands for.
    """

    name: str
    part: str
    variant: str
    revision: int
    features: str
    meaning: str


DEFAULT_CPU = "cortex-a76"

# QEMU's `max` is left out on purpose: int8 results come out wrong on it with QEMU 7.2.
CPUS: Mapping[str, Cpu] = MappingProxyType(
    {
        cpu.name: cpu
        for cpu in (
            Cpu(
                "cortex-a76",
                part="0xd0b",
                variant="0x4",
                revision=1,
                features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop "
                "asimddp",
                meaning="phones from 2018 on, with the int8 dot product",
            ),
            Cpu(
                "cortex-a53",
                part="0xd03",
                variant="0x0",
                revision=4,
                features="fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid",
                meaning="older and low-cost phones, and single-board computers, without it",
            ),
        )
    }
)


def write_root(folder: Path, cpu: Cpu) -> None:
    """Write `proc` and `sys` of a machine with one core of this kind."""
    core = folder / "sys/devices/system/cpu"
    core.mkdir(parents=True)
    for name in ("kernel_max", "online", "possible", "present"):
        (core / name).write_text("0\n")
    (folder / "proc").mkdir()
    (folder / "proc/cpuinfo").write_text(_cpuinfo(cpu))


def _cpuinfo(cpu: Cpu) -> str:
    fields = {
        "processor": 0,
        "BogoMIPS": "50.00",
        "Features": cpu.features,
        "CPU implementer": "0x41",
        "CPU architecture": 8,
        "CPU variant": cpu.variant,
        "CPU part": cpu.part,
        "CPU revision": cpu.revision,
    }
    return "".join(f"{name}\t: {value}\n" for name, value in fields.items())
