"""One firmware on one emulated board, and how it is asked."""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edgekit.errors import RuntimeFailed
from edgekit.runtimes._bare_metal.boards import Board, Core, Kit
from edgekit.runtimes._bare_metal.build import Image
from edgekit.runtimes._bare_metal.faults import fault_text
from edgekit.runtimes._bare_metal.toolbox import remedy
from edgekit.runtimes._packed import Port
from edgekit.runtimes._process import LONGEST_LINE, garbled
from edgekit.sandbox.endings import cause, telling_lines

__all__ = ["Emulator", "Ticks"]

_MARK, _FAULT = 0x314D4245, 0x544C4146
_RUN, _COUNT, _LOOP, _STACK = 1, 2, 3, 4
_FACTS = 6
_CHATTER = re.compile(r"^$|^qemu-system-\w+: warning:")
# What a firmware asks of semihosting may name files; programs it must not start.
_CONFINED = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Ticks:
    """Of the board's clock: for some inferences with the filling of their inputs, and for that filling alone."""

    inferences: int
    filling: int


class Emulator:
    """A process of QEMU in which a firmware waits for what it is asked.

    The firmware reads its requests from a pipe and ends when that is closed, however this process ends. Whatever goes
    wrong, the process is killed and waited for, and its files are removed, before the error is raised.

    Args:
        kit, core: What is emulated.
        image: The firmware.
        inputs, outputs: The model's.
        limit: Seconds that the start, and each answer, may take.

    Raises:
        RuntimeFailed: The firmware does not start as it must.
    """

    def __init__(
        self, kit: Kit, core: Core, image: Image, inputs: Sequence[Port], outputs: Sequence[Port], *, limit: float
    ) -> None:
        self._kit, self._core, self._board, self._limit = kit, core, image.board, limit
        self._inputs, self._outputs = inputs, outputs
        self._closed, self._deadline = False, 0.0
        with ExitStack() as ours:
            self._log = ours.enter_context(tempfile.TemporaryFile())
            self._folder = tempfile.TemporaryDirectory(prefix="edgekit-")
            ours.callback(self._folder.cleanup)
            program = Path(self._folder.name) / "firmware.elf"
            program.write_bytes(image.elf)
            try:
                self._process = subprocess.Popen(
                    _command(kit, core, image.board, program),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._log,
                    bufsize=0,
                    cwd=self._folder.name,
                    env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
                    start_new_session=True,  # Ctrl-C is this process's to answer
                )
            except OSError as error:
                raise RuntimeFailed(
                    f"The runtime {kit.runtime} cannot be loaded here.", received=error, remedy=remedy(kit)
                ) from error
            self._ours = ours.pop_all()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self._requests.fileno(), False)
        self._guarded(self._greeting)
        self._folder.cleanup()  # the firmware is in memory; where this process is killed, nothing is left

    @property
    def pid(self) -> int:
        """The emulator's process id."""
        return self._process.pid

    def run(self, inputs: Sequence[bytes]) -> list[bytes]:
        """One inference: the bytes of every input in the model's order, to the bytes of every output."""

        def ask() -> list[bytes]:
            self._send(struct.pack("<I", _RUN) + b"".join(inputs))
            self._expect_success()
            return [self._receive(port.bytes) for port in self._outputs]

        return self._guarded(ask)

    def count(self, repeats: int) -> Ticks:
        """Ticks of so many inferences on the last inputs."""

        def ask() -> Ticks:
            self._send(struct.pack("<II", _COUNT, repeats))
            self._expect_success()
            return Ticks(*struct.unpack("<QQ", self._receive(16)))

        return self._guarded(ask)

    def loop(self, turns: int) -> int:
        """Ticks of a loop of two instructions."""

        def ask() -> int:
            self._send(struct.pack("<II", _LOOP, turns))
            self._expect_success()
            return int(struct.unpack("<Q", self._receive(8))[0])

        return self._guarded(ask)

    def stack(self) -> int:
        """Bytes of stack that an inference on the last inputs takes."""

        def ask() -> int:
            self._send(struct.pack("<I", _STACK))
            self._expect_success()
            return int(struct.unpack("<II", self._receive(8))[0])

        return self._guarded(ask)

    def close(self) -> None:
        """Kill the process and wait for it, also from another thread than asks; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._process.kill()
        self._process.wait()  # which ends the pipes, and so wakes a thread that waits for an answer
        self._requests.close()
        self._answers.close()
        self._ours.close()

    def _greeting(self) -> None:
        self._expect_mark()
        identity, inputs, outputs = struct.unpack("<III", self._receive(12))
        if (identity, inputs, outputs) != (self._board.identity, len(self._inputs), len(self._outputs)):
            raise garbled(self._kit.runtime, f"processor {identity:#x}, {inputs} inputs, {outputs} outputs")

    def _guarded(self, ask: Callable[[], _T]) -> _T:
        """What `ask` gives; its failures become the line that explains them."""
        if self._closed:
            raise self._gone()
        self._deadline = time.monotonic() + self._limit
        try:
            return ask()
        except TimeoutError:
            self.close()
            raise RuntimeFailed(
                f"The firmware on {self._core.name} must answer within {self._limit:g} s.",
                received="no answer, so it was ended",
                remedy="An emulated processor runs some 50 million instructions a second: give a longer time limit, "
                "or a smaller model.",
            ) from None
        except (EOFError, OSError, ValueError):  # ValueError: of a pipe that another thread has closed
            if self._closed:
                raise self._gone() from None
            failure = self._died()
            self.close()
            raise failure from None
        except BaseException:
            self.close()  # an interrupt leaves half an answer in the pipe
            raise

    def _expect_success(self) -> None:
        self._expect_mark()
        (status,) = struct.unpack("<i", self._receive(4))
        if status != 0:
            raise RuntimeFailed(
                f"The exported model must run on {self._core.name}.",
                received=f"error code {status}",
                remedy="Report this as an error of EdgeKit, with the model.",
            )

    def _expect_mark(self) -> None:
        (mark,) = struct.unpack("<I", self._receive(4))
        if mark == _FAULT:
            facts = struct.unpack(f"<{_FACTS}I", self._receive(4 * _FACTS))
            raise RuntimeFailed(
                f"The firmware on {self._core.name} must not fault.",
                received=fault_text(self._kit, facts),
                remedy="Report this as an error of EdgeKit, with the model.",
            )
        if mark != _MARK:
            raise garbled(self._kit.runtime, f"mark {mark:#010x}")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._requests.fileno(), select.POLLOUT)
            view = view[self._requests.write(view) or 0 :]

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(self._answers.fileno(), select.POLLIN)
            part = self._answers.read(min(size - len(data), 1 << 20))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _wait(self, pipe: int, event: int) -> None:
        waiting = select.poll()
        waiting.register(pipe, event)
        if not waiting.poll(max(0.0, 1000 * (self._deadline - time.monotonic()))):
            raise TimeoutError

    def _gone(self) -> RuntimeFailed:
        return RuntimeFailed(f"The session on the runtime {self._kit.runtime} is closed.", remedy="Open a new one.")

    def _died(self) -> RuntimeFailed:
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        telling = telling_lines(self._log, _CHATTER)
        return RuntimeFailed(
            f"The emulator of the runtime {self._kit.runtime} must answer in full ({cause(code)}).",
            received=telling[-1][:LONGEST_LINE].rstrip(".") if telling else "an answer that broke off",
            remedy="Report this as an error of EdgeKit, with the model, where the emulator runs other models.",
        )


def _command(kit: Kit, core: Core, board: Board, program: Path) -> list[str]:
    """One instruction takes one emulated nanosecond, so that the board's clock counts them."""
    return [
        core.emulator,
        *("-M", board.machine),
        *(("-bios", "none") if kit.runtime == "riscv" else ()),
        *("-kernel", str(program)),
        *("-icount", "shift=0"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-nodefaults", "-display", "none", "-serial", "none", "-monitor", "none", "-nic", "none"),
        *_CONFINED,
    ]
