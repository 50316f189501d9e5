"""Exported C on this machine: compiled by the host's compiler, called as a shared library, held to an interpreter."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit import tflite
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array, TensorSpec
from edgekit_converters.c.files import files
from edgekit_converters.c.firmware import Firmware, firmware_of

__all__ = ["FLAGS", "Compiled", "built", "compiled", "differing", "drawn_inputs", "missing"]

FLAGS = (
    "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-ffp-contract=off", "-O1",
)  # fmt: skip


def missing() -> str | None:
    """Why nothing can be compiled here; None where it can."""
    return None if shutil.which("gcc") else "gcc is missing: apt-get install gcc libc6-dev"


class Compiled:
    """A model as a shared library.

    Args:
        firmware: The model.
        library: Its file.
    """

    def __init__(self, firmware: Firmware, library: Path) -> None:
        self.firmware, self._library = firmware, ctypes.CDLL(str(library))
        self._memory = np.zeros(firmware.arena.size + 16, np.uint8)
        self._state = np.zeros(firmware.state_bytes + 64, np.uint8)
        self.reset()

    def reset(self) -> None:
        """Begin anew, where the model has variables."""
        if self.firmware.program.variables:
            self._function("reset")(ctypes.c_void_p(self._aligned(self._state)))

    def run(self, inputs: Sequence[Array], *, fill: int | None = None) -> list[Array]:
        """One inference.

        Args:
            inputs: One array each, of the declared shapes and dtypes.
            fill: What every byte of the arena holds before; None for what the last run left.
        """
        if fill is not None:
            self._memory[:] = fill
        results = [np.zeros(spec.shape, spec.dtype) for spec in self.firmware.outputs]
        code = self._called(inputs, results, ctypes.c_void_p(self._aligned(self._state)))
        assert code == 0, f"the run gave the error {code}"
        return results

    def run_without_state(self, inputs: Sequence[Array]) -> int:
        """What the run says where there is none."""
        return self._called(inputs, [np.zeros(spec.shape, spec.dtype) for spec in self.firmware.outputs], None)

    def _called(self, inputs: Sequence[Array], results: Sequence[Array], state: ctypes.c_void_p | None) -> int:
        given = [np.ascontiguousarray(values) for values in inputs]
        sources, sinks = (
            (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays)) for arrays in (given, results)
        )
        return int(
            self._function("run")(
                sources,
                sinks,
                state,
                ctypes.c_void_p(self._aligned(self._memory)),
                ctypes.c_size_t(self.firmware.arena.size),
            )
        )

    def _function(self, name: str) -> ctypes._NamedFuncPointer:
        return getattr(self._library, f"{self.firmware.name}_{name}")

    @staticmethod
    def _aligned(memory: Array) -> int:
        return -(-memory.ctypes.data // 16) * 16


def compiled(model: tflite.Model, folder: Path, *, flags: Sequence[str] = FLAGS, name: str = "net") -> Compiled:
    """Export a model and compile it."""
    return built(firmware_of(model, name), folder, flags=flags)


def built(firmware: Firmware, folder: Path, *, flags: Sequence[str] = FLAGS) -> Compiled:
    """Write and compile a model with its plan."""
    name = firmware.name
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files(firmware, None).items():
        (folder / file).write_text(text, encoding="utf-8")
    library = folder / f"{name}.{abs(hash(tuple(flags)))}.so"
    command = ["gcc", *flags, "-shared", "-fPIC", "-o", str(library), str(folder / f"{name}.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Compiled(firmware, library)


def drawn_inputs(specs: Sequence[TensorSpec], random: np.random.Generator) -> list[Array]:
    """Integers over their whole range; floats of a normal distribution."""
    return [
        random.standard_normal(spec.shape).astype(spec.dtype)
        if np.dtype(spec.dtype).kind == "f"
        else random.integers(*_limits(spec.dtype), spec.shape, spec.dtype, endpoint=True)
        for spec in specs
    ]


def differing(
    made: Compiled, samples: Sequence[Sequence[Array]], oracle: str = "tflm", kernels: str = "default"
) -> int:
    """In how many elements the outputs differ from an interpreter's, over all samples."""
    count = 0
    with load_runtime(oracle).open(made.firmware.model, kernels=kernels) as session:  # type: ignore[arg-type,attr-defined]
        for number, inputs in enumerate(samples):
            expected = session.run(list(inputs), fresh=True)
            received = made.run(inputs, fill=(number * 85) % 256)
            count += sum(int((a != b).sum()) for a, b in zip(expected, received, strict=True))
    return count


def _limits(dtype: str) -> tuple[int, int]:
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
