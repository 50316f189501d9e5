"""A process in which a model runs, seen from outside: how it is asked, how it ends, and one line for how it failed."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import IO, ClassVar, NoReturn, TypeVar

from edgekit.errors import RuntimeFailed
from edgekit.sandbox import processes
from edgekit.sandbox.endings import cause, telling_lines
from edgekit.sandbox.wire import ProtocolError

__all__ = ["LONGEST_LINE", "ModelProcess", "garbled"]

LONGEST_LINE = 300
"""Characters of native output that an error message quotes."""

_T = TypeVar("_T")


class ModelProcess:
    """What every process that runs a model has in common.

    Whatever goes wrong, the process is killed and waited for before the error is raised. It also ends by itself when
    this process goes, however that happens.

    Args:
        runtime: The runtime's name, for messages.
        process: The process, started.
        connection: A socket on which it is asked and answers.
        log: A file that takes what it prints.
    """

    chatter: ClassVar[re.Pattern[str]]
    """Lines of the log that tell nothing."""
    patience: ClassVar[str]
    """The remedy where no answer comes in time."""

    def __init__(self, runtime: str, process: processes.Child, connection: socket.socket, log: IO[bytes]) -> None:
        self._runtime, self._process, self._socket, self._log = runtime, process, connection, log
        self._closed = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

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

    def _asked(self, ask: Callable[[], _T], limit: float) -> _T:
        """What `ask` gives, which may take so many seconds; its failures become the line that explains them."""
        if self._closed:
            raise self._gone()
        try:
            return ask()
        except TimeoutError:
            self.close()
            raise RuntimeFailed(
                f"The runtime {self._runtime} must answer within {limit:g} s.",
                received="no answer, so it was ended",
                remedy=self.patience,
            ) from None
        except (EOFError, OSError):
            self._fail_dead()
        except ProtocolError as error:
            if self._closed:
                raise self._gone() from None
            self.close()
            raise garbled(self._runtime, error) from error
        except BaseException:
            self.close()  # an interrupt leaves half a message on the socket
            raise

    def _gone(self) -> RuntimeFailed:
        return RuntimeFailed(f"The session on the runtime {self._runtime} is closed.", remedy="Open a new one.")

    def _fail_dead(self) -> NoReturn:
        if self._closed:
            raise self._gone()
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        failure = self._died(code)
        self.close()
        raise failure from None

    def _died(self, code: int | None) -> RuntimeFailed:
        """Why the connection ended; `code` as `Popen.returncode` has it, None where the process still runs."""
        return RuntimeFailed(
            f"The model crashed the runtime {self._runtime} ({cause(code)}).",
            received=self._said(),
            remedy="The file may be damaged, or use an operator in a way that this runtime does not support: "
            "check it with `edgekit inspect`, or try another runtime.",
        )

    def _said(self) -> str | None:
        """The last telling line of what the process printed."""
        telling = self._telling()
        return telling[-1][:LONGEST_LINE].rstrip(".") if telling else None

    def _telling(self) -> list[str]:
        return telling_lines(self._log, self.chatter)


def garbled(runtime: str, said: object) -> RuntimeFailed:
    """A process has sent what is not an answer."""
    return RuntimeFailed(
        f"The process of the runtime {runtime} must answer in EdgeKit's own form.",
        received=str(said),
        remedy="The model may have corrupted it: do not use this file.",
    )
