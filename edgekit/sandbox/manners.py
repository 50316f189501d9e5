"""What every child does at its start, confined or not; imports no more than it needs, for start-up counts."""

from __future__ import annotations

import os
import resource
import select
import threading
from contextlib import suppress

__all__ = ["end_with_connection", "spare_the_user"]


def end_with_connection(fd: int) -> None:
    """End this process when the other end of a socket closes.

    A model that never returns would outlive a killed parent otherwise: only a second thread can end it.
    """
    threading.Thread(target=_wait_and_end, args=(fd,), daemon=True).start()


def spare_the_user() -> None:
    """Let a bad file neither fill the disk with a core dump, nor cost another process the memory that it asks for."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _wait_and_end(fd: int) -> None:
    poll = select.poll()
    poll.register(fd, 0)
    poll.poll()
    os._exit(0)
