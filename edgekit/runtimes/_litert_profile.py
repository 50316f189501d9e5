"""LiteRT's own operator profile, inside the child process.

The wheel's Python interpreter has no profiler; the library beside it has one in its C API, which is called here through
ctypes. Kernels and delegate (XNNPACK) are those of the interpreter. The signatures are those of LiteRT 2.3
(litert/c/litert_*.h, Apache-2.0).
"""

from __future__ import annotations

import ctypes
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MODES", "profile"]

MODES = {"default": 0, "builtin": 2}
"""LiteRT's `kernel_mode` of each kernel choice. Its "reference" mode (1) runs optimised kernels all the same."""

_WARM_UP = 5
_MOST_RUNS = 200
_OPERATORS = {2: "node", 4: "delegate", 8: "delegate"}  # event types: a node, a delegate's operator (two kinds)
_LONGEST_TAG = 100  # characters

_HANDLE = ctypes.c_void_p


class _Layout(ctypes.Structure):
    _fields_ = (("rank", ctypes.c_uint32), ("dims", ctypes.c_int32 * 8), ("strides", ctypes.c_uint32 * 8))


class _TensorType(ctypes.Structure):
    _fields_ = (("element", ctypes.c_int), ("layout", _Layout))


class _Event(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory", ctypes.c_int64 * 6),
        ("node", ctypes.c_uint64),
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


def profile(path: str, threads: int, kernels: str, seconds: float) -> list[list[Any]]:
    """Where one inference on zeros spends its time.

    Args:
        path: The `.tflite`.
        threads: Threads of one inference.
        kernels: A key of `MODES`.
        seconds: To spend on measuring, about; at most 200 inferences.

    Returns:
        In the order of execution: kind ("node" of the graph, or operator of a "delegate"), label, the node's index in
        the main graph (-1 for a delegate's), and mean ms of the calmer half of the inferences. The clock counts whole
        microseconds, so operators well below one are understated.

    Raises:
        RuntimeError: The library has no profiler, or refuses the model.
    """
    api = _Api()
    compiled, run = _prepared(api, path, threads, kernels)
    profiler = _HANDLE()
    api.call("LiteRtCompiledModelGetProfiler", compiled, ctypes.byref(profiler))
    if not profiler:
        raise RuntimeError("this LiteRT gives no profiler")
    for _ in range(_WARM_UP):
        run()
    rows: list[list[_Row]] = []
    end = time.monotonic() + seconds
    while not rows or (time.monotonic() < end and len(rows) < _MOST_RUNS):
        api.call("LiteRtResetProfiler", profiler)
        api.call("LiteRtStartProfiler", profiler)
        run()
        api.call("LiteRtStopProfiler", profiler)
        rows.append(_events(api, profiler))
    usual = [row for row in rows if [r[:3] for r in row] == [r[:3] for r in rows[-1]]]  # control flow may vary
    took = np.array([[r[3] for r in row] for row in usual], np.float64)
    calm = np.argsort(took.sum(axis=1))[: max(1, len(usual) // 2)]
    means = took[calm].mean(axis=0) / 1000
    return [[*row[:3], float(ms)] for row, ms in zip(rows[-1], means, strict=True)]


_Row = tuple[str, str, int, int]  # kind, label, node, microseconds


class _Api:
    """The C functions of libLiteRt.so; a status other than 0 is an error."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("ai_edge_litert")
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders:
            raise RuntimeError("ai-edge-litert is not installed")
        self._library = ctypes.CDLL(str(Path(folders[0]) / "libLiteRt.so"))

    def call(self, function: str, *arguments: Any) -> None:
        if (status := getattr(self._library, function)(*arguments)) != 0:
            raise RuntimeError(f"{function} fails with LiteRT status {status}")

    def made(self, function: str, *arguments: Any) -> Any:
        """The handle that a function gives through its last argument."""
        handle = _HANDLE()
        self.call(function, *arguments, ctypes.byref(handle))
        return handle


def _prepared(api: _Api, path: str, threads: int, kernels: str) -> tuple[Any, Any]:
    """The compiled model, and a function that runs one inference on zeros. All live as long as the process."""
    environment = api.made("LiteRtCreateEnvironment", 0, None)
    model = api.made("LiteRtCreateModelFromFile", environment, path.encode())
    options = api.made("LiteRtCreateOptions")
    api.call("LiteRtSetOptionsHardwareAccelerators", options, 1)  # the CPU
    _add_options(api, options, b"xnnpack", f"num_threads = {threads}\nkernel_mode = {MODES[kernels]}\n")
    _add_options(api, options, b"runtime_options_string", "enable_profiling = true\n")
    compiled = api.made("LiteRtCreateCompiledModel", environment, model, options)
    signature = api.made("LiteRtGetModelSignature", model, ctypes.c_size_t(0))
    inputs, outputs = (_buffers(api, environment, compiled, signature, side) for side in ("Input", "Output"))
    for buffer, size in inputs:
        ctypes.memset(_locked(api, buffer), 0, size)
        api.call("LiteRtUnlockTensorBuffer", buffer)
    given, taken = _array(inputs), _array(outputs)
    sizes = ctypes.c_size_t(len(inputs)), ctypes.c_size_t(len(outputs))

    def run() -> None:
        api.call("LiteRtRunCompiledModel", compiled, ctypes.c_size_t(0), sizes[0], given, sizes[1], taken)

    return compiled, run


def _add_options(api: _Api, options: Any, name: bytes, text: str) -> None:
    libc = ctypes.CDLL(None)
    libc.strdup.restype, libc.strdup.argtypes = ctypes.c_void_p, (ctypes.c_char_p,)
    payload = _HANDLE(libc.strdup(text.encode()))  # LiteRT frees it
    opaque = api.made("LiteRtCreateOpaqueOptions", name, payload, ctypes.cast(libc.free, _HANDLE))
    api.call("LiteRtAddOpaqueOptions", options, opaque)


def _buffers(api: _Api, environment: Any, compiled: Any, signature: Any, side: str) -> list[tuple[Any, int]]:
    count, made = ctypes.c_size_t(), []
    api.call(f"LiteRtGetNumSignature{side}s", signature, ctypes.byref(count))
    for place in range(count.value):
        index = ctypes.c_size_t(place)
        tensor = api.made(f"LiteRtGetSignature{side}TensorByIndex", signature, index)
        kind = _TensorType()
        api.call("LiteRtGetRankedTensorType", tensor, ctypes.byref(kind))
        rank = kind.layout.rank & 0x7F
        if any(n < 0 for n in kind.layout.dims[:rank]):
            raise RuntimeError(f"the shape of {side.lower()} {place} is only known while the model runs")
        needs = api.made(f"LiteRtGetCompiledModel{side}BufferRequirements", compiled, ctypes.c_size_t(0), index)
        buffer = api.made("LiteRtCreateManagedTensorBufferFromRequirements", environment, ctypes.byref(kind), needs)
        size = ctypes.c_size_t()
        api.call("LiteRtGetTensorBufferPackedSize", buffer, ctypes.byref(size))
        made.append((buffer, size.value))
    return made


def _locked(api: _Api, buffer: Any) -> Any:
    memory = _HANDLE()
    api.call("LiteRtLockTensorBuffer", buffer, ctypes.byref(memory), 1)  # to write
    return memory


def _array(buffers: Sequence[tuple[Any, int]]) -> Any:
    return (_HANDLE * max(1, len(buffers)))(*(buffer.value for buffer, _ in buffers))


def _events(api: _Api, profiler: Any) -> list[_Row]:
    count = ctypes.c_int()
    api.call("LiteRtGetNumProfilerEvents", profiler, ctypes.byref(count))
    if count.value <= 0:
        return []
    events = (_Event * count.value)()
    api.call("LiteRtGetProfilerEvents", profiler, count, events)
    return [
        (
            _OPERATORS[event.type],
            (event.tag or b"?").decode(errors="replace")[:_LONGEST_TAG],
            int(event.node) if event.type == 2 and event.subgraph == 0 else -1,
            int(event.elapsed_us),
        )
        for event in events
        if event.type in _OPERATORS and not _is_delegate_node(event)
    ]


def _is_delegate_node(event: _Event) -> bool:
    """The node that stands for a whole delegate, whose operators have events of their own."""
    return event.type == 2 and (event.tag or b"").startswith(b"TfLiteXNNPackDelegate")
