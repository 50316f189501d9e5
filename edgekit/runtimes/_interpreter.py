"""What every runtime with TFLite's Python interpreter shares: the parent's side of its sessions."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import UsageError
from edgekit.runtimes._child import Child, checked, reference
from edgekit.runtimes._declared import DeclaredSession, check_declared
from edgekit.runtimes._probe import reason_against
from edgekit.runtimes._process import garbled
from edgekit.runtimes._types import KERNELS, Kernels, OperatorShare, Source, check_kernels
from edgekit.tensors import Array, TensorSpec, travel_dtype

__all__ = ["InterpreterExecutor", "InterpreterSession", "op_resolvers"]

TIME_LIMIT = 60.0  # seconds

_ALIGNMENT = 64  # bytes
_PROFILE_SECONDS = 1.0  # spent on a profile, at most


@dataclass(frozen=True)
class InterpreterExecutor:
    """An Executor, and a Profiler where its package has one, on TFLite's Python interpreter.

    Attributes:
        name: The runtime's name, for messages.
        load: A function of a module, called in the child only: the `Interpreter` class, and the `OpResolverType` of
            each kernel choice.
        remedy: What to do where it cannot be loaded.
        profiler: A function of a module, called in a child only with path, threads, kernels and seconds: the
            operators' times, as `edgekit.runtimes._litert_profile.profile` gives them. None where there is none.
        kernels: The choices that `load` gives.
        clocked: Its times say something of the device that the runtime is for.
        heavy: Importing it takes longer than a small model does, so that a process is worth keeping from which children
            with it are forked.
    """

    name: str
    load: Callable[[], tuple[Any, Mapping[str, Any]]]
    remedy: str
    profiler: Callable[[str, int, str, float], list[list[Any]]] | None = None
    kernels: tuple[Kernels, ...] = KERNELS
    clocked: bool = True
    heavy: bool = False

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against(self.name, self.open, self.remedy)

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> InterpreterSession:
        """Load a model in a child process; see `Executor.open`. The time limit is 60 s where none is given.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
            UsageError: No kernels of that name; no thread.
        """
        limit = self._checked_limit(threads, kernels, time_limit)
        child = Child(self.name, self.remedy, self.load, preload=self.heavy)  # its start-up overlaps with the check
        path, _ = checked(source, child)
        request = {"op": "open", "load": reference(self.load), "path": path, "threads": threads, "kernels": kernels}
        reply, _ = child.request(request, limit=limit)
        return InterpreterSession(child, _specs(reply["inputs"]), _specs(reply["outputs"]), limit, timed=self.clocked)

    def profile(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> tuple[OperatorShare, ...]:
        """Where one inference spends its time, by the runtime's own profiler.

        Profiling slows small operators, and the clock counts whole microseconds: the shares are for finding the
        operators that cost, not for comparing models.

        Args:
            source, threads, kernels, time_limit: As for `open`.

        Returns:
            Mean ms of each operator, largest first. What a delegate runs has the delegate's name for it, after fusing.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The profiler refuses or does not survive the model, or cannot profile these kernels.
        """
        limit = self._checked_limit(threads, kernels, time_limit)
        assert self.profiler is not None
        child = Child(self.name, self.remedy, self.load, preload=self.heavy)
        path, model = checked(source, child)
        graph = model.graphs[0]
        request: dict[str, Any] = {"op": "profile", "function": reference(self.profiler), "path": path}
        request |= {"threads": threads, "kernels": kernels, "seconds": min(_PROFILE_SECONDS, limit / 2)}
        try:
            reply, _ = child.request(request, limit=limit)
            rows = [(str(kind), str(label), int(node), float(ms)) for kind, label, node, ms in reply["profile"]]
        except (ValueError, TypeError, KeyError) as error:
            raise garbled(self.name, error) from error
        finally:
            child.close()
        names = {
            i: graph.tensors[operator.outputs[0]].name for i, operator in enumerate(graph.operators) if operator.outputs
        }
        whole = sum(row[-1] for row in rows) or 1.0
        shares = (
            OperatorShare(
                label if kind == "node" else f"XNNPACK {label}",
                names.get(node, f"place {place}"),
                ms / whole,
                ms,
                "ms",
            )
            for place, (kind, label, node, ms) in enumerate(rows)
        )
        return tuple(sorted(shares, key=lambda share: -share.value))

    def _checked_limit(self, threads: int, kernels: str, time_limit: float | None) -> float:
        check_kernels(kernels, self.kernels)
        if threads < 1:
            raise UsageError("An inference needs at least one thread.", received=threads)
        return TIME_LIMIT if time_limit is None else time_limit


class InterpreterSession(DeclaredSession):
    """A model opened in a child process: a Session that is its own Batcher, and its own Clock where it is timed."""

    def __init__(
        self,
        child: Child,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        time_limit: float,
        *,
        timed: bool,
    ) -> None:
        super().__init__(inputs, outputs)
        self._child, self._limit, self._timed = child, time_limit, timed
        self._travel: list[np.dtype[np.generic]] = []
        self._out_shape: tuple[int, ...] = ()
        self._shared: mmap.mmap | None = None
        self._switches = 0

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def batcher(self) -> InterpreterSession:
        """Itself."""
        return self

    @property
    def clock(self) -> InterpreterSession | None:
        """Itself, where it is timed."""
        return self if self._timed else None

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes; see `Session.run`.

        Raises:
            ModelError: The arrays are not those that the model declares.
            RuntimeFailed: The child crashed, hung or refused the model.
        """
        check_declared(inputs, self._inputs)
        _, outputs = self._child.request({"op": "run", "fresh": fresh}, inputs, limit=self._limit)
        return outputs

    def plan(self, samples: Sequence[Array], *, batch: int | None = None, output: int = 0) -> int:
        """Settle the batch and hold the model ready; see `Batcher.plan`."""
        self._travel = [travel_dtype(values, spec) for values, spec in zip(samples, self._inputs, strict=True)]
        arrays = [values.astype(dtype, copy=False) for values, dtype in zip(samples, self._travel, strict=True)]
        reply, _ = self._child.request({"op": "plan", "batch": batch, "output": output}, arrays, limit=self._limit)
        self._out_shape = tuple(reply["shape"])
        return int(reply["batch"])

    def map(self, samples: Sequence[Array]) -> Array:
        """The planned output as float32 [n, ...]; the samples travel through shared memory."""
        count = len(samples[0])
        parts: list[dict[str, Any]] = []
        end = 0
        for values, dtype in zip(samples, self._travel, strict=True):
            parts.append({"shape": list(values.shape), "dtype": dtype.name, "offset": end})
            end = _aligned(end + values.size * dtype.itemsize)
        shape = (count, *self._out_shape)
        out = {"shape": shape, "dtype": "float32", "offset": end}
        shared = self._share(end + 4 * int(np.prod(shape)))
        for part, values in zip(parts, samples, strict=True):
            np.ndarray(values.shape, part["dtype"], shared, part["offset"])[...] = values
        self._child.request({"op": "map", "inputs": parts, "output": out}, limit=self._limit)
        result: Array = np.ndarray(shape, np.float32, shared, end).copy()
        return result

    def time(self, inputs: Sequence[Array], runs: int) -> list[int]:
        """Nanoseconds of each of `runs` inferences; no inputs keeps those of the last call."""
        if inputs:
            check_declared(inputs, self._inputs)
        reply, _ = self._child.request({"op": "time", "runs": runs}, inputs, limit=self._limit)
        self._switches += int(reply.get("switches", 0))
        return [int(ns) for ns in reply["ns"]]

    def switches(self) -> int:
        """Involuntary context switches of the child during the timed inferences so far, of all its threads."""
        return self._switches

    def peak_memory(self) -> int | None:
        """Highest resident set (VmHWM) since just before the model was loaded, less the one then; None off Linux."""
        reply, _ = self._child.request({"op": "memory"}, limit=self._limit)
        return None if reply["bytes"] is None else int(reply["bytes"])

    def close(self) -> None:
        """End the child process; a second call does nothing."""
        self._child.close()

    def _share(self, size: int) -> mmap.mmap:
        """Memory that both processes see; it has no name, so that nothing is left behind however either ends."""
        if self._shared is None or len(self._shared) < size:
            with tempfile.TemporaryFile() if not hasattr(os, "memfd_create") else _memfd() as file:
                os.ftruncate(file.fileno(), max(size, mmap.PAGESIZE))
                self._shared = mmap.mmap(file.fileno(), max(size, mmap.PAGESIZE))
                request = {"op": "share", "bytes": len(self._shared)}
                self._child.request(request, limit=self._limit, files=[file.fileno()])
        return self._shared


def op_resolvers(kind: Any) -> dict[str, Any]:
    """The `OpResolverType` of each kernel choice."""
    return {
        "default": kind.AUTO,
        "builtin": kind.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "reference": kind.BUILTIN_REF,
    }


def _memfd() -> Any:
    return os.fdopen(os.memfd_create("edgekit"), "w+b")


def _specs(described: Sequence[Mapping[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec.from_dict(spec) for spec in described)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
