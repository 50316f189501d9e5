"""A job that tries what a child must not do, and says how it went: for the tests of the confinement."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import ConversionError
from edgekit.sandbox.wire import Array

__all__ = ["serve"]


def serve(request: dict[str, Any], arrays: list[Array], folder: Path) -> tuple[dict[str, Any], list[Array]]:
    """Try the act of the request on its `path`; answers with `done`, or with the error that came."""
    path = Path(request.get("path") or folder / "file")
    acts: dict[str, Callable[[], object]] = {
        "read": lambda: path.read_bytes().decode(errors="replace")[:100],
        "list": lambda: os.listdir(path),
        "write": lambda: path.write_text("written"),
        "link": lambda: os.symlink("/etc/passwd", folder / "link") or (folder / "link").read_text()[:10],
        "remove": lambda: os.remove(path),
        "chmod": lambda: os.chmod(path, 0o777),
        "tcp": lambda: socket.create_connection(("127.0.0.1", int(request["port"])), 1),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix": lambda: socket.socket(socket.AF_UNIX),
        "program": lambda: subprocess.run(["/bin/true"], check=True),
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "shell": lambda: os.system("true") and _fail("the shell did not start"),
        "fork": os.fork,
        "kill": lambda: os.kill(os.getppid(), 0),
        "trace": lambda: ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0) and _fail("not permitted"),
        "environment": lambda: dict(os.environ),
        "folder": lambda: str(folder),
        "threads": lambda: len(os.listdir("/proc/self/task")),
        "memory": lambda: int(np.ones(int(request["bytes"]) // 8).sum()),
        "sleep": lambda: time.sleep(3600),
        "abort": os.abort,
        "leave": lambda: os._exit(7),
        "garbage": lambda: os.write(int(os.listdir("/proc/self/fd")[3]), b"\x00\x00\x00\x04junk"),
        "refuse": lambda: _refuse(),
        "break": lambda: 1 / 0,
    }
    if request["act"] in ("refuse", "break"):
        acts[request["act"]]()
    try:
        return {"done": acts[request["act"]]()}, []
    except (OSError, RuntimeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}, []


def _fail(why: str) -> None:
    raise OSError(why)


def _refuse() -> None:
    raise ConversionError("A rule\x1b[31m holds.", received="a\nb\x9bc", remedy="Do\u202e that.")
