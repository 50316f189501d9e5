"""A child process in which one runtime lives, and how it is asked."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import edgekit
from edgekit.errors import RuntimeFailed
from edgekit.runtimes._process import LONGEST_LINE, ModelProcess
from edgekit.sandbox import wire
from edgekit.tensors import Array

__all__ = ["Child"]


class Child(ModelProcess):
    """A child process in which one runtime lives.

    Args:
        runtime: The runtime's name; the child imports the module of that name.
    """

    chatter = re.compile(r"^(INFO|WARNING|W0000|I0000)\b|^$|^warnings\.warn\(")
    patience = "The model may never end, or the machine is too busy: try again, or give a longer time limit."

    def __init__(self, runtime: str) -> None:
        with ExitStack() as ours:
            log = ours.enter_context(tempfile.TemporaryFile())
            connection, theirs = socket.socketpair()
            ours.enter_context(connection)
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "edgekit.runtimes._worker", runtime, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                )
            ours.pop_all()
        super().__init__(runtime, process, connection, log)

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

        def ask() -> tuple[dict[str, Any], list[Array]]:
            self._socket.settimeout(limit)
            wire.send(self._socket, header, arrays)
            if files:
                socket.send_fds(self._socket, [b"f"], list(files))
            while True:
                reply, out = wire.receive(self._socket, limit)
                if "alive" not in reply:
                    return reply, out

        reply, out = self._asked(ask, limit)
        if "error" in reply:
            self._fail_refused(reply)
        return reply, out

    def _fail_refused(self, reply: dict[str, Any]) -> NoReturn:
        said = " ".join(str(reply["error"]).split())[:LONGEST_LINE] or self._said()
        self.close()
        remedy = str(reply.get("remedy", ""))[:LONGEST_LINE]
        if reply.get("kind") == "missing":
            raise RuntimeFailed(f"The runtime {self._runtime} cannot be loaded here.", received=said, remedy=remedy)
        raise RuntimeFailed(
            f"The runtime {self._runtime} refuses the model.",
            received=said,
            remedy=remedy or "See what the file holds with `edgekit inspect`, or try another runtime.",
        )


def _environment() -> dict[str, str]:
    """This process's environment, with EdgeKit importable even where it is not installed."""
    root = str(Path(edgekit.__file__).resolve().parent.parent)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, root])}
