"""Building the firmware of an export for a processor, and what it weighs."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import ModelRefused, RuntimeFailed
from edgekit.runtimes._bare_metal.boards import FIRMWARE, Board, Core, Kit, linker_script
from edgekit.runtimes._bare_metal.export import NAME, Export
from edgekit.runtimes._bare_metal.glue import glue

__all__ = ["FLAGS", "Image", "Multiples", "Sizes", "build", "multiples", "section_sizes"]

FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")
"""How exports are compiled; the firmware around them is, too."""
_LONGEST = 300  # seconds of one command
_OVERFLOWED = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")
_SAYING = re.compile(r"error|undefined reference|overflowed", re.IGNORECASE)
_FLASH_PARTS = (".text", ".rodata", ".exidx", ".data")
_RAM_PARTS = (".data", ".bss")


@dataclass(frozen=True)
class Multiples:
    """Instructions of the export's code, as they stand in it: how many there are, and how many of them load or store
    three registers or more, each of which takes a processor as many cycles at least."""

    instructions: int
    multiple: int


@dataclass(frozen=True)
class Sizes:
    """Bytes that an export takes of a device, without what runs it here.

    Attributes:
        flash: Code and constants of the kernels, with what they need of the compiler's libraries, without weights.
        weights: The model's stored constants.
        ram: The arena with inputs, outputs and scratch, the state, and variables, without the stack.
    """

    flash: int
    weights: int
    ram: int


@dataclass(frozen=True)
class Image:
    """A firmware.

    Attributes:
        elf: The program.
        board: What it was linked for.
        sizes, multiples: Sizes and multiples of the export alone.
    """

    elf: bytes
    board: Board
    sizes: Sizes
    multiples: Multiples


def build(kit: Kit, core: Core, export: Export) -> Image:
    """Compile an export, and link it with the firmware for the first board that it fits.

    Raises:
        ModelRefused: It fits no board.
        RuntimeFailed: It does not compile.
    """
    with tempfile.TemporaryDirectory(prefix="edgekit-") as place:
        folder, compiler = Path(place), _Compiler(kit, core, Path(place))
        compiler.compile(export.folder / f"{NAME}.c", f"-I{export.folder}")
        (folder / "glue.c").write_text(glue(export), encoding="utf-8")
        compiler.compile(folder / "glue.c", f"-I{export.folder}", f"-I{FIRMWARE}")
        # Only what the export needs is linked: nothing of the firmware, and of libraries what it calls.
        roots = [f"-Wl,-e,{NAME}_run", *([f"-Wl,-u,{NAME}_reset"] if export.state_bytes else [])]
        board, alone = core.boards[-1], folder / "alone.elf"
        if (lacking := compiler.link(board, [f"{NAME}.o"], alone, *roots)) is not None:
            raise _too_large(core, board, lacking)
        sizes = _sizes(kit, export, compiler.said(f"{kit.prefix}size", "-A", "-d", str(alone)))
        counted = multiples(compiler.said(f"{kit.prefix}objdump", "-d", "--no-show-raw-insn", str(alone)))
        refusals = []
        for board in core.boards:
            compiler.compile(FIRMWARE / "main.c", *(f"-D{name}" for name in board.defines))
            compiler.compile(FIRMWARE / kit.source, *(f"-D{name}" for name in board.defines))
            parts = [f"{NAME}.o", "glue.o", "main.o", Path(kit.source).with_suffix(".o").name]
            if (lacking := compiler.link(board, parts, folder / "firmware.elf")) is None:
                return Image((folder / "firmware.elf").read_bytes(), board, sizes, counted)
            refusals.append(_too_large(core, board, lacking))
        raise refusals[-1]


def section_sizes(text: str) -> dict[str, int]:
    """Bytes by section, of what `size -A -d` prints."""
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".") and row[1].isdigit()}


def multiples(text: str) -> Multiples:
    """What `objdump -d --no-show-raw-insn` shows, counted."""
    rows = re.findall(r"^\s*[0-9a-f]+:\s+(\w+)(?:\.[nw])?[ \t]*([^\n@;]*)", text, re.MULTILINE)
    wide = re.compile(r"^(v?ldm|v?stm|v?push|v?pop)")
    return Multiples(
        sum(not name.startswith(("word", "short", "byte")) for name, _ in rows),
        sum(wide.match(name) is not None and _registers(operands) >= 3 for name, operands in rows),
    )


def _registers(operands: str) -> int:
    """How many registers stand in braces: {r4, r6-r8} are four."""
    listed = re.search(r"\{([^}]*)\}", operands)
    count = 0
    for part in listed[1].split(",") if listed else ():
        first, dash, last = part.strip().partition("-")
        digits = [int(found[0]) for end in (first, last) if (found := re.search(r"\d+", end))]
        count += digits[1] - digits[0] + 1 if dash and len(digits) == 2 else 1
    return count


def _sizes(kit: Kit, export: Export, text: str) -> Sizes:
    parts = section_sizes(text)
    flash = sum(parts.get(name, 0) for name in _FLASH_PARTS)
    if export.weights_bytes > flash:
        raise RuntimeFailed(
            f"The runtime {kit.runtime} finds the constants of an export in its image.",
            received=f"{export.weights_bytes:,} bytes of constants, and {flash:,} bytes of flash in all",
            remedy="Report this as an error of EdgeKit, with the model.",
        )
    ram = export.arena_bytes + export.state_bytes + sum(parts.get(name, 0) for name in _RAM_PARTS)
    return Sizes(flash - export.weights_bytes, export.weights_bytes, ram)


def _too_large(core: Core, board: Board, lacking: tuple[str, int]) -> ModelRefused:
    region, bytes_over = lacking
    size = board.ram.bytes if region == "RAM" else board.flash.bytes
    return ModelRefused(
        f"The firmware must fit the emulated board {board.machine}, which has {size:,} bytes of {region.lower()} "
        f"for {core.name}.",
        received=f"{bytes_over:,} bytes too many",
        remedy="Compress the model further.",
    )


class _Compiler:
    """The compiler of one core, working in one folder."""

    def __init__(self, kit: Kit, core: Core, folder: Path) -> None:
        self._kit, self._core, self._folder = kit, core, folder
        self._command = [f"{kit.prefix}gcc", *core.flags, *kit.flags]

    def compile(self, source: Path, *flags: str) -> None:
        """Make an object of a file, named after it.

        Raises:
            RuntimeFailed: It does not compile.
        """
        done = self._run([*self._command, *FLAGS, *flags, "-c", str(source), "-o", f"{source.stem}.o"])
        if done.returncode != 0:
            raise self._failed(f"compile {source.name}", done.stdout)

    def link(self, board: Board, objects: Sequence[str], program: Path, *flags: str) -> tuple[str, int] | None:
        """Link objects for a board: None, or the memory that is too small and by how many bytes.

        Raises:
            RuntimeFailed: It does not link, for another reason.
        """
        script = self._folder / f"{board.machine}.ld"
        script.write_text(linker_script(board), encoding="utf-8")
        how = ["-nostartfiles", "-static", "-T", script.name, "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", *flags]
        done = self._run([*self._command, *objects, *how, "-lm", "-o", str(program)])
        if done.returncode == 0:
            return None
        if found := _OVERFLOWED.search(done.stdout):
            return found[1], int(found[2])
        raise self._failed("be linked", done.stdout)

    def said(self, *command: str) -> str:
        """What a command prints.

        Raises:
            RuntimeFailed: It fails.
        """
        done = self._run(command)
        if done.returncode != 0:
            raise self._failed(f"pass {command[0]}", done.stdout)
        return done.stdout

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_LONGEST,
                cwd=self._folder,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._failed("be built", str(error)) from None

    def _failed(self, what: str, said: str) -> RuntimeFailed:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        telling = next(filter(_SAYING.search, lines), lines[-1] if lines else "without a word")
        return RuntimeFailed(
            f"The firmware for {self._core.name} must {what}.",
            received=telling[:300].rstrip("."),
            remedy=f"Report this as an error of EdgeKit, with the model, where {self._kit.prefix}gcc is whole.",
        )
