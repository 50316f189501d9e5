"""TensorFlow Lite Micro on the emulated boards of the runtime `cortex_m`, for `mcu.py`.

Its sources are a tree of the user's own (tests/support/tflm_tree.py says which), for CMSIS-NN with what its Makefile
brings for OPTIMIZED_KERNEL_DIR=cmsis_nn. They are compiled by GCC at -O2 as a release (NDEBUG), kept in EdgeKit's
cache, and linked with the startup file, the linker script and the questions that exported C is measured with. The
compiler needs the headers of the C++ library: libstdc++-arm-none-eabi-dev, of Debian and Ubuntu.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

from tflm_tree import DOWNLOADS, FLAGS, includes, sources  # noqa: E402

from edgekit import tflite  # noqa: E402
from edgekit.installing import cache_folder  # noqa: E402
from edgekit.runtimes._bare_metal import CORTEX_M, Board, Emulator, Image  # noqa: E402
from edgekit.runtimes._bare_metal.boards import FIRMWARE, linker_script  # noqa: E402
from edgekit.runtimes._bare_metal.build import Multiples, Sizes, section_sizes  # noqa: E402
from edgekit.runtimes._bare_metal.runtime import check_clock, instructions_of  # noqa: E402
from edgekit.runtimes._packed import Port  # noqa: E402
from edgekit.tensors import Array  # noqa: E402
from edgekit_converters.exporters import Source  # noqa: E402
from edgekit_converters.tflm.operators import used  # noqa: E402
from edgekit_converters.tflm.sources import data_header, data_source, operators_header  # noqa: E402

__all__ = ["KERNELS", "Micro", "Told"]

KERNELS = ("reference", "CMSIS-NN")
_ARENA = 1 << 20
_COMMON = ("-O2", "-ffunction-sections", "-fdata-sections", "-DNDEBUG", "-w")
_DATA = "_flexbuffers_generated_data"
_TEXT = ("debug_log.cc", "micro_time.cc", "hexdump.cc", "test_helpers.cc")  # what a board would have of its own


@dataclass(frozen=True)
class Told:
    """What one model takes.

    Attributes:
        instructions: Of one inference: `MicroInterpreter::Invoke` alone.
        flash_bytes: Code and constants, without the `.tflite`.
        arena_bytes: Of the arena, what is used of it.
        differing: Elements of outputs that are not those that were expected.
    """

    instructions: int
    flash_bytes: int
    arena_bytes: int
    differing: int


class Micro:
    """One build of TensorFlow Lite Micro for one processor.

    Args:
        tree: Its sources.
        core: A name of `CORTEX_M.cores`.
        kernels: One of `KERNELS`.
        models: What will be measured: of the kernels, those of their operators are compiled.

    Raises:
        subprocess.CalledProcessError: A source does not compile.
    """

    def __init__(self, tree: Path, core: str, kernels: str, models: Iterable[tflite.Model]) -> None:
        self._operators = {operator.name for model in models for operator in used(model)}
        self._tree, self._core, self._optimised = tree, CORTEX_M.cores[core], kernels != "reference"
        self._cache = cache_folder() / "tflm" / core
        self._cache.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            self._objects = list(threads.map(self._compiled, sorted(self._sources())))

    def measure(
        self, model: tflite.Model, samples: Sequence[Sequence[Array]], expected: Sequence[Sequence[Array]]
    ) -> Told:
        """Count one inference, and compare the outputs of all samples.

        Raises:
            RuntimeFailed: The firmware faults, hangs, or cannot set the model up.
        """
        graph, board = model.graphs[0], self._core.boards[-1]
        inputs, outputs = (
            [Port(graph.tensors[i].spec.shape, _bytes(graph.tensors[i])) for i in side]
            for side in (graph.inputs, graph.outputs)
        )
        with tempfile.TemporaryDirectory(prefix="edgekit-") as place:
            elf, flash = self._linked(model, board, Path(place), sum(port.bytes for port in inputs))
        image = Image(elf, board, Sizes(flash, len(model.content), 0), Multiples(0, 0))
        emulator = Emulator(CORTEX_M, self._core, image, inputs, [*outputs, Port((), 4)], limit=600)
        try:
            differing = 0
            for sample, right in zip(samples, expected, strict=True):
                *answers, used = emulator.run([values.tobytes() for values in sample])
                differing += sum(_unlike(a, b) for a, b in zip(answers, right, strict=True))
            check_clock(emulator, board.instructions_per_tick)
            instructions, _ = instructions_of(emulator, board.instructions_per_tick)
        finally:
            emulator.close()
        return Told(instructions, flash, int.from_bytes(used, "little"), differing)

    def _sources(self) -> list[Path]:
        found = [
            path
            for path in sources(self._tree)
            if path.name not in _TEXT and _DATA not in path.stem and self._is_needed(path)
        ]
        if not self._optimised:
            return found
        fast = [path for path in (self._tree / "tensorflow/lite/micro/kernels/cmsis_nn").glob("*.cc")]
        fast = [path for path in fast if self._is_needed(path)]
        names = {path.name for path in fast}
        library = (self._tree / DOWNLOADS / "cmsis_nn" / "Source").rglob("*.c")
        whole = [path for path in library if not re.search(r"_f16$|_f32$|_flt$", path.stem)]
        return [path for path in found if path.parent.name != "kernels" or path.name not in names] + fast + whole

    def _is_needed(self, source: Path) -> bool:
        """Whether a source registers a kernel of the models, or others may call it: NAME_common.cc is NAME.cc's."""
        main = source.with_name(f"{source.stem.removesuffix('_common')}.cc")
        if main != source and main.is_file():
            return self._is_needed(main)
        form = r"^TFLMRegistration\*? Register_(\w+)\("
        registered = re.findall(form, source.read_text(encoding="utf-8"), re.MULTILINE)
        return not registered or bool(self._operators & set(registered))

    def _flags(self, source: Path) -> list[str]:
        kernels = self._optimised and {"kernels", "cmsis_nn"} & set(source.parts[len(self._tree.parts) :])
        own = ["-DCMSIS_NN", "-DARM_NN_ENABLE_F16=0", "-DARM_NN_ENABLE_F32=0"] if kernels else []
        folders = [self._tree / DOWNLOADS / "cmsis_nn", self._tree / DOWNLOADS / "cmsis_nn" / "Include"]
        own += [f"-I{folder}" for folder in folders] if kernels else []
        return [*(FLAGS if source.suffix == ".cc" else ("-std=c17",)), *_COMMON, *self._core.flags, *own]

    def _compiled(self, source: Path) -> Path:
        flags = self._flags(source)
        name = hashlib.sha256(" ".join([*flags, str(source)]).encode() + source.read_bytes()).hexdigest()[:24]
        made, half = self._cache / f"{name}.o", self._cache / f"{name}.half.o"
        if not made.is_file():
            self._run([_compiler(source), *flags, *includes(self._tree), "-c", str(source), "-o", str(half)])
            os.replace(half, made)
        return made

    def _linked(self, model: tflite.Model, board: Board, folder: Path, kept: int) -> tuple[bytes, int]:
        """The firmware, and the bytes of flash that the interpreter and its kernels take of it."""
        source, graph = Source(model), model.graphs[0]
        texts = {
            "net_data.h": data_header("net", source, (), 0),
            "net_data.cc": data_source("net", source, ()),
            "net_ops.h": operators_header("net", source),
            "model.h": f'#include "net_data.h"\n#define ARENA_BYTES {_ARENA}\n'
            f"#define MODEL_INPUTS {len(graph.inputs)}\n#define MODEL_OUTPUTS {len(graph.outputs)}\n"
            f"#define MODEL_INPUT_BYTES {kept}\n",
            "net.ld": linker_script(board),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        own = ["-DCMSIS_NN"] if self._optimised else []
        glue = []
        for path in (folder / "net_data.cc", HERE / "_mcu_tflm.cc"):
            glue.append(folder / f"{path.stem}.o")
            flags = [*FLAGS, *_COMMON, *self._core.flags, *own, f"-I{folder}", *includes(self._tree)]
            self._run([_compiler(path), *flags, "-c", str(path), "-o", str(glue[-1])])
        around = []
        for name in ("main.c", CORTEX_M.source):
            around.append(folder / f"{Path(name).stem}.o")
            flags = ["-std=c99", *_COMMON, *self._core.flags, *(f"-D{one}" for one in board.defines)]
            self._run([_compiler(FIRMWARE / name), *flags, "-c", str(FIRMWARE / name), "-o", str(around[-1])])
        alone, whole = folder / "alone.elf", folder / "firmware.elf"
        self._link(folder, glue, alone, "-Wl,-e,model_run", "-Wl,-u,model_reset")
        self._link(folder, [*glue, *around], whole)
        sizes = section_sizes(self._run([f"{CORTEX_M.prefix}size", "-A", "-d", str(alone)]))
        flash = sum(sizes.get(part, 0) for part in (".text", ".rodata", ".exidx", ".data"))
        return whole.read_bytes(), flash - len(model.content)

    def _link(self, folder: Path, parts: Sequence[Path], made: Path, *flags: str) -> None:
        how = ["-nostartfiles", "-static", "-T", str(folder / "net.ld"), "-Wl,--gc-sections"]
        how += ["-Wl,--no-warn-rwx-segments", "--specs=nosys.specs", *flags]
        archive = folder / "tflm.a"
        if not archive.exists():
            self._run([f"{CORTEX_M.prefix}ar", "-rcs", str(archive), *map(str, self._objects)])
        command = [f"{CORTEX_M.prefix}gcc", *self._core.flags, *map(str, parts), str(archive), *how]
        self._run([*command, "-lm", "-o", str(made)])

    def _run(self, command: Sequence[str]) -> str:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _compiler(source: Path) -> str:
    return f"{CORTEX_M.prefix}{'g++' if source.suffix == '.cc' else 'gcc'}"


def _bytes(tensor: tflite.Tensor) -> int:
    return math.prod(tensor.spec.shape) * np.dtype(tensor.spec.dtype).itemsize


def _unlike(received: bytes, right: Array) -> int:
    return int((np.frombuffer(received, right.dtype).reshape(right.shape) != right).sum())
