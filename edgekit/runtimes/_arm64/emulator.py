"""One model in one emulated arm64 process, and how it is asked."""

from __future__ import annotations

import os
import re
import select
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from edgekit.errors import RuntimeFailed
from edgekit.runtimes._arm64.toolbox import REMEDY, Toolbox
from edgekit.runtimes._packed import PackedProcess, Port
from edgekit.runtimes._process import LONGEST_LINE
from edgekit.sandbox.wire import ProtocolError

__all__ = ["Emulator", "Port"]

_RUN, _COUNT = 1, 2
_ORIGIN = re.compile(r"^(ERROR: )?\[[\w.]+:\d+\] |^ERROR: ")


class Emulator(PackedProcess):
    """A process of QEMU in which LiteRT has loaded one model.

    Args:
        tools: What to run.
        model: The `.tflite`; its flatbuffer has been checked.
        cpu: A name of `CPUS`.
        limit: Seconds that loading and each inference may take.

    Raises:
        RuntimeFailed: The model is refused, or crashes or hangs the process.
    """

    magic = 0x314D5241
    chatter = re.compile(r"^(INFO|WARNING)\b|^$|^qemu: uncaught target signal")
    patience = (
        "An emulated processor is some 100 times slower than a real one: give a longer time limit, or a smaller model."
    )

    def __init__(self, tools: Toolbox, model: Path, *, cpu: str, limit: float) -> None:
        with ExitStack() as ours:
            log = ours.enter_context(tempfile.TemporaryFile())
            connection, theirs = socket.socketpair()
            ours.enter_context(connection)
            reading, writing = (os.fdopen(end, mode, 0) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
            self._report = ours.enter_context(reading)
            with theirs, writing:
                try:
                    process = subprocess.Popen(
                        tools.command(model, cpu=cpu, report=writing.fileno()),
                        stdin=theirs.fileno(),
                        stdout=theirs.fileno(),
                        stderr=log,
                        pass_fds=[writing.fileno()],
                        cwd=tools.folder,
                        env={"LC_ALL": "C"},  # the machine's own LD_PRELOAD and the like are not for arm64
                    )
                except OSError as error:
                    raise RuntimeFailed(
                        "The runtime arm64 cannot be loaded here.", received=error, remedy=REMEDY
                    ) from error
            ours.pop_all()
        super().__init__("arm64", process, connection, log, limit=limit, remedy=REMEDY)
        self.inputs, self.outputs = self._guarded(self._greeting)
        self._greeted = True

    def run(self, inputs: Sequence[bytes]) -> list[bytearray]:
        """One inference: the bytes of every input in the graph's order, to the bytes of every output."""

        def ask() -> list[bytearray]:
            self._send(struct.pack("<I", _RUN) + b"".join(inputs))
            self._expect_magic()
            return [self._receive(port.bytes) for port in self.outputs]

        return self._guarded(ask)

    def count(self) -> int:
        """Instructions of one inference on the last inputs."""

        def ask() -> int:
            self._send(struct.pack("<I", _COUNT))
            self._expect_magic()
            waiting = select.poll()
            waiting.register(self._report, select.POLLIN)
            if not waiting.poll(max(1.0, 1000 * (self._deadline - time.monotonic()))):
                raise TimeoutError
            text = self._report.read(64) or b""
            if not text.strip().isdigit():
                raise ProtocolError(f"count {text[:32]!r}")
            return int(text)

        return self._guarded(ask)

    def close(self) -> None:
        """Kill the process and wait for it, also from another thread than asks; a second call does nothing."""
        super().close()
        self._report.close()

    def _greeting(self) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        self._expect_magic()
        return self._ports(), self._ports()

    def _said(self) -> str | None:
        """What the process said last: the runner's own refusal, with the library's reason where it gave one."""
        telling = [_ORIGIN.sub("", line) for line in self._telling()]
        if not telling:
            return None
        last = telling.pop().removeprefix("refused: ")
        text = f"{last}: {telling[-1]}" if telling else last
        return text[:LONGEST_LINE].rstrip(". ")
