"""A process of another language in which one model runs, asked and answering in packed little-endian numbers."""

from __future__ import annotations

import math
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, ClassVar, TypeVar

import numpy as np

from edgekit import tflite
from edgekit.errors import ModelRefused, RuntimeFailed
from edgekit.runtimes._process import ModelProcess
from edgekit.sandbox.wire import ProtocolError
from edgekit.tensors import TensorSpec

__all__ = ["PackedProcess", "Port", "specs_of"]

_MOST_PORTS, _MOST_RANK, _MOST_BYTES = 256, 8, 1 << 32
_REFUSED = 3  # the exit code of a runner that refuses the model
_T = TypeVar("_T")


@dataclass(frozen=True)
class Port:
    """An input or output as the running model has it: its dimensions, and the bytes of its values."""

    shape: tuple[int, ...]
    bytes: int


class PackedProcess(ModelProcess):
    """A `ModelProcess` whose every answer begins with a mark, and whose exit code 3 is a refusal.

    Args:
        runtime, process, connection, log: As of `ModelProcess`.
        limit: Seconds that loading and each answer may take.
        remedy: What to do where the process cannot start.
    """

    magic: ClassVar[int]
    """The mark."""

    def __init__(
        self,
        runtime: str,
        process: subprocess.Popen[bytes],
        connection: socket.socket,
        log: IO[bytes],
        *,
        limit: float,
        remedy: str,
    ) -> None:
        super().__init__(runtime, process, connection, log)
        self._limit, self._remedy, self._greeted, self._deadline = limit, remedy, False, 0.0

    def _guarded(self, ask: Callable[[], _T]) -> _T:
        self._deadline = time.monotonic() + self._limit
        return self._asked(ask, self._limit)

    def _ports(self) -> tuple[Port, ...]:
        return tuple(self._port() for _ in range(self._bounded("<I", _MOST_PORTS)))

    def _port(self) -> Port:
        rank = self._bounded("<I", _MOST_RANK)
        shape = tuple(self._bounded("<i", _MOST_BYTES) for _ in range(rank))
        return Port(shape, self._bounded("<Q", _MOST_BYTES))

    def _bounded(self, form: str, most: int) -> int:
        value = int(struct.unpack(form, self._receive(struct.calcsize(form)))[0])
        if not 0 <= value <= most:
            raise ProtocolError(f"number {value}")
        return value

    def _expect_magic(self) -> None:
        if struct.unpack("<I", self._receive(4)) != (self.magic,):
            raise ProtocolError("another mark")

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(max(1e-3, self._deadline - time.monotonic()))
        self._socket.sendall(data)

    def _receive(self, size: int) -> bytearray:
        data = bytearray(size)
        view, filled = memoryview(data), 0
        while filled < size:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            got = self._socket.recv_into(view[filled:])
            if not got:
                raise EOFError
            filled += got
        return data

    def _died(self, code: int | None) -> RuntimeFailed:
        if code == _REFUSED:
            return ModelRefused(
                f"The runtime {self._runtime} refuses the model.",
                received=self._said(),
                remedy="See what the file holds with `edgekit inspect`, or try another runtime.",
            )
        if code is not None and code > 0 and not self._greeted:
            rule = f"The runtime {self._runtime} cannot be loaded here."
            return RuntimeFailed(rule, received=self._said(), remedy=self._remedy)
        return super()._died(code)


def specs_of(runtime: str, tensors: Sequence[tflite.Tensor], ports: Sequence[Port]) -> tuple[TensorSpec, ...]:
    """What the file says of tensors, with the shapes that they have in the running model.

    Raises:
        ModelRefused: One of them is no array of numpy's.
    """
    specs = []
    for tensor, port in zip(tensors, ports, strict=True):
        try:
            size = np.dtype(tensor.dtype).itemsize * math.prod(port.shape)
        except TypeError:
            size = -1
        if size != port.bytes:
            raise ModelRefused(
                f"The runtime {runtime} takes and gives arrays of whole numbers of bytes per element.",
                received=f"{tensor.name!r} of {tensor.dtype} {list(port.shape)} in {port.bytes} bytes",
            )
        signature = tensor.signature if tensor.signature != port.shape else None
        specs.append(TensorSpec(tensor.name, port.shape, np.dtype(tensor.dtype).name, tensor.quant, signature))
    return tuple(specs)
