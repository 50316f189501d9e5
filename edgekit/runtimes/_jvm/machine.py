"""One model in one process of the Java machine, and how it is asked."""

from __future__ import annotations

import re
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from edgekit.errors import ModelError, RuntimeFailed
from edgekit.runtimes._jvm.toolbox import REMEDY, Toolbox
from edgekit.runtimes._packed import PackedProcess, Port

__all__ = ["Machine"]

_RUN, _RUN_FRESH, _TIME = 1, 2, 3
_CRASH = re.compile(r"#\s+(SIG[A-Z]+) \(0x")  # in the report that a Java machine prints
_ORIGIN = re.compile(r"^(refused: )?(Internal error: |Input error: )?")


class Machine(PackedProcess):
    """A Java machine in which TensorFlow Lite has loaded one model.

    Args:
        tools: What to run.
        model: The `.tflite`; its flatbuffer has been checked.
        threads: Threads of one inference.
        limit: Seconds that loading and each answer may take.

    Raises:
        ModelError: The file cannot be opened.
        RuntimeFailed: The model is refused, or crashes or hangs the process.
    """

    magic = 0x314D564A
    chatter = re.compile(r"^(INFO|WARNING)\b|^$|^#(?!\s+SIG)")
    patience = "The model may never end, or the machine is too busy: try again, or give a longer time limit."

    def __init__(self, tools: Toolbox, model: Path, *, threads: int, limit: float) -> None:
        with ExitStack() as ours:
            log = ours.enter_context(tempfile.TemporaryFile())
            connection, theirs = socket.socketpair()
            ours.enter_context(connection)
            with theirs, _opened(model) as file:
                try:
                    process = subprocess.Popen(
                        tools.command(file.fileno(), threads),
                        stdin=theirs.fileno(),
                        stdout=log,
                        stderr=log,
                        pass_fds=[file.fileno()],
                        cwd=tools.folder,
                        env={"LC_ALL": "C.UTF-8"},  # the user's own JAVA_TOOL_OPTIONS and the like are not for it
                        start_new_session=True,  # Ctrl-C is the parent's to answer
                    )
                except OSError as error:
                    raise RuntimeFailed(
                        "The runtime jvm cannot be loaded here.", received=error, remedy=REMEDY
                    ) from error
            ours.pop_all()
        super().__init__("jvm", process, connection, log, limit=limit, remedy=REMEDY)
        self.inputs, self.outputs = self._guarded(self._greeting)
        self._greeted = True

    def run(self, inputs: Sequence[bytes], *, fresh: bool = False) -> list[tuple[Port, bytearray]]:
        """One inference: the bytes of every input in the graph's order, to the shape and bytes of every output.

        Args:
            inputs: Bytes of each.
            fresh: Let variable tensors begin at zero.
        """

        def ask() -> list[tuple[Port, bytearray]]:
            self._send(struct.pack("<I", _RUN_FRESH if fresh else _RUN) + b"".join(inputs))
            self._expect_magic()
            ports = (self._port() for _ in range(self.outputs))
            return [(port, self._receive(port.bytes)) for port in ports]

        return self._guarded(ask)

    def time(self, runs: int) -> list[int]:
        """Nanoseconds of each of so many inferences on the last inputs."""

        def ask() -> list[int]:
            self._send(struct.pack("<2I", _TIME, runs))
            self._expect_magic()
            return list(struct.unpack(f"<{runs}Q", self._receive(8 * runs)))

        return self._guarded(ask)

    def _greeting(self) -> tuple[tuple[Port, ...], int]:
        self._expect_magic()
        return self._ports(), self._bounded("<I", 1 << 16)

    def _died(self, code: int | None) -> RuntimeFailed:
        crash = next((found for line in self._telling() if (found := _CRASH.match(line))), None)
        if crash is None or crash[1] not in signal.Signals.__members__:
            return super()._died(code)
        return super()._died(-signal.Signals[crash[1]])

    def _said(self) -> str | None:
        said = super()._said()
        return None if said is None or _CRASH.match(said) else _ORIGIN.sub("", said)


def _opened(model: Path) -> IO[bytes]:
    try:
        return model.open("rb")
    except OSError as error:
        raise ModelError("A model is a file that can be opened.", received=f"{model}: {error.strerror}") from None
