"""TensorFlow Lite 2.6 for Java (2021) in a Java machine on this host: what an app on an older phone runs.

It tells whether such a runtime takes a file, and how it answers. The classes are those that apps ship; the native code
is of the same release, built for this machine, with the built-in kernels that apps had (XNNPACK was an option). Times
are this host's, and those of int8 convolutions tell nothing: the build has no fast kernels of them for x86.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit import tflite
from edgekit.errors import ModelRefused, RuntimeFailed, UsageError
from edgekit.runtimes import DeclaredSession, Kernels, Runtime, Source, check_declared, check_kernels, reason_against
from edgekit.runtimes._child import path_of
from edgekit.runtimes._jvm import Machine, explained, install, toolbox
from edgekit.runtimes._packed import Port, specs_of
from edgekit.runtimes._process import garbled
from edgekit.tensors import Array, TensorSpec
from edgekit.tflite.old_runtimes import wrong_answers

__all__ = ["RUNTIME", "Jvm", "JvmSession", "install"]

TIME_LIMIT = 60.0  # seconds


@dataclass(frozen=True)
class Jvm:
    """TensorFlow Lite's Java interpreter: an Executor."""

    kernels: tuple[Kernels, ...] = ("default", "builtin")
    clocked: bool = True

    def probe(self) -> str | None:
        """Why this runtime cannot be used here, with the remedy; None where a tiny model ran and came out right."""
        return reason_against("jvm", self.open)

    def open(
        self, source: Source, *, threads: int = 1, kernels: Kernels = "default", time_limit: float | None = None
    ) -> JvmSession:
        """Load a model in a Java machine of its own.

        Args:
            source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
            threads: Threads of one inference.
            kernels: "default" and "builtin" are the same here.
            time_limit: Seconds that loading, and each answer, may take; 60 where none is given.

        Raises:
            ModelError: The file is not a well-formed `.tflite`.
            RuntimeFailed: The runtime is missing, lacks an operator of the model, or refuses or does not survive it.
            UsageError: No kernels of that name; no thread.
        """
        check_kernels(kernels, self.kernels)
        if threads < 1:
            raise UsageError("An inference needs at least one thread.", received=threads)
        model = tflite.read(source)
        limit = TIME_LIMIT if time_limit is None else time_limit
        try:
            machine = Machine(toolbox(), path_of(model), threads=threads, limit=limit)
        except RuntimeFailed as error:
            raise explained(error, model) from None
        try:
            return JvmSession(machine, model.graphs[0])
        except BaseException:
            machine.close()
            raise


_JVM = Jvm()
RUNTIME = Runtime("jvm", _JVM.probe, executor=_JVM, wrong_answers=wrong_answers)


class JvmSession(DeclaredSession):
    """A model opened in a Java machine: a Session that is its own Clock.

    Args:
        machine: Where it is.
        graph: The file's first graph.

    Raises:
        ModelRefused: An input or output is no array of numpy's.
    """

    def __init__(self, machine: Machine, graph: tflite.Graph) -> None:
        inputs, outputs = ([graph.tensors[i] for i in part] for part in (graph.inputs, graph.outputs))
        # Outputs get their shapes by the first inference; until then, the file's are known.
        ports = [Port(tensor.shape, tensor.elements * _item_size(tensor)) for tensor in outputs]
        super().__init__(specs_of("jvm", inputs, machine.inputs), specs_of("jvm", outputs, ports))
        self._machine = machine

    @property
    def pid(self) -> int:
        """The Java machine's process id."""
        return self._machine.pid

    @property
    def clock(self) -> JvmSession:
        """Itself."""
        return self

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes; see `Session.run`.

        Raises:
            ModelError: The arrays are not those that the model declares.
            RuntimeFailed: The process crashed, hung or refused the model.
        """
        check_declared(inputs, self._inputs)
        results = self._machine.run([values.tobytes() for values in inputs], fresh=fresh)
        return [_array(port, data, spec) for (port, data), spec in zip(results, self._outputs, strict=True)]

    def time(self, inputs: Sequence[Array], runs: int) -> list[int]:
        """Nanoseconds of each of `runs` inferences, by the Java machine's clock; no inputs keeps the last ones."""
        if inputs:
            self.run(inputs)
        return self._machine.time(runs)

    def peak_memory(self) -> None:
        """None: a Java machine takes memory for itself that cannot be told from the model's."""
        return None

    def switches(self) -> None:
        """None: not known."""
        return None

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._machine.close()


def _item_size(tensor: tflite.Tensor) -> int:
    try:
        return np.dtype(tensor.dtype).itemsize
    except TypeError:
        raise ModelRefused(
            "The runtime jvm gives arrays of whole numbers of bytes per element.",
            received=f"{tensor.name!r} of {tensor.dtype}",
        ) from None


def _array(port: Port, data: bytearray, spec: TensorSpec) -> Array:
    if math.prod(port.shape) * np.dtype(spec.dtype).itemsize != len(data):
        raise garbled("jvm", f"{spec.dtype} {list(port.shape)} in {len(data)} bytes")
    return np.frombuffer(data, spec.dtype).reshape(port.shape)
