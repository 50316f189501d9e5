"""TFLite Micro with the methods of TFLite's interpreter, and the search for its arena; lives in the child process."""

from __future__ import annotations

import importlib
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from edgekit.runtimes._engine import spec_of
from edgekit.tensors import Array, random_input

__all__ = ["GRAIN", "MicroInterpreter", "interpreter", "load_package", "measured", "smallest_arena"]

GRAIN = 16  # bytes: TFLite Micro aligns all that it puts into the arena to this
_ROOM = 256 << 20  # bytes of an arena that is surely large enough; pages that nothing touches cost nothing
_LEAST_SECONDS = 10  # that one try of an arena may take


def load_package() -> Any:
    """The module of the tflite-micro wheel that holds its interpreter.

    Raises:
        ImportError: It is not installed, or its native code does not fit this machine.
    """
    return importlib.import_module("tflite_micro.python.tflite_micro.runtime")


def interpreter(*, model_path: str, num_threads: int, experimental_op_resolver_type: str) -> Any:
    """What the worker calls as if it were TFLite's `Interpreter`; there is one thread and one choice of kernels.

    Raises:
        RuntimeError: TFLite Micro refuses the model; the message is what it printed.
    """
    del num_threads, experimental_op_resolver_type
    return MicroInterpreter(Path(model_path).read_bytes(), _ROOM)


class MicroInterpreter:
    """One model in TFLite Micro.

    Args:
        model: The file's bytes.
        arena: Bytes of its tensor arena. Too few may end the process.

    Raises:
        RuntimeError: TFLite Micro refuses the model; the message is what it printed.
    """

    def __init__(self, model: bytes, arena: int) -> None:
        package, mark = load_package(), _printed_so_far()
        try:
            self._own = package.Interpreter.from_bytes(model, arena_size=arena)
        except RuntimeError as error:
            raise RuntimeError(_printed_since(mark) or str(error)) from error
        whole = package.schema_fb.Model.GetRootAsModel(model, 0)
        graph = whole.Subgraphs(0)
        kinds = {whole.OperatorCodes(i).BuiltinCode() for i in range(whole.OperatorCodesLength())}
        self._keeps_state = package.schema_fb.BuiltinOperator.VAR_HANDLE in kinds
        inputs = [graph.Tensors(graph.Inputs(i)) for i in range(graph.InputsLength())]
        outputs = [graph.Tensors(graph.Outputs(i)) for i in range(graph.OutputsLength())]
        self._inputs = [_detail(i, t, self._own.get_input_details(i)) for i, t in enumerate(inputs)]
        self._outputs = [_detail(i, t, self._own.get_output_details(i)) for i, t in enumerate(outputs)]

    def allocate_tensors(self) -> None:
        """Done when it was made."""

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._inputs

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._outputs

    def resize_tensor_input(self, _: int, shape: Sequence[int]) -> NoReturn:
        raise RuntimeError(f"TFLite Micro runs a model at the shapes of its file only, not at {list(shape)}")

    def set_tensor(self, index: int, values: Array) -> None:
        self._own.set_input(np.asarray(values, order="C"), index)  # ascontiguousarray would give a scalar a dimension

    def get_tensor(self, index: int) -> Array:
        return np.array(self._own.get_output(index))

    def invoke(self) -> None:
        mark = _printed_so_far()
        try:
            self._own.invoke()
        except RuntimeError as error:
            raise RuntimeError(_printed_since(mark) or str(error)) from error

    def reset_all_variables(self) -> None:
        """Let variable tensors begin at zero; `reset` would empty resource variables too, which are to go on."""
        if not self._keeps_state:
            self._own.reset()

    def reported_arena(self) -> int | None:
        """What its allocator counts, in bytes: a model may need more than this; None where it does not say."""
        mark = _printed_so_far()
        self._own.print_allocations()
        found = re.search(r"Arena allocation total (\d+) bytes", _printed_since(mark))
        return int(found[1]) if found else None


def smallest_arena(works: Callable[[int], bool], guess: int, *, most: int) -> int:
    """The smallest multiple of 16 bytes that works, given that all larger ones do.

    Args:
        works: Whether an arena of so many bytes is enough.
        guess: Where to start; a good one saves tries.
        most: Where to give up.

    Raises:
        RuntimeError: Nothing up to `most` works.
    """
    step, start = 1, max(1, -(-guess // GRAIN))
    if works(start * GRAIN):
        high, low = start, start - 1
        while low > 0 and works(low * GRAIN):
            high, step = low, step * 2
            low = max(0, low - step)
    else:
        low, high = start, start + step
        while not works(high * GRAIN):
            low, step = high, step * 2
            high += step
            if high * GRAIN > most:
                raise RuntimeError(f"no arena of up to {most} bytes gives what a larger one gives")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle * GRAIN) else (middle, high)
    return high * GRAIN


def measured(path: str) -> dict[str, Any]:
    """The smallest arena of a model, as `edgekit.runtimes.tflm` tells it.

    Raises:
        RuntimeError: TFLite Micro refuses the model; the message is what it printed.
    """
    model = Path(path).read_bytes()
    whole, rng = MicroInterpreter(model, _ROOM), np.random.default_rng(0)
    inputs = [random_input(spec_of(detail), rng) for detail in whole.get_input_details()]
    began = time.monotonic()
    expected = _outputs(whole, inputs)
    seconds = _LEAST_SECONDS + int(10 * (time.monotonic() - began))
    return {
        "arena_bytes": smallest_arena(
            lambda size: _works(model, size, inputs, expected, seconds), whole.reported_arena() or 1024, most=_ROOM
        )
    }


def _works(model: bytes, arena: int, inputs: Sequence[Array], expected: Sequence[bytes], seconds: int) -> bool:
    """Whether an arena of this size gives the same outputs; tried in a fork, as too small a one may end the process."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(seconds)  # ends it also where its parent is gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            code = int(_outputs(MicroInterpreter(model, arena), inputs) != expected)
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


def _outputs(model: MicroInterpreter, inputs: Sequence[Array]) -> list[bytes]:
    for index, values in enumerate(inputs):
        model.set_tensor(index, values)
    model.invoke()
    return [model.get_tensor(detail["index"]).tobytes() for detail in model.get_output_details()]


def _detail(index: int, tensor: Any, own: dict[str, Any]) -> dict[str, Any]:
    declared = own["shape"]
    signature = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else declared
    name = (tensor.Name() or b"").decode(errors="replace")
    return {**own, "index": index, "name": name, "shape_signature": signature}


# TFLite Micro says only on descriptor 2 what is wrong; in the child that is a file, which can be read again.


def _printed_so_far() -> int:
    return os.fstat(2).st_size


def _printed_since(mark: int) -> str:
    try:
        lines = os.pread(2, 1 << 16, mark).decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "; ".join(line.strip().removeprefix("tensorflow/lite/micro/") for line in lines if line.strip())
