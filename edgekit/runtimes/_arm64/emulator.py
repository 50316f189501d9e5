"""One model in one emulated arm64 process: start, ask, and say in one line how it failed."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from edgekit.errors import RuntimeFailed
from edgekit.runtimes._arm64.toolbox import REMEDY, Toolbox

__all__ = ["Emulator", "Port"]

_MAGIC = 0x314D5241
_RUN, _COUNT = 1, 2
_MOST_PORTS, _MOST_RANK, _MOST_BYTES = 256, 8, 1 << 32
_REFUSED = 3  # runner.c's exit code
_T = TypeVar("_T")
_LONGEST_LINE = 300  # characters of native output that an error message quotes
_CHATTER = re.compile(r"^(INFO|WARNING)\b|^\s*$|^qemu: uncaught target signal")
_ORIGIN = re.compile(r"^(ERROR: )?\[[\w.]+:\d+\] |^ERROR: ")


@dataclass(frozen=True)
class Port:
    """An input or output as the running model has it: its dimensions, and the bytes of its values."""

    shape: tuple[int, ...]
    bytes: int


class Emulator:
    """A process of QEMU in which LiteRT has loaded one model.

    Args:
        tools: What to run.
        model: The `.tflite`; its flatbuffer has been checked.
        cpu: A name of `CPUS`.
        limit: Seconds that loading and each inference may take.

    Whatever goes wrong, the process is killed and waited for before the error is raised. It also ends by itself when
    this process goes, however that happens.

    Raises:
        RuntimeFailed: The model is refused, or crashes or hangs the process.
    """

    def __init__(self, tools: Toolbox, model: Path, *, cpu: str, limit: float) -> None:
        self._limit, self._closed = limit, False
        self._log = tempfile.TemporaryFile()
        self._socket, theirs = socket.socketpair()
        self._report, report = os.pipe()
        try:
            self._process = subprocess.Popen(
                tools.command(model, cpu=cpu, report=report),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._log,
                pass_fds=[report],
                cwd=tools.folder,
                env={"LC_ALL": "C"},  # the machine's own LD_PRELOAD and the like are not for arm64
            )
        except OSError as error:
            self._socket.close()
            os.close(self._report)
            self._log.close()
            raise RuntimeFailed("The runtime arm64 cannot be loaded here.", received=error, remedy=REMEDY) from error
        finally:
            theirs.close()
            os.close(report)
        self._greeted, self._deadline = False, 0.0
        self.inputs, self.outputs = self._guarded(self._greeting)
        self._greeted = True

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return self._process.pid

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
            text = os.read(self._report, 64)
            if not text.strip().isdigit():
                raise _Gibberish(f"count {text[:32]!r}")
            return int(text)

        return self._guarded(ask)

    def close(self) -> None:
        """Kill the process and wait for it; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for an answer
        self._process.kill()
        self._process.wait()
        self._socket.close()
        os.close(self._report)
        self._log.close()

    def _guarded(self, ask: Callable[[], _T]) -> _T:
        if self._closed:
            self._fail_closed()
        self._deadline = time.monotonic() + self._limit
        try:
            return ask()
        except TimeoutError:
            self._fail_hung()
        except (EOFError, OSError):
            self._fail_dead()
        except _Gibberish as error:
            self.close()
            raise RuntimeFailed(
                "The process of the runtime arm64 must answer in EdgeKit's own form.",
                received=str(error),
                remedy="The model may have corrupted it: do not use this file.",
            ) from error
        except BaseException:
            self.close()  # an interrupt leaves half a message on the socket
            raise

    def _greeting(self) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        self._expect_magic()
        return self._ports(), self._ports()

    def _ports(self) -> tuple[Port, ...]:
        ports = []
        for _ in range(self._bounded("<I", _MOST_PORTS)):
            rank = self._bounded("<I", _MOST_RANK)
            shape = tuple(self._bounded("<i", _MOST_BYTES) for _ in range(rank))
            ports.append(Port(shape, self._bounded("<Q", _MOST_BYTES)))
        return tuple(ports)

    def _bounded(self, form: str, most: int) -> int:
        value = int(struct.unpack(form, self._receive(struct.calcsize(form)))[0])
        if not 0 <= value <= most:
            raise _Gibberish(f"number {value}")
        return value

    def _expect_magic(self) -> None:
        if struct.unpack("<I", self._receive(4)) != (_MAGIC,):
            raise _Gibberish("another mark")

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

    def _fail_closed(self) -> NoReturn:
        raise RuntimeFailed("The session on the runtime arm64 is closed.", remedy="Open a new one.")

    def _fail_hung(self) -> NoReturn:
        self.close()
        raise RuntimeFailed(
            f"The runtime arm64 must answer within {self._limit:g} s.",
            received="no answer, so it was ended",
            remedy="An emulated processor is some 100 times slower than a real one: give a longer time limit, "
            "or a smaller model.",
        ) from None

    def _fail_dead(self) -> NoReturn:
        if self._closed:
            self._fail_closed()
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        said = self._said()
        self.close()
        if code == _REFUSED:
            raise RuntimeFailed(
                "The runtime arm64 refuses the model.",
                received=said,
                remedy="See what the file holds with `edgekit inspect`, or try another runtime.",
            ) from None
        if code is not None and code > 0 and not self._greeted:
            raise RuntimeFailed("The runtime arm64 cannot be loaded here.", received=said, remedy=REMEDY) from None
        raise RuntimeFailed(
            f"The model crashed the runtime arm64 ({_cause(code)}).",
            received=said,
            remedy="The file may be damaged, or use an operator in a way that this runtime does not bear: "
            "check it with `edgekit inspect`, or try another runtime.",
        ) from None

    def _said(self) -> str | None:
        """What the process said last: the runner's own refusal, with the library's reason where it gave one."""
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 8192))
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines()]
        telling = [_ORIGIN.sub("", line) for line in lines if not _CHATTER.match(line)]
        if not telling:
            return None
        last = telling.pop().removeprefix("refused: ")
        text = f"{last}: {telling[-1]}" if telling else last
        return text[:_LONGEST_LINE].rstrip(". ")


class _Gibberish(Exception):
    """The process sent what is not an answer."""


def _cause(code: int | None) -> str:
    if code is None:
        return "it closed its connection"
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
