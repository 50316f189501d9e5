"""The parent's side of a child process that runs a model: start, ask, and say in one line how it failed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import edgekit
from edgekit.errors import RuntimeFailed
from edgekit.runtimes import Array, _wire

__all__ = ["Child"]

_CHATTER = re.compile(r"^(INFO|WARNING|W0000|I0000)\b|^\s*$|^\s*warnings\.warn\(")
_LONGEST_LINE = 300  # characters of native output that an error message quotes


class Child:
    """A child process in which one runtime lives.

    Args:
        runtime: The runtime's name; the child imports the module of that name.

    Whatever goes wrong, the process is killed and waited for before the error is raised. It also ends by itself when
    this process goes, however that happens.
    """

    def __init__(self, runtime: str) -> None:
        self._runtime, self._closed = runtime, False
        self._log = tempfile.TemporaryFile()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "edgekit.runtimes._worker", runtime, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                env=_environment(),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def request(
        self, header: dict[str, Any], arrays: Sequence[Array] = (), *, limit: float, files: Sequence[int] = ()
    ) -> tuple[dict[str, Any], list[Array]]:
        """Send one request and wait for its reply.

        Args:
            header: What is asked, under "op".
            arrays: What goes with it.
            limit: Seconds that may pass without a sign of life.
            files: File descriptors to hand over.

        Raises:
            RuntimeFailed: The child crashed, stayed silent, or refused.
        """
        if self._closed:
            self._fail_closed()
        try:
            self._socket.settimeout(limit)
            _wire.send(self._socket, header, arrays)
            if files:
                socket.send_fds(self._socket, [b"f"], list(files))
            while True:
                reply, out = _wire.receive(self._socket, limit)
                if "alive" not in reply:
                    break
        except TimeoutError:
            self._fail_hung(limit)
        except (EOFError, OSError):
            self._fail_dead()
        except _wire.ProtocolError as error:
            self.close()
            raise RuntimeFailed(
                f"The child process of the runtime {self._runtime} must answer in EdgeKit's own form.",
                received=str(error),
                remedy="The model may have corrupted it: do not use this file.",
            ) from error
        except BaseException:
            self.close()  # an interrupt leaves half a message on the socket
            raise
        if "error" in reply:
            self._fail_refused(reply)
        return reply, out

    def close(self) -> None:
        """Kill the process and wait for it, also from another thread than asks; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for an answer
        self._process.kill()
        self._process.wait()
        self._socket.close()
        self._log.close()

    def _fail_hung(self, limit: float) -> NoReturn:
        self.close()
        raise RuntimeFailed(
            f"The runtime {self._runtime} must answer within {limit:g} s.",
            received="no answer, so it was ended",
            remedy="The model may never end, or the machine is too busy: try again, or give a longer time limit.",
        ) from None

    def _fail_closed(self) -> NoReturn:
        raise RuntimeFailed(f"The session on the runtime {self._runtime} is closed.", remedy="Open a new one.")

    def _fail_dead(self) -> NoReturn:
        if self._closed:
            self._fail_closed()
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        last = self._last_line()
        self.close()
        raise RuntimeFailed(
            f"The model crashed the runtime {self._runtime} ({_cause(code)}).",
            received=last,
            remedy="The file may be damaged, or use an operator in a way that this runtime does not bear: "
            "check it with `edgekit inspect`, or try another runtime.",
        ) from None

    def _fail_refused(self, reply: dict[str, Any]) -> NoReturn:
        said = " ".join(str(reply["error"]).split())[:_LONGEST_LINE] or self._last_line()
        self.close()
        remedy = str(reply.get("remedy", ""))[:_LONGEST_LINE]
        if reply.get("kind") == "missing":
            raise RuntimeFailed(f"The runtime {self._runtime} cannot be loaded here.", received=said, remedy=remedy)
        raise RuntimeFailed(
            f"The runtime {self._runtime} refuses the model.",
            received=said,
            remedy=remedy or "See what the file holds with `edgekit inspect`, or try another runtime.",
        )

    def _last_line(self) -> str | None:
        """The last telling line of what the child's native code printed."""
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 8192))
        lines = self._log.read().decode(errors="replace").splitlines()
        telling = [line.strip() for line in lines if not _CHATTER.match(line)]
        return telling[-1][:_LONGEST_LINE].rstrip(".") if telling else None


def _cause(code: int | None) -> str:
    if code is None:
        return "it closed its connection"
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _environment() -> dict[str, str]:
    """This process's environment, with EdgeKit importable even where it is not installed."""
    root = str(Path(edgekit.__file__).resolve().parent.parent)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, root])}
