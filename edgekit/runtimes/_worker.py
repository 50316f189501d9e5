"""The child's side: opens one model with what its parent names, and answers requests until the parent is gone.

Run as `python -P -m edgekit.runtimes._worker FD`. Start-up counts in every evaluation: it imports numpy and the
interpreter, nothing more.
"""

from __future__ import annotations

import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from edgekit import registry
from edgekit.runtimes._engine import Engine
from edgekit.sandbox import wire
from edgekit.sandbox.manners import end_with_connection, spare_the_user
from edgekit.tensors import Array

_HEARTBEAT = 1.0  # seconds between signs of life in a long request

Reply = tuple[dict[str, Any], list[Array]]


def main() -> None:
    """Serve the parent at the other end of the socket that the first argument names; never returns."""
    attend(socket.socket(fileno=int(sys.argv[1])))


def preload(load: str | None = None) -> None:
    """Import what opens models, where that takes long, so that children which are forked off need not."""
    if load is not None:
        with suppress(Exception):  # a child says what is missing
            registry.ask(load)()


def attend(sock: socket.socket) -> NoReturn:
    """Serve the parent at the other end of the socket; never returns."""
    end_with_connection(sock.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the parent ends this process
    spare_the_user()
    server = _Server(sock)
    while True:
        try:
            header, arrays = wire.receive(sock)
            reply, out = server.handle(header, arrays)
        except (EOFError, ConnectionError):
            os._exit(0)
        except Exception as error:  # the parent turns it into one line
            reply, out = {"error": str(error) or repr(error)}, []
        wire.send(sock, reply, out)


class _Server:
    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._engine: Engine | None = None
        self._shared: mmap.mmap | None = None
        self._base_memory: int | None = None
        self._last_sign = time.monotonic()

    def handle(self, header: dict[str, Any], arrays: list[Array]) -> Reply:
        whole = {"open": self._open, "profile": self._profile, "figures": self._figures}
        if header["op"] in whole:
            return whole[header["op"]](header)
        operations: dict[str, Callable[[Engine, dict[str, Any], list[Array]], Reply]] = {
            "run": lambda engine, header, inputs: ({}, engine.run(inputs, fresh=header.get("fresh", False))),
            "time": self._time,
            "plan": self._plan,
            "share": self._share,
            "map": self._map,
            "memory": self._memory,
        }
        assert self._engine is not None
        return operations[header["op"]](self._engine, header, arrays)

    def _open(self, header: dict[str, Any]) -> Reply:
        try:
            interpreter, kernels = registry.ask(header["load"])()
        except Exception as error:  # packages built for another numpy fail with anything from AttributeError on
            return _missing(error)
        self._base_memory = _restart_peak()
        self._engine = Engine(interpreter, kernels[header["kernels"]], header["path"], header["threads"])
        engine = self._engine
        return {
            "inputs": [spec.as_dict() for spec in engine.inputs],
            "outputs": [spec.as_dict() for spec in engine.outputs],
        }, []

    def _profile(self, header: dict[str, Any]) -> Reply:
        profile = registry.ask(header["function"])
        return {"profile": profile(header["path"], header["threads"], header["kernels"], header["seconds"])}, []

    def _figures(self, header: dict[str, Any]) -> Reply:
        try:
            registry.ask(header["load"])()
        except Exception as error:
            return _missing(error)
        return {"figures": registry.ask(header["function"])(header["path"], header["how"])}, []

    def _time(self, engine: Engine, header: dict[str, Any], inputs: list[Array]) -> Reply:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        took = engine.time(inputs, header["runs"])
        return {"ns": took, "switches": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before}, []

    def _plan(self, engine: Engine, header: dict[str, Any], arrays: list[Array]) -> Reply:
        batch, shape = engine.plan(arrays, header["batch"], header["output"], self._sign_of_life)
        return {"batch": batch, "shape": list(shape)}, []

    def _share(self, _: Engine, header: dict[str, Any], __: list[Array]) -> Reply:
        files = socket.recv_fds(self._socket, 1, 1)[1]
        self._shared = mmap.mmap(files[0], header["bytes"])
        os.close(files[0])
        return {}, []

    def _map(self, engine: Engine, header: dict[str, Any], _: list[Array]) -> Reply:
        assert self._shared is not None
        views: list[Array] = [
            np.ndarray(part["shape"], part["dtype"], self._shared, part["offset"])
            for part in [*header["inputs"], header["output"]]
        ]
        engine.map(views[:-1], views[-1], self._sign_of_life)
        return {}, []

    def _memory(self, _: Engine, __: dict[str, Any], ___: list[Array]) -> Reply:
        peak, base = _status("VmHWM"), self._base_memory
        return {"bytes": None if peak is None or base is None else max(0, peak - base)}, []

    def _sign_of_life(self) -> None:
        if time.monotonic() - self._last_sign > _HEARTBEAT:
            wire.send(self._socket, {"alive": True})
            self._last_sign = time.monotonic()


def _missing(error: Exception) -> Reply:
    return {"kind": "missing", "error": f"{type(error).__name__}: {error}"}, []


def _restart_peak() -> int | None:
    """Make VmHWM start again from what is held now, and say how much that is (bytes)."""
    with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmHWM")


def _status(field: str) -> int | None:
    with suppress(OSError), open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return None


if __name__ == "__main__":
    main()
