"""The one folder that a child writes to: how much is in it, and removing it whatever the child made of it."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["disk_taken", "temporary_folder"]

MOST_ENTRIES = 100_000


@contextmanager
def temporary_folder() -> Iterator[str]:
    """Give an empty folder, removed at the end, when nothing may write to it any more."""
    folder = tempfile.mkdtemp(prefix="edgekit-")
    try:
        yield folder
    finally:
        with suppress(OSError):
            _remove(folder)


def disk_taken(pid: int, folder: str) -> int | None:
    """Bytes that a process takes of the disk: in its folder, and in files that it removed but holds open.

    Returns:
        None where the folder has more entries than anything honest makes.
    """
    sizes: dict[tuple[int, int], int] = {}
    descriptors = f"/proc/{pid}/fd"
    waiting, entries = [folder, descriptors], 0
    while waiting:
        current = waiting.pop()
        with suppress(OSError), os.scandir(current) as listed:
            for entry in listed:
                entries += 1
                if entries > MOST_ENTRIES:
                    return None
                with suppress(OSError):
                    about = entry.stat(follow_symlinks=current == descriptors)
                    if stat.S_ISREG(about.st_mode):
                        sizes[about.st_dev, about.st_ino] = about.st_blocks * 512
                    elif stat.S_ISDIR(about.st_mode) and current != descriptors:
                        waiting.append(entry.path)
    return sum(sizes.values())


def _remove(folder: str) -> None:
    """Remove a folder without following links, however deep its content nests and whatever modes it has.

    The library's own removal recurses, and before Python 3.11.8 it changes the mode of what a link points to.
    """
    prefix = os.path.join(folder, secrets.token_hex(8))  # a name that nothing in there has
    waiting, number = [folder], 0
    while waiting:
        current = waiting.pop()
        os.chmod(current, 0o700)
        with os.scandir(current) as listed:
            entries = list(listed)
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            number += 1
            os.rename(entry.path, f"{prefix}-{number}")  # up, so that no path grows
            waiting.append(f"{prefix}-{number}")
        if current != folder:
            os.rmdir(current)
    os.rmdir(folder)
