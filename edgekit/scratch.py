"""EdgeKit's own folder `.edgekit` beside what it writes: the one place whose content it makes and removes freely.

The folder has a marker, a file of known content. A folder of that name without it is somebody else's, and so is
everything outside. A temporary is held by a lock as long as its process lives: one whose lock is free was left by a
killed process.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.locks import lock, release, still_there
from edgekit.places import by_place

__all__ = [
    "NAME",
    "check_own",
    "clear_leftovers",
    "held",
    "inner_folder",
    "is_real_folder",
    "refuse_links",
    "remove_tree",
    "temporary",
]

NAME = ".edgekit"
MARKER = "EDGEKIT"
MARKER_TEXT = (
    "EdgeKit made this folder for its temporary files and for the record of what it wrote beside it.\n"
    "Without the record, EdgeKit takes its own files for yours and does not replace them.\n"
)
IGNORED = ".gitignore"
PREFIX = "tmp-"
LOCK = "lock"


@contextmanager
def temporary(parent: Path) -> Iterator[Path]:
    """Give an empty folder on the file system of `parent`, which no other process removes while this one lives.

    Args:
        parent: A folder that exists; `.edgekit` is made in it, and removed again where nothing else is in it.

    Raises:
        EdgekitError: `.edgekit` is there and is not EdgeKit's.
    """
    with held(parent) as own:
        holder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=own))
        file = os.open(holder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        lock(file)
    try:
        content = holder / "content"
        content.mkdir()
        yield content
    finally:
        _remove_holder(holder)
        release(file)
        _remove_if_unused(parent)


def clear_leftovers(parent: Path) -> None:
    """Remove the temporaries in `parent/.edgekit` that killed processes left, and the folder where it is then empty."""
    if not check_own(parent):
        return
    with held(parent) as own:
        for holder in own.glob(f"{PREFIX}*"):
            if is_real_folder(holder):
                _remove_if_left(holder)
    _remove_if_unused(parent)


@contextmanager
def held(parent: Path) -> Iterator[Path]:
    """Give `parent/.edgekit`, made where it is missing, to one process at a time. For short work: others wait.

    Raises:
        EdgekitError: It is there and is not EdgeKit's.
    """
    own = parent / NAME
    while True:
        with suppress(FileExistsError):
            own.mkdir()
        check_own(parent)
        try:
            marker = os.open(own / MARKER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:  # another process has just removed the folder
            continue
        try:
            lock(marker)
            if not still_there(marker, own / MARKER):
                continue
            if os.fstat(marker).st_size == 0:
                os.write(marker, MARKER_TEXT.encode())
                (own / IGNORED).write_text("*\n")
            yield own
            return
        finally:
            release(marker)


def check_own(parent: Path) -> bool:
    """Whether `parent/.edgekit` is there.

    Raises:
        EdgekitError: It is there, and neither has the marker nor is an empty folder.
    """
    own = parent / NAME
    while os.path.lexists(own):
        marker, inside = state = _state(own)
        if marker == MARKER_TEXT or (marker in (None, "") and inside <= {MARKER}):
            return True  # an empty one too: its maker is about to write the marker
        if state == _state(own) and not (marker is None and MARKER in inside):
            break  # nobody is about to make or to remove it
    else:
        return False
    raise EdgekitError(
        f"The name {NAME} is EdgeKit's own in every folder that it writes to.",
        received=f"{own}, which something else made",
        remedy="Rename that, or choose another place for the output "
        f"({by_place(command='--overwrite', python='overwrite=True')} does not touch it either).",
    )


def inner_folder(parent: Path, *parts: str) -> Path:
    """A folder below `parent/.edgekit`, made where it is missing.

    Raises:
        EdgekitError: Something on the way is no folder, such as a symbolic link, which could lead out of it.
    """
    with held(parent) as own:
        path = own
        for part in parts:
            path = path / part
            with suppress(FileExistsError):
                path.mkdir()
            if not is_real_folder(path):
                raise EdgekitError(
                    f"Everything in {NAME} is EdgeKit's own.", received=f"{path}, no folder", remedy=f"Remove {own}."
                )
    return path


def refuse_links(parent: Path) -> None:
    """Make sure that nothing below `parent/.edgekit` leads out of it: EdgeKit makes no links there.

    Raises:
        EdgekitError: There is a symbolic link.
    """
    for folder, folders, files in os.walk(parent / NAME):
        for name in (*folders, *files):
            if os.path.islink(os.path.join(folder, name)):
                raise EdgekitError(
                    f"Everything in {NAME} is EdgeKit's own, which makes no symbolic links.",
                    received=os.path.join(folder, name),
                    remedy="Remove it, or choose another place for the output.",
                )


def is_real_folder(path: Path) -> bool:
    """Whether it is a folder itself, not a symbolic link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def remove_tree(path: Path) -> None:
    """Remove a folder of EdgeKit's own and what is in it; a symbolic link is never followed."""
    if is_real_folder(path):
        shutil.rmtree(path, ignore_errors=True)


def _remove_if_left(holder: Path) -> None:
    """Remove a temporary whose process is gone: with its lock in hand, which is free only then."""
    try:
        file = os.open(holder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:  # killed before it was there, or after it was removed: in both cases it is empty
        with suppress(OSError):
            holder.rmdir()
        return
    except OSError:
        return
    try:
        if lock(file, wait=False):  # without locks, nobody can tell
            _remove_holder(holder)
    except OSError:  # its process lives
        pass
    finally:
        release(file)


def _remove_holder(holder: Path) -> None:
    """Remove a temporary, its lock last: as long as that is there, whoever finds the rest can tell that it was left."""
    with suppress(OSError):
        for name in os.listdir(holder):
            if name != LOCK:
                shutil.rmtree(holder / name, ignore_errors=True)
        if os.listdir(holder) == [LOCK]:
            (holder / LOCK).unlink()
        holder.rmdir()


def _remove_if_unused(parent: Path) -> None:
    with suppress(OSError, EdgekitError):
        if not check_own(parent):
            return
        with held(parent) as own:
            if set(os.listdir(own)) <= {MARKER, IGNORED}:
                (own / IGNORED).unlink(missing_ok=True)
                (own / MARKER).unlink()
                own.rmdir()


def _state(own: Path) -> tuple[str | None, frozenset[str]]:
    """The text of the marker, and the names in the folder; "?" of what is no folder."""
    if not is_real_folder(own):
        return ("?" if os.path.lexists(own) else None), frozenset()
    text = _text(own / MARKER)
    try:
        return text, frozenset(os.listdir(own))
    except FileNotFoundError:
        return None, frozenset()


def _text(path: Path) -> str | None:
    """A small regular file's text; None where there is none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
            return file.read(2 * len(MARKER_TEXT)) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else "?"
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return "?"
