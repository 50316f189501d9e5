"""A `.h5` or `.keras` file as plain data, under the tables and bounds. Runs in a child process; loads no Keras.

Which reader takes a file is decided by its content, never by its name, and which Keras builds the model by the version
that it states: the rules are the same for all, so that no file can choose weaker ones.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

from edgekit.errors import ModelError
from edgekit.filekinds import KERAS, OTHER_ARCHIVE, kind_of
from edgekit.keras.files.archives import damaged, member, members_of
from edgekit.keras.files.check import Checked, check_config, check_sizes
from edgekit.keras.files.hdf5 import Bounds, read_text, read_tree
from edgekit.keras.files.layouts import class_names, places_of
from edgekit.keras.files.plain import Form, PlainModel, Tree
from edgekit.keras.files.words import give_words

__all__ = ["read_model", "version_of"]

HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK\x03\x04"
WEIGHTS, SHARDS = "model.weights.h5", "model.weights.json"
LARGEST_CONFIG = 64 << 20
"""Bytes of a configuration."""
LARGEST_VOCABULARY = 64 << 20


def read_model(path: Path, *, custom: Collection[str] = (), name: str | None = None) -> PlainModel:
    """Read and check a model file.

    Args:
        path: A `.h5` or `.keras` file, by either Keras.
        custom: Names of classes and functions that the user hands over.
        name: What messages call the file.

    Raises:
        ModelError: The file is damaged, of another kind, holds code or asks for more than it stores.
    """
    file = name or str(path)
    with path.open("rb") as stream:
        head = stream.read(64)
        stream.seek(0)
        bounds = Bounds(file, path.stat().st_size)
        if not head:
            raise ModelError("A model file must hold a model.", received=f"{file}, an empty file")
        kind = kind_of(path)
        if head.startswith(HDF5):
            return _read_h5(stream, file, bounds, custom)
        if head.startswith(ZIP) and kind in (KERAS, OTHER_ARCHIVE):
            return _read_keras(stream, file, bounds, custom)
    what = {".keras": ".keras archive", ".h5": "HDF5 file", ".hdf5": "HDF5 file"}.get(path.suffix, "Keras model")
    if kind:
        raise ModelError(
            f"The model must be a complete {what}.", received=f"{file}, which is {kind.name}", remedy=kind.remedy
        )
    raise damaged(file, what, "its first bytes are of no kind of model")


def version_of(path: Path) -> str:
    """The version of Keras that wrote a file which the user trusts.

    Raises:
        ModelError: The file is damaged.
    """
    import h5py

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return str(json.loads(archive.read("metadata.json"))["keras_version"])
        with h5py.File(path, "r") as file:
            version = file.attrs.get("keras_version", "2")
            return version.decode() if isinstance(version, bytes) else str(version)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise damaged(str(path), "model file", error) from None


def _read_h5(stream: IO[bytes], file: str, bounds: Bounds, custom: Collection[str]) -> PlainModel:
    import h5py

    try:
        with h5py.File(stream, "r") as h5:
            text = read_text(h5, "model_config", bounds)
            if text is None:
                raise ModelError(
                    "An .h5 model holds the architecture beside the weights.",
                    received=f"{file}, weights only",
                    remedy="Save the whole model with model.save(), or give module:function that builds it.",
                )
            version = read_text(h5, "keras_version", bounds) or "2"
            checked = check_config(_parsed(text, file, "HDF5 file"), file=file, custom=custom)
            link = h5.get("model_weights", getlink=True)
            if link is not None and not isinstance(link, h5py.HardLink):
                bounds.refuse(
                    "A model file holds its own weights; links to other places are not followed.", "model_weights"
                )
            group = h5["model_weights"] if link is not None else None
            if isinstance(group, h5py.Dataset):
                bounds.refuse("The weights of a model file lie in a group.", "model_weights, which is an array")
            weights = read_tree(group, bounds) if group is not None else Tree()
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:  # as h5py says that bytes are damaged
        raise damaged(file, "HDF5 file", error) from None
    return _plain("h5", version, checked, weights, file)


def _read_keras(stream: IO[bytes], file: str, bounds: Bounds, custom: Collection[str]) -> PlainModel:
    import h5py

    try:
        with zipfile.ZipFile(stream) as archive:
            members = members_of(archive, bounds)
            config = _parsed(member(archive, members, "config.json", LARGEST_CONFIG), file, ".keras archive")
            metadata = _parsed(member(archive, members, "metadata.json", 1 << 20), file, ".keras archive")
            version = metadata.get("keras_version") if isinstance(metadata, dict) else None
            if not isinstance(version, str):
                raise KeyError("keras_version")
            if WEIGHTS not in members and SHARDS not in members:
                raise KeyError(f"no {WEIGHTS}")
            checked = check_config(config, file=file, custom=custom)  # a class of the user's is said before all else
            if SHARDS in members:
                raise ModelError(
                    "The weights of a .keras file lie in one member, model.weights.h5.",
                    received=f"{file}, with weights in shards",
                    remedy="Save it again with model.save().",
                )
            bounds.take(members[WEIGHTS].file_size)
            with h5py.File(io.BytesIO(member(archive, members, WEIGHTS, members[WEIGHTS].file_size)), "r") as h5:
                stored = read_tree(h5, bounds)
            places = places_of(stored, class_names(config))
            weights = places.moved(stored, bounds)
            vocabularies = {places.of(at): words for at, words in _vocabularies(archive, members).items()}
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, NotImplementedError, EOFError) as error:
        raise damaged(file, ".keras archive", error) from None
    except zipfile.BadZipFile as error:
        raise damaged(file, ".keras archive", error) from None
    except Exception as error:  # zlib, lzma and bz2 have errors of their own
        if isinstance(error, ModelError):
            raise
        raise damaged(file, ".keras archive", error) from None
    if vocabularies:
        give_words(config, vocabularies)
        checked = check_config(config, file=file, custom=custom)
    return _plain("keras", version, checked, _without_optimizer(weights), file)


def _plain(form: Form, version: str, checked: Checked, weights: Tree, file: str) -> PlainModel:
    if not version.startswith("1."):  # Keras 1 stored kernels with other axes
        check_sizes(checked, weights.shapes, file=file)
    return PlainModel(form, version[:40], checked.config, checked.makers, checked.custom, weights)


def _parsed(text: str | bytes, file: str, what: str) -> Any:
    if len(text) > LARGEST_CONFIG:
        raise damaged(file, what, f"a configuration of {len(text):,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(file, what, error) from None


def _vocabularies(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> dict[str, list[str]]:
    """Words that lookup layers learned, by the folder that Keras keeps them in."""
    words = {}
    for name in members:
        head, _, tail = name.rpartition("/")
        if head.startswith("assets/") and tail == "vocabulary.txt":
            lines = member(archive, members, name, LARGEST_VOCABULARY).decode("utf-8")
            words[head.removeprefix("assets/")] = lines.split("\n")
    return words


def _without_optimizer(weights: Tree) -> Tree:
    """Training is left out: nobody goes on with it from here."""

    def kept(path: str) -> bool:
        return path.partition("/")[0] != "optimizer"

    return Tree(
        {path: array for path, array in weights.arrays.items() if kept(path)},
        {path: names for path, names in weights.attributes.items() if kept(path)},
        tuple(filter(kept, weights.groups)),
    )
