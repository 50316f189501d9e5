"""Which files are EdgeKit's: a record beside them, `.edgekit/written.json`, of the sha256 of each file that it wrote.

A file is EdgeKit's as long as it has the bytes that the record tells. Nothing else is overwritten or removed. The
record is written before the files appear, so that a kill in between leaves none that EdgeKit would not know again.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from edgekit.artifact import sha256_of
from edgekit.errors import EdgekitError
from edgekit.places import by_place
from edgekit.scratch import NAME, check_own, held, is_real_folder, temporary

__all__ = ["check_folder", "check_writable", "is_inside", "publishing", "remove_unchanged", "written", "writing"]

SCHEMA = "edgekit.written/1"
RECORD = "written.json"
_LARGEST = 16 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")

Record = dict[str, list[str]]
"""By path relative to the folder, the digests of what EdgeKit wrote there: the last two, of which one is on disk."""
Makers = dict[str, list[str]]
"""By what made them, the paths of files that go when the same maker makes others."""


def check_writable(root: Path, names: Iterable[str], *, overwrite: bool = False) -> None:
    """Make sure that files may be written, before any work is done for them.

    Args:
        root: The folder that they are written to, and whose record counts.
        names: Their paths, relative to it.
        overwrite: Whether the user allows replacing files that are not EdgeKit's.

    Raises:
        EdgekitError: A file is there that EdgeKit did not write, or that was changed since; or a path leaves `root`.
    """
    _check(root, _read(root), names, overwrite)


def check_folder(root: Path, name: str) -> None:
    """Make sure that a folder of this name may be made and written into; as in all of EdgeKit's output, no link to one.

    Raises:
        EdgekitError: Something else has its name, or stands above it.
    """
    _refuse_blocked(_blocked(root, f"{name}/x"))


@contextmanager
def publishing(root: Path, *, overwrite: bool = False, maker: str = "") -> Iterator[Path]:
    """Give an empty folder to write files to; on success they appear under `root` by the same relative paths.

    Args:
        root: The folder that they belong to; made where it is missing, and then removed again on failure.
        overwrite: As for `check_writable`, which is asked again when all are written.
        maker: What makes the files. What it made here before and does not make again is removed, where nobody changed
            it; with "" nothing is.

    Raises:
        EdgekitError: As `check_writable` does; nothing is then written.
    """
    _refuse_blocked(root if os.path.lexists(root) and not root.is_dir() else None)
    with _folder(root), temporary(root) as staging:
        yield staging
        names = sorted(p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file())
        with held(root) as own:
            record, makers = _read(root), _makers(root)
            _check(root, record, names, overwrite)
            for name in names:
                before = _digest(root / name)
                record[name] = [sha256_of(staging / name), *([before] if before else [])]
            makers = {one: [n for n in its if n not in names] for one, its in makers.items()}
            stale = makers.pop(maker, []) if maker else []
            mine = {maker: names} if maker else {}
            # Until they are gone, files that are not made again stay in the record: a kill leaves none unknown.
            _write(own, root, record, names, makers | ({maker: sorted([*names, *stale])} if maker else {}))
            for name in names:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(staging / name, root / name)
            if stale:
                remove_unchanged(root, stale)
                _remove_empty(root, stale)
                _write(own, root, record, names, makers | mine)


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Make a folder; where the block fails, remove again what was made for it, as far as it is empty."""
    new = [p for p in (path, *path.parents) if not os.path.lexists(p)]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        standing = next(p for p in (path, *path.parents) if os.path.lexists(p))
        raise EdgekitError(
            "EdgeKit writes into folders.",
            received=f"{standing}, which is none",
            remedy="Rename it, or choose another output.",
        ) from None
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for folder in new:
                folder.rmdir()
        raise


@contextmanager
def writing(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """As `publishing`, for one file: give the temporary file to write to."""
    with publishing(path.parent, overwrite=overwrite) as staging:
        yield staging / path.name


def written(root: Path) -> list[str]:
    """The relative paths in the record of a folder, also of files that are gone or were changed."""
    return sorted(_read(root))


def remove_unchanged(root: Path, names: Iterable[str]) -> None:
    """Remove those files that EdgeKit wrote and nobody changed; the others stay."""
    record = _read(root)
    for name in names:
        path = root / name
        if _blocked(root, name) is None and record.get(name) and _digest(path) in record[name]:
            with suppress(OSError):
                path.unlink()


def is_inside(name: str) -> bool:
    """Whether a path, written with "/", is relative and cannot leave the folder that it is relative to."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _check(root: Path, record: Record, names: Iterable[str], overwrite: bool) -> None:
    foreign = []
    for name in names:
        _refuse_blocked(_blocked(root, name))
        path = root / name
        if not overwrite and os.path.lexists(path) and _digest(path) not in record.get(name, ()):
            foreign.append(str(path))
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise EdgekitError(
            "A file that EdgeKit did not write, or that was changed since, is not overwritten.",
            received=", ".join(foreign[:3]) + more,
            remedy="Move it away, choose another output, or replace it with "
            f"{by_place(command='--overwrite', python='overwrite=True')}.",
        )


def _refuse_blocked(path: Path | None) -> None:
    if path is not None:
        raise EdgekitError(
            "EdgeKit writes into folders, and through no symbolic link inside its output.",
            received=str(path),
            remedy="Rename it, or choose another output "
            f"({by_place(command='--overwrite', python='overwrite=True')} replaces files only).",
        )


def _remove_empty(root: Path, names: Iterable[str]) -> None:
    """The folders below `root` in which these files were, as far as nothing is left in them."""
    folders = {parent for name in names for parent in PurePosixPath(name).parents if parent.parts}
    for folder in sorted(folders, reverse=True):
        if _blocked(root, f"{folder}/x") is None:
            with suppress(OSError):
                (root / folder).rmdir()


def _blocked(root: Path, name: str) -> Path | None:
    """What stands in the way to a file: a folder of its name, or something that is no folder above it."""
    assert is_inside(name), name
    path = root / name
    between = [path.parents[i] for i in range(len(PurePosixPath(name).parts) - 1)]
    wrong = [p for p in reversed(between) if os.path.lexists(p) and not is_real_folder(p)]
    if os.path.lexists(root) and not root.is_dir():
        wrong.insert(0, root)
    return next(iter(wrong), path if is_real_folder(path) else None)


def _digest(path: Path) -> str | None:
    """sha256 of a regular file; None of everything else."""
    try:
        return sha256_of(path) if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


def _read(root: Path) -> Record:
    """The record of a folder; a damaged one knows no file, so that all count as the user's."""
    return {
        name: [sha for sha in shas if isinstance(sha, str) and _SHA256.fullmatch(sha)]
        for name, shas in _told(root, "files").items()
    }


def _makers(root: Path) -> Makers:
    """Who made what, by the record of a folder."""
    return {
        maker: [name for name in names if isinstance(name, str) and is_inside(name)]
        for maker, names in _told(root, "makers").items()
    }


def _told(root: Path, what: str) -> dict[str, list[object]]:
    """Lists by name, as the record has them under a key; nothing where it is damaged."""
    if not check_own(root):
        return {}
    path = root / NAME / RECORD
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            return {}
        lists = content.get(what, {}).items()
        return {name: told for name, told in lists if isinstance(told, list) and (what != "files" or is_inside(name))}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _write(own: Path, root: Path, record: Record, names: Iterable[str], makers: Makers) -> None:
    """The record of these files, and of those that are still there."""
    kept = {name: shas for name, shas in record.items() if name in names or os.path.lexists(root / name)}
    content = {"schema": SCHEMA, "files": kept, "makers": {one: its for one, its in makers.items() if its}}
    new = own / f"{RECORD}.new"
    new.unlink(missing_ok=True)  # were it a link, writing would follow it
    new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(new, own / RECORD)
