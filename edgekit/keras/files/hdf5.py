"""Weights out of HDF5, and into it again. A foreign file is read without following anything that leads out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from edgekit.errors import ModelError
from edgekit.keras.files.plain import Tree
from edgekit.tensors import Array

if TYPE_CHECKING:
    import h5py

__all__ = ["Bounds", "read_text", "read_tree", "write_tree"]

MOST_OBJECTS = 200_000
DEEPEST = 64
INFLATION = 20
"""Times its size that a file may grow to: weights hardly shrink when they are packed, unless they were pruned."""
ALWAYS = 64 << 20
"""Bytes of arrays that any file may have."""
LONGEST_TEXT = 64 << 20
"""Bytes of one attribute: the configuration of the largest networks in use has a few megabytes."""
BFLOAT16 = "bfloat16"


class Bounds:
    """What a file may still ask for.

    Args:
        file: Its name, for messages.
        size: Its bytes.
    """

    def __init__(self, file: str, size: int) -> None:
        self.file, self._bytes, self._objects = file, INFLATION * size + ALWAYS, MOST_OBJECTS

    def take(self, size: int) -> None:
        """One object more, with so many bytes.

        Raises:
            ModelError: That is too much.
        """
        self._bytes -= size
        self._objects -= 1
        if self._bytes < 0:
            self.refuse(f"Weights take at most {INFLATION} times the bytes of their file.", f"{size:,} bytes more")
        if self._objects < 0:
            self.refuse(f"A model file has at most {MOST_OBJECTS:,} objects.", "more")

    def refuse(self, rule: str, received: str) -> NoReturn:
        """Raise the error that names the file."""
        raise ModelError(
            rule, received=f"{self.file}, {received}", remedy="It is damaged or was made to do harm: do not use it."
        )


def read_tree(group: h5py.Group, bounds: Bounds) -> Tree:
    """Read all arrays below a group.

    Args:
        group: An `h5py.Group`.
        bounds: Bounds of the file.

    Raises:
        ModelError: A link leads elsewhere, an array lies outside of the file, or one is larger than what is stored.
    """
    arrays: dict[str, Array] = {}
    attributes: dict[str, dict[str, str | list[str]]] = {}
    groups: list[str] = []
    _walk(group, "", bounds, arrays, attributes, groups, frozenset())
    return Tree(arrays, attributes, tuple(groups))


def read_text(owner: h5py.HLObject, name: str, bounds: Bounds) -> str | None:
    """A text attribute, or None where there is none."""
    value = _attribute(owner, name, bounds) if name in owner.attrs else None
    return value if isinstance(value, str) else None


def write_tree(group: h5py.Group, tree: Tree) -> None:
    """Write arrays, groups and attributes below an `h5py.Group` of a new file."""
    for path in tree.groups:
        group.require_group(path)
    for path, array in tree.arrays.items():
        data = group.create_dataset(path, data=array)
        if array.dtype.kind == "V":
            data.attrs["dtype"] = BFLOAT16
    for path, attributes in tree.attributes.items():
        for name, value in attributes.items():
            where = group[path] if path else group
            where.attrs[name] = value if isinstance(value, str) else [text.encode() for text in value]


def _walk(
    group: h5py.Group,
    path: str,
    bounds: Bounds,
    arrays: dict[str, Array],
    attributes: dict[str, dict[str, str | list[str]]],
    groups: list[str],
    above: frozenset[int],
) -> None:
    import h5py
    from h5py import h5o

    address = h5o.get_info(group.id).addr
    if address in above or len(above) > DEEPEST:
        bounds.refuse(f"Groups of a model file lie in each other, at most {DEEPEST} deep.", f"a circle at {path!r}")
    attributes[path] = _attributes(group, bounds)
    for name in group:
        link, inner = group.get(name, getlink=True), f"{path}/{name}" if path else str(name)
        if not isinstance(link, h5py.HardLink):
            bounds.refuse(
                "A model file holds its own weights; links to other places are not followed.",
                f"the {type(link).__name__} {inner[:80]!r}",
            )
        item = group[name]
        if isinstance(item, h5py.Group):
            bounds.take(0)
            groups.append(inner)
            _walk(item, inner, bounds, arrays, attributes, groups, above | {address})
        elif isinstance(item, h5py.Dataset):
            arrays[inner] = _array(item, inner, bounds)
        else:
            bounds.refuse("A model file holds groups and arrays.", f"a {type(item).__name__} at {inner[:80]!r}")


def _array(data: h5py.Dataset, path: str, bounds: Bounds) -> Array:
    made = data.id.get_create_plist()
    if made.get_external_count() or data.is_virtual:
        bounds.refuse("A model file holds its own weights; other files are not opened.", f"the array {path[:80]!r}")
    if data.shape is None:
        bounds.refuse("Weights are arrays of numbers.", f"the empty {path[:80]!r}")
    half = data.attrs.get("dtype") == BFLOAT16 and data.dtype.itemsize == 2
    if data.dtype.kind not in "biuf" and not half:
        bounds.refuse("Weights are arrays of numbers.", f"{str(data.dtype)[:40]} at {path[:80]!r}")
    size = int(np.prod([int(n) for n in data.shape], dtype=object)) * data.dtype.itemsize
    stored = data.id.get_storage_size()
    if size and (not stored or (data.chunks is None and stored < size)):
        bounds.refuse("Weights are stored in full.", f"{size:,} bytes at {path[:80]!r}, of which {stored:,} are there")
    bounds.take(size)
    array: Array = data[()] if data.dtype.kind in "biuf" else np.asarray(data[()])
    return np.ascontiguousarray(array) if array.ndim else array


def _attributes(group: h5py.Group, bounds: Bounds) -> dict[str, str | list[str]]:
    texts = {}
    for name in group.attrs:
        value = _attribute(group, name, bounds)
        if value is not None:
            texts[str(name)] = value
    return texts


def _attribute(owner: h5py.HLObject, name: str, bounds: Bounds) -> str | list[str] | None:
    """A text or list of texts; None for anything else, which no model needs."""
    identifier = owner.attrs.get_id(name)
    shape: tuple[int, ...] = identifier.shape
    size = identifier.dtype.itemsize * (shape[0] if shape else 1)  # texts of variable length count as references
    if len(shape) > 1 or size > LONGEST_TEXT or (shape and shape[0] > MOST_OBJECTS):
        bounds.refuse("Attributes of a model file are texts and lists of texts.", f"{str(name)[:80]!r}")
    if identifier.dtype.kind not in "SO":
        return [] if shape == (0,) else None
    value = owner.attrs[name]
    if not shape:
        text = _text(value)
        bounds.take(len(text or ""))
        return text
    texts = [_text(item) for item in value]
    bounds.take(sum(len(text or "") for text in texts))
    return [text for text in texts if text is not None] if None not in texts else None


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if isinstance(value, str) else None
