"""Zip archives that hold models: `.keras` files, and SavedModel folders that were packed. Runs in a child process.

A member's name says nothing here but where it lies in the model: none is written outside of the folder given, and none
may be longer than the archive says, nor all of them than `Bounds` lets a file grow.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from edgekit.errors import ModelError
from edgekit.filekinds import ZIPPED_SAVED_MODEL, kind_of
from edgekit.keras.files.hdf5 import Bounds
from edgekit.zips import read_member

__all__ = ["damaged", "holds_saved_model", "member", "members_of", "unpack_saved_model"]

MOST_MEMBERS = 10_000
GRAPH = "saved_model.pb"
OF_MACOS = "__MACOSX"
"""Folder that macOS adds to archives for what it keeps beside files."""


def holds_saved_model(path: Path) -> bool:
    """Whether it is a SavedModel, as a folder or packed as a zip archive; only a few bytes of a file are looked at."""
    return path.is_dir() or kind_of(path) == ZIPPED_SAVED_MODEL


def unpack_saved_model(path: Path, folder: Path, name: str) -> Path:
    """Unpack a SavedModel.

    Args:
        path: A zip archive with saved_model.pb at its root or in its only folder.
        folder: An empty one, which it is written to.
        name: What messages call the archive.

    Returns:
        The folder that holds saved_model.pb.

    Raises:
        ModelError: A name leads out of the folder, the members are larger than they may be, or the archive is damaged.
    """
    bounds = Bounds(name, path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            members = members_of(archive, bounds)
            names = [name for name in members if not name.startswith(f"{OF_MACOS}/")]
            places = {_place(name, bounds): name for name in names}
            if len(places) < len(names):
                bounds.refuse("An archive has one member of each name.", "two for one place")
            root = _root(places, name)
            for place, member_name in places.items():
                info = members[member_name]
                bounds.take(info.file_size)
                if place[: len(root)] != root or info.is_dir():
                    continue
                target = folder.joinpath(*place)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as stream:
                    stream.write(member(archive, members, member_name, info.file_size))
    except ModelError:
        raise
    except Exception as error:  # zlib, lzma and bz2 have errors of their own
        raise damaged(name, "zip archive of a SavedModel", error) from None
    return folder.joinpath(*root)


def members_of(archive: zipfile.ZipFile, bounds: Bounds) -> Mapping[str, zipfile.ZipInfo]:
    """What an archive holds, by name.

    Raises:
        ModelError: There are too many, or two of one name.
    """
    infos = archive.infolist()
    members = {info.filename: info for info in infos}
    if len(infos) > MOST_MEMBERS or len(members) != len(infos):
        bounds.refuse("An archive has one member of each name.", f"{len(infos)} members")
    return members


def member(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], name: str, most: int) -> bytes:
    """A member's bytes; it may not be longer than the archive says, nor than `most`."""
    if name not in members:
        raise KeyError(f"no {name}")
    return read_member(archive, members[name], most)


def damaged(file: str, what: str, error: Exception | str) -> ModelError:
    """The error that a file is not whole.

    Args:
        file: Its name.
        what: The kind of file that it should be.
        error: What shows it.
    """
    text = error if isinstance(error, str) else f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ModelError(
        f"The model must be a complete {what}.",
        received=f"{file} ({text})",
        remedy="It is damaged or truncated: copy or save it again.",
    )


def _place(name: str, bounds: Bounds) -> tuple[str, ...]:
    """Where a member lies; archives that were made on Windows may have backslashes between folders."""
    parts = tuple(name.replace("\\", "/").removesuffix("/").split("/"))
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        bounds.refuse("Members of an archive lie in its own folders.", f"the member {name[:80]!r}")
    return parts


def _root(places: Mapping[tuple[str, ...], str], name: str) -> tuple[str, ...]:
    roots = [place[:-1] for place in places if place[-1] == GRAPH]
    if len(roots) != 1 or len(roots[0]) > 1:
        raise ModelError(
            f"An archive of a SavedModel has {GRAPH} at its root or in its only folder.",
            received=f"{name} with {GRAPH} in {len(roots)} folders" if roots else f"{name} without it",
            remedy="Unpack it and give the folder.",
        )
    return roots[0]
