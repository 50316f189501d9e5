"""The worker's side: runs one trial after another, with TensorFlow loaded once.

Run as `python -P -m edgekit.searching.executors._worker FD`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import NoReturn

from edgekit import sandbox
from edgekit.sandbox import wire
from edgekit.sandbox.manners import end_with_connection, spare_the_user

__all__ = ["attend", "main"]


def main() -> None:
    """Serve the driver at the other end of the socket that the first argument names; never returns."""
    attend(socket.socket(fileno=int(sys.argv[1])))


def attend(sock: socket.socket) -> NoReturn:
    """Serve the driver at the other end of the socket; never returns."""
    from edgekit.searching.trial import Job, run_trial

    end_with_connection(sock.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the driver ends this process
    spare_the_user()
    with sandbox.kept_warm():  # what converts a trial's files has TensorFlow loaded by the trial before
        while True:
            try:
                header, _ = wire.receive(sock)
            except (EOFError, ConnectionError):
                os._exit(0)
            wire.send(sock, {"outcome": vars(run_trial(Job(**header["job"])))})


if __name__ == "__main__":
    main()
