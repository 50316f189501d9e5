"""The child's side: shuts itself off, does one job and answers.

Run as `python -P -m edgekit.sandbox.worker FD CONFINEMENT`, the latter in JSON. Neither NumPy, which may start threads
that nothing would confine, nor the job's module is imported before the process is shut off.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import edgekit
from edgekit.errors import EdgekitError
from edgekit.places import standing
from edgekit.sandbox import wire
from edgekit.sandbox.confine import confine
from edgekit.sandbox.manners import end_with_connection

__all__ = ["end_with_parent", "main", "work"]


def main() -> None:
    """Do the job that the parent at the other end of the socket names; never returns."""
    with suppress(ImportError):  # found before the folder that holds it can no longer be listed
        importlib.import_module("edgekit_converters")
    work(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2]))


def work(sock: socket.socket, bounds: dict[str, Any]) -> NoReturn:
    """Shut this process off, do the job and answer; never returns."""
    end_with_parent()
    try:
        folder = Path(bounds["folder"])
        os.chdir(folder)
        roots = [Path(package).resolve() for package in _packages()]
        missing = confine([Path(p) for p in bounds["readable"]], folder, roots, int(bounds["memory"]))
        end_with_connection(sock.fileno())  # where the kernel does not send the signal
        order, arrays = wire.receive(sock)
        if order["job"] is None:
            reply, out = {"missing": missing}, []
        else:
            with standing(order["place"]):  # what it says comes before the same user
                reply, out = importlib.import_module(order["job"]).serve(order["request"], arrays, folder)
        wire.send(sock, {"done": reply}, out)
    except (EOFError, ConnectionError):
        os._exit(0)
    except EdgekitError as error:
        received = None if error.received is None else str(error.received)
        told = {"class": type(error).__name__, "rule": error.rule, "received": received, "remedy": error.remedy}
        wire.send(sock, {"refused": told})
    except MemoryError:
        os._exit(errno.ENOMEM)
    except SystemExit as end:  # here, for it would close the socket first
        os._exit(end.code if isinstance(end.code, int) else 1)
    except Exception as error:  # the parent makes one line of it
        wire.send(sock, {"failed": f"{type(error).__name__}: {error}"})
    os._exit(0)  # without the seconds that large libraries take to clean up


def end_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def _packages() -> list[str]:
    found: list[str] = list(edgekit.__path__)
    converters: Any = sys.modules.get("edgekit_converters")
    return found + (list(converters.__path__) if converters else [])


if __name__ == "__main__":
    main()
