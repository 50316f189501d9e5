"""Watching what a child takes: memory by a control group where there is one and ten samples a second, and disk."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from edgekit.sandbox.folder import disk_taken

__all__ = ["MemoryWatch"]

INTERVAL = 0.1  # seconds
_DISK_EVERY = 10  # samples
_ROOT = Path("/sys/fs/cgroup")


class MemoryWatch:
    """Ends a process that takes more memory or disk than it may.

    Args:
        pid: The process.
        limit: Bytes of resident memory, and as many of disk.
        folder: Where it writes.
    """

    def __init__(self, pid: int, limit: int, folder: str) -> None:
        self._pid, self._limit, self._folder = pid, limit, folder
        self._reached, self._stop = False, threading.Event()
        self._group = _control_group(pid, limit)
        self._thread = threading.Thread(target=self._watch, daemon=True, name="edgekit memory watch")
        self._thread.start()

    @property
    def reached(self) -> bool:
        """Whether the limit was reached."""
        return self._reached or (self._group is not None and _ran_out(self._group))

    def close(self) -> None:
        """End the watch, after the process has ended."""
        self._reached = self.reached
        self._stop.set()
        self._thread.join()
        if self._group is not None:
            with suppress(OSError):  # a group goes once its last process is gone
                self._group.rmdir()
            self._group = None

    def _watch(self) -> None:
        page, samples = os.sysconf("SC_PAGE_SIZE"), 0
        with suppress(OSError, ValueError), open(f"/proc/{self._pid}/statm", "rb", buffering=0) as statm:
            while not self._stop.wait(INTERVAL):
                statm.seek(0)
                samples += 1
                memory = int(statm.read(256).split()[1]) * page
                if memory > self._limit or (samples % _DISK_EVERY == 0 and self._disk_is_full()):
                    self._reached = True
                    os.kill(self._pid, 9)
                    return

    def _disk_is_full(self) -> bool:
        taken = disk_taken(self._pid, self._folder)
        return taken is None or taken > self._limit


def _control_group(pid: int, limit: int) -> Path | None:
    """A group of its own for the process, in either version of control groups; None where none can be made."""
    try:
        own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    except (OSError, ValueError):
        return None
    first = next((path for names, path in own.items() if "memory" in names.split(",")), None)
    if first is not None:
        return _joined(_ROOT / "memory" / first.strip("/"), pid, limit, "memory.limit_in_bytes")
    parent = (_ROOT / own.get("", "/").strip("/")).parent
    with suppress(OSError):
        if "memory" in (parent / "cgroup.subtree_control").read_text().split():
            return _joined(parent, pid, limit, "memory.max")
    return None


def _joined(parent: Path, pid: int, limit: int, setting: str) -> Path | None:
    for left in parent.glob("edgekit-*"):  # of a parent that was killed
        with suppress(OSError):
            if not Path("/proc", left.name.split("-")[1]).exists():
                left.rmdir()
    group = parent / f"edgekit-{os.getpid()}-{pid}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        (group / setting).write_text(str(limit))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        with suppress(OSError):
            group.rmdir()
        return None
    return group


def _ran_out(group: Path) -> bool:
    for name in ("memory.events", "memory.oom_control"):
        with suppress(OSError):
            counts = dict(line.split() for line in (group / name).read_text().splitlines())
            return int(counts.get("oom_kill", 0)) > 0
    return False
