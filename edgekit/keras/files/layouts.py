"""How versions of Keras 2 lay out the weights in a `.keras` file, and one layout for all: that which tf_keras reads.

None of them names a group by its layer. The groups of a model's layers are called by class and order, at each level of
nesting, and a layer that several models share lies where it is met first:

| written by            | layers of a model lie in         | numbers of a class     | between groups |
|-----------------------|----------------------------------|------------------------|----------------|
| 2.12, 2.13            | `_layer_checkpoint_dependencies` | two for each layer that has weights, else one | `/` |
| 2.14                  | `_layer_checkpoint_dependencies` | 0, 1, 2, ...           | `/`            |
| 2.15, tf_keras        | `layers`                         | 0, 1, 2, ...           | `/`            |
| any of them, Windows  | as above                         | as above               | `\\`           |

In each of them the k-th group of a class, by its number, is the k-th layer of that class that was not met before. So
the groups tell all by themselves, whatever version the file names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from edgekit.keras.files.hdf5 import Bounds
from edgekit.keras.files.plain import Tree
from edgekit.keras.files.values import JSON

__all__ = ["Places", "class_names", "place_of", "places_of"]

LAYERS = "layers"
OLD_LAYERS = "_layer_checkpoint_dependencies"
WINDOWS = "\\"
_NUMBERED = re.compile(r"(.+)_(\d{1,9})")


@dataclass(frozen=True)
class Places:
    """Where tf_keras looks for what lies in the groups of a file.

    Attributes:
        windows: Whether backslashes stand between the groups.
        layers: New names of the groups in each `_layer_checkpoint_dependencies`, by the path of that.
    """

    windows: bool
    layers: Mapping[str, Mapping[str, str]]

    def of(self, path: str) -> str:
        """The place of one path of the file."""
        old = (path.replace(WINDOWS, "/") if self.windows else path).split("/")
        if OLD_LAYERS not in old:
            return "/".join(old)
        new = []
        for at, part in enumerate(old):
            names = self.layers.get("/".join(old[:at]), {})
            new.append(LAYERS if part == OLD_LAYERS else names.get(part, part))
        return "/".join(new)

    def moved(self, tree: Tree, bounds: Bounds) -> Tree:
        """The tree with each array in its place.

        Raises:
            ModelError: Two lie in one place, which no Keras writes.
        """
        arrays = {self.of(path): array for path, array in tree.arrays.items()}
        attributes = {self.of(path): texts for path, texts in tree.attributes.items()}
        groups = dict.fromkeys(self.of(path) for path in tree.groups)
        above = {path.rpartition("/")[0] for path in (*arrays, *groups)}
        twice = len(arrays) < len(tree.arrays) or arrays.keys() & (groups.keys() | above)
        if twice or any(part in ("", ".") for path in (*arrays, *groups) for part in path.split("/")):
            bounds.refuse("Each layer's weights lie in a place of their own.", "two layers in one place")
        return Tree(arrays, attributes, tuple(groups))


def places_of(tree: Tree, classes: Collection[str]) -> Places:
    """Find out how a file is laid out.

    Args:
        tree: The weights of a `.keras` file, as they lie there.
        classes: Names of all classes in its configuration.
    """
    paths = [*tree.groups, *tree.arrays]
    windows = any(path.partition("/")[0].startswith((LAYERS + WINDOWS, OLD_LAYERS + WINDOWS)) for path in paths)
    inside: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        parts = (path.replace(WINDOWS, "/") if windows else path).split("/")
        for at in (at for at, part in enumerate(parts[:-1]) if part == OLD_LAYERS):
            inside["/".join(parts[: at + 1])].add(parts[at + 1])
    known = frozenset(map(place_of, classes))
    return Places(windows, {path: _counted(names, known) for path, names in inside.items()})


def class_names(config: JSON) -> set[str]:
    """Of everything in a configuration that was not checked yet."""
    names: set[str] = set()
    open_ = [config]
    while open_:
        value = open_.pop()
        if isinstance(value, dict):
            name = value.get("class_name")
            names |= {name} if isinstance(name, str) else set()
            open_ += value.values()
        elif isinstance(value, list):
            open_ += value
    return names


def place_of(name: str) -> str:
    """As Keras makes the name of a place out of a class: Conv2D becomes conv2d, StringLookup string_lookup."""
    place = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
    return f"private{place}" if place.startswith("_") else place


def _counted(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """New names: the numbers of each class begin at 0, for which none is written, and leave none out."""
    kinds: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        kind, number = name, 0
        numbered = _NUMBERED.fullmatch(name)
        if numbered and name not in known:  # a class may be called Block_2
            kind, number = numbered[1], int(numbered[2])
        kinds[kind].append((number, name))
    return {
        name: f"{kind}_{at}" if at else kind
        for kind, numbered in kinds.items()
        for at, (_, name) in enumerate(sorted(numbered))
    }
