"""A child process in which one runtime lives, and how it is asked."""

from __future__ import annotations

import re
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from edgekit.errors import ModelRefused, RuntimeFailed, UsageError
from edgekit.runtimes._process import LONGEST_LINE, ModelProcess, garbled
from edgekit.runtimes._types import Source
from edgekit.sandbox import wire
from edgekit.sandbox.processes import attend
from edgekit.tensors import Array

if TYPE_CHECKING:
    from edgekit import tflite

__all__ = ["Child", "ask_figures", "checked", "path_of", "reference"]


class Child(ModelProcess):
    """A child process in which one runtime lives.

    Args:
        runtime: The runtime's name, for messages.
        remedy: What to do where what it needs cannot be loaded.
        load: The function of a module that imports what it needs.
        preload: Where children are forked, fork it off a process that has imported that; without, off the one that all
            share which are quick to import.
    """

    chatter = re.compile(r"^(INFO|WARNING|W0000|I0000)\b|^$|^warnings\.warn\(")
    patience = "The model may never end, or the machine is too busy: try again, or give a longer time limit."

    def __init__(self, runtime: str, remedy: str, load: Callable[[], object], *, preload: bool = True) -> None:
        self._remedy = remedy
        with ExitStack() as ours:
            log = ours.enter_context(tempfile.TemporaryFile())
            connection, theirs = socket.socketpair()
            ours.enter_context(connection)
            with theirs:
                imported = reference(load) if preload else None
                process = attend("edgekit.runtimes._worker", imported, theirs.fileno(), log.fileno())
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
        if reply.get("kind") == "missing":
            raise RuntimeFailed(
                f"The runtime {self._runtime} cannot be loaded here.", received=said, remedy=self._remedy
            )
        raise ModelRefused(
            f"The runtime {self._runtime} refuses the model.",
            received=said,
            remedy="See what the file holds with `edgekit inspect`, or try another runtime.",
        )


def ask_figures(
    runtime: str,
    source: Source,
    load: Callable[[], object],
    function: Callable[[str, str], dict[str, Any]],
    how: str,
    *,
    limit: float,
    remedy: str,
) -> tuple[dict[str, Any], tflite.Model]:
    """Have a child take the figures of a model.

    Args:
        runtime: The runtime's name, for messages.
        source: The `.tflite`; its flatbuffer is checked first, unless it was read before.
        load: A function of a module that imports what is needed.
        function: One that is called with the path and `how`, and gives what JSON can carry.
        how: Which figures, as `function` understands it.
        limit: Seconds that the child may take.
        remedy: What to do where `load` fails.

    Returns:
        The figures, and what the file holds.

    Raises:
        ModelError: The file is not a well-formed `.tflite`.
        RuntimeFailed: The runtime is missing, or refuses or does not survive the model.
    """
    child = Child(runtime, remedy, load)  # its start-up overlaps with the check
    try:
        path, model = checked(source, child)
        request = {"op": "figures", "load": reference(load), "function": reference(function), "path": path, "how": how}
        told = child.request(request, limit=limit)[0].get("figures")
    finally:
        child.close()
    if not isinstance(told, dict):
        raise garbled(runtime, "no figures")
    return told, model


def checked(source: Source, child: Child) -> tuple[str, tflite.Model]:
    """The path of a `.tflite` and what it holds; where it is none, the child that waits for it is ended.

    Raises:
        ModelError: The file is not a well-formed `.tflite`.
    """
    from edgekit import tflite  # in this process only, not in the child, which reads no file itself

    try:
        model = tflite.read(source)
    except BaseException:
        child.close()
        raise
    return str(path_of(model)), model


def path_of(model: tflite.Model) -> Path:
    """Where a model that is to be run was read from.

    Raises:
        UsageError: Nowhere: it was read from bytes.
    """
    if model.path is None:
        raise UsageError("A runtime runs files.", received="bytes", remedy="Write them to a file first.")
    return model.path.resolve()


def reference(function: Callable[..., object]) -> str:
    """What a child imports a function of a module by."""
    return f"{function.__module__}:{function.__qualname__}"
