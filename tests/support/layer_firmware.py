"""Firmware of an exported model on an emulated Cortex-M: what it says of outputs that differ from this machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from exported_c import FLAGS, Compiled, drawn_inputs

from edgekit.tensors import Array

__all__ = ["CORTEX_M4", "CORTEX_M55", "CORTEX_M7", "Board", "said_by", "tools"]

_TOOLS = ("gcc", "arm-none-eabi-gcc", "qemu-system-arm")
_FIRMWARE = Path(__file__).parents[2] / "device_tests" / "c" / "layer_firmware"


@dataclass(frozen=True)
class Board:
    """A board of QEMU.

    Attributes:
        machine: Its name.
        core: The compiler's options for its processor.
        memories: Where `link.ld` has other addresses.
    """

    machine: str
    core: Sequence[str]
    memories: Sequence[tuple[str, str]] = ()


_MPS2 = (("0x01000000, LENGTH = 2M", "0x00000400, LENGTH = 4095K"), ("0x31000000", "0x20000000"))
CORTEX_M55 = Board("mps3-an547", ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"))
CORTEX_M4 = Board("mps2-an386", ("-mcpu=cortex-m4", "-mthumb"), _MPS2)
CORTEX_M7 = Board("mps2-an500", ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"), _MPS2)


def tools() -> None:
    """Skip the test where a compiler or the emulator is missing; in CI, fail."""
    lacking = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if lacking:
        reason = f"missing: {', '.join(lacking)}; apt-get install gcc gcc-arm-none-eabi qemu-system-arm"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def said_by(board: Board, made: Compiled, folder: Path, *flags: str, count: int = 3) -> list[str]:
    """What the firmware says after it has compared `count` samples: a line for each output that differs, and one."""
    random = np.random.default_rng(7)
    samples = [drawn_inputs(made.firmware.inputs, random) for _ in range(count)]
    expected = [made.run(sample, fill=0) for sample in samples]
    (folder / "samples.h").write_text(_samples(samples, expected), encoding="utf-8")
    memories = (_FIRMWARE / "link.ld").read_text(encoding="utf-8")
    for before, after in board.memories:
        memories = memories.replace(before, after)
    (folder / "link.ld").write_text(memories, encoding="utf-8")
    image = folder / "firmware.elf"
    command = ["arm-none-eabi-gcc", *FLAGS[:-1], "-O2", *board.core, *flags, "-I", str(folder)]
    command += [str(_FIRMWARE / "main.c"), "-o", str(image), "-nostartfiles", "-T", str(folder / "link.ld")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    command = ["qemu-system-arm", "-M", board.machine, "-nodefaults", "-display", "none", "-serial", "none"]
    command += ["-monitor", "none", "-semihosting-config", "enable=on,target=native", "-kernel", str(image)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300).stderr.split("\n")[:-1]
    return [line for line in said if ": warning: " not in line]  # of the board's network, which has no peer


def _samples(samples: Sequence[Sequence[Array]], expected: Sequence[Sequence[Array]]) -> str:
    def sizes(arrays: Iterable[Array]) -> str:
        return ", ".join(str(array.nbytes) for array in arrays)

    def values(rows: Sequence[Sequence[Array]]) -> str:
        return ", ".join(str(value) for row in rows for array in row for value in array.view(np.int8).ravel().tolist())

    return "\n".join(
        [
            f"#define SAMPLES {len(samples)}u",
            f"#define INPUT_BYTES {sum(array.nbytes for array in samples[0])}u",
            f"#define RESULT_BYTES {sum(array.nbytes for array in expected[0])}u",
            f"static const uint32_t input_bytes[] = {{{sizes(samples[0])}}};",
            f"static const uint32_t output_bytes[] = {{{sizes(expected[0])}}};",
            f"static const int8_t samples[] = {{{values(samples)}}};",
            f"static const int8_t expected[] = {{{values(expected)}}};\n",
        ]
    )
