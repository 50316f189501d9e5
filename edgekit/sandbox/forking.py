"""The process that children of one kind are forked off: it imports what they need and never sees a file.

Run as `python -P -m edgekit.sandbox.forking FD MODULE [PRELOADED]`. Orders come over a socket that keeps messages
apart: to fork a child, with its connection and log as descriptors, or to wait for one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any, NoReturn

from edgekit.sandbox import worker

__all__ = ["main"]

_INTERVAL = 0.01  # seconds


def main() -> None:
    """Serve the parent at the other end of the socket; never returns."""
    control = socket.socket(fileno=int(sys.argv[1]))
    worker.end_with_parent()
    with suppress(ImportError):
        importlib.import_module("edgekit_converters")
    job = importlib.import_module(sys.argv[2])
    if hasattr(job, "preload"):
        job.preload(*sys.argv[3:])
    gc.collect()
    gc.freeze()  # a child's collections would write to each object, and so copy the memory that it shares with this one
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(control, 1 << 18, 2)
        if not message:
            os._exit(0)
        order = json.loads(message)
        if "wait" in order:
            control.send(json.dumps(_waited(order["wait"], order["seconds"])).encode())
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            _begin(descriptors[1])
            if "environment" in order:
                worker.end_with_parent()
                os.environ.clear()
                os.environ.update(order["environment"])
                job.attend(socket.socket(fileno=descriptors[0]))
            _work(order["bounds"], descriptors[0])
        with suppress(PermissionError):  # before anyone learns of it, so that the group can be ended
            os.setpgid(pid, pid)
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(str(pid).encode())


def _waited(pid: int, seconds: float | None) -> int | None:
    """The exit code of a worker, or None where it has not ended in time."""
    if seconds is None:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(_INTERVAL)


def _begin(log: int) -> None:
    """Lead a process group of its own, and print to the log."""
    os.setpgid(0, 0)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(bounds: dict[str, Any], connection: int) -> NoReturn:
    folder = bounds["folder"]
    os.environ.update(HOME=folder, TMPDIR=folder, KERAS_HOME=folder)
    tempfile.tempdir = folder  # which an import may have looked up
    worker.work(socket.socket(fileno=connection), bounds)


if __name__ == "__main__":
    main()
