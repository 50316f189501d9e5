"""An Artifact: a file (or SavedModel folder), what it is, and what made it from what."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from edgekit.scratch import is_real_folder, temporary

__all__ = ["Artifact", "describe", "sha256_of", "write_atomically"]


@dataclass(frozen=True)
class Artifact:
    """One produced file and its lineage.

    Attributes:
        path: Path, relative to the folder of the manifest that lists it, or to the store of its steps.
        kind: "keras", "tflite" or, of an export, "source".
        sha256: Hex digest of its bytes.
        bytes: Size on disk.
        parent: sha256 of the artifact that it was made from, if any.
        made_by: The step that made it, for example "sparsify", "convert int8" or "export tflm".
    """

    path: str
    kind: str
    sha256: str
    bytes: int
    parent: str | None
    made_by: str

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def describe(path: Path, *, root: Path, kind: str, parent: str | None, made_by: str) -> Artifact:
    """Measure a file that exists and say where it came from."""
    size = sum(f.stat().st_size for f in _files(path))
    return Artifact(str(path.relative_to(root)), kind, sha256_of(path), size, parent, made_by)


def sha256_of(path: Path) -> str:
    """Hex digest of a file, or of a folder's files with their names in sorted order."""
    digest = hashlib.sha256()
    for file in _files(path):
        if path.is_dir():
            digest.update(str(file.relative_to(path)).encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


@contextmanager
def write_atomically(path: Path, *, beside: Path | None = None, replace_folder: bool = False) -> Iterator[Path]:
    """Give a temporary file or folder to write; rename it into place on success, else remove it.

    A kill, a full disk or a second run never leaves half a file under the final name. Whether a file that is there may
    be replaced is not asked here, but by `edgekit.ownership`.

    Args:
        path: The final name.
        beside: A folder on the same file system whose `.edgekit` holds the temporary; default the file's own.
        replace_folder: Remove a folder that is there under the final name; only for folders that nobody else writes to.

    Raises:
        OSError: Without `replace_folder`, a folder that is not empty has the final name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(beside or path.parent) as holder:
        new = holder / path.name
        yield new
        if replace_folder and new.is_dir() and is_real_folder(path):
            os.replace(path, holder / f"{path.name}.old")
        os.replace(new, path)


def _files(path: Path) -> list[Path]:
    return sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
