"""Save a tf_keras model as `.keras` in the layouts of older versions, or of Windows.

tf_keras's own saver does it, with the walk over attributes and the way of counting that the version had. Names and
shapes were compared, group by group, with files that Keras 2.12.0, 2.13.1, 2.14.0 and 2.15.0 wrote of the same 26
models: they are the same. What Windows writes was not compared: its backslashes are those of its `os.path.join`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from edgekit import _tf

__all__ = ["VERSIONS", "save_as"]

VERSIONS = ("2.12.0", "2.13.1", "2.14.0", "2.15.0")
OLD_LAYERS = "_layer_checkpoint_dependencies"


def save_as(model: Any, path: Path, version: str, *, windows: bool = False) -> Path:
    """Save a tf_keras model as a version of Keras 2 does; with backslashes between groups as on Windows."""
    with _walking_as(version, windows):
        model.save(path, save_format="keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["metadata.json"] = json.dumps({**json.loads(members["metadata.json"]), "keras_version": version}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@contextmanager
def _walking_as(version: str, windows: bool) -> Iterator[None]:
    _tf.tf_keras()
    from tf_keras.src.saving import saving_lib
    from tf_keras.src.utils.generic_utils import to_snake_case

    make, old = saving_lib.H5IOStore.make, version < "2.15"

    def walk(owner: Any) -> Iterator[tuple[str, Any]]:
        skipped = saving_lib.ATTR_SKIPLIST - ({OLD_LAYERS} if old else set())
        for name in sorted(dir(owner), reverse=not old):
            if not name.startswith("__") and name not in skipped:
                try:
                    value = getattr(owner, name)
                except Exception:  # as Keras passes over what cannot be read
                    continue
                yield name, value

    def container(items: Any, weights: Any, assets: Any, inner_path: str, visited_trackables: set[int]) -> None:
        counted: dict[str, int] = {}
        for item in list(items.values()) if isinstance(items, dict) else items:
            seen = id(item) in visited_trackables
            if not saving_lib._is_keras_trackable(item) or (seen and version >= "2.14"):
                continue
            name = to_snake_case(type(item).__name__)
            counted[name] = counted.get(name, -1) + 1
            place = f"{inner_path}/{name}_{counted[name]}" if counted[name] else f"{inner_path}/{name}"
            saving_lib._save_state(item, weights, assets, place, visited_trackables)

    def group(store: Any, place: str) -> Any:
        return make(store, place.replace("/", "\\") if windows else place)

    with (
        patch.object(saving_lib, "_walk_trackable", walk),
        patch.object(saving_lib, "_save_container_state", container),
        patch.object(saving_lib.H5IOStore, "make", group),
    ):
        yield
