"""The text of a recipe: YAML under bounds, so that nobody's file takes the memory or hides a key."""

from __future__ import annotations

import math
import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from edgekit.errors import RecipeError
from edgekit.filekinds import kind_of
from edgekit.places import by_place

__all__ = ["LARGEST", "check_values", "parse_yaml", "read_yaml"]

_MODELS = (".keras", ".h5", ".hdf5", ".tflite", ".zip")
"""Endings of what is given for a recipe and is none."""
LARGEST = 1 << 20
"""Bytes of a recipe."""
MOST_VALUES = 100_000
"""Values, with each alias counted as often as it stands."""
DEEPEST = 32
LONGEST_TEXT = 10_000
LARGEST_NUMBER = 2**63


class _Loader(yaml.SafeLoader):
    """YAML without doubled keys and without mappings that grow by aliases."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise RecipeError("Keys of a recipe are names.", received=_place(key))
            if key.value in seen:
                raise RecipeError("A key stands once in a recipe.", received=f"{key.value[:80]!r} again, {_place(key)}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Read a recipe's file.

    Raises:
        RecipeError: It is missing, a model, no regular file, too large, no YAML, or doubles a key.
    """
    if path.is_dir() or path.suffix in _MODELS:
        kind = kind_of(path)
        command = f"Write a recipe with edgekit init, and name the model there; or try: edgekit auto {path} --data SPEC"
        python = f'A model comes with its data: edgekit.compress("{path}", data=(x, y), passes=["qat"])'
        raise RecipeError(
            "A recipe is a YAML file.",
            received=f"{str(path)!r}, {kind.name if kind else 'a model'}",
            remedy=by_place(command=command, python=python),
        )
    if not path.is_file():
        raise RecipeError(
            "A recipe is a YAML file.", received=repr(str(path)), remedy="Write a starter recipe with: edgekit init"
        )
    size = path.stat()
    if not stat.S_ISREG(size.st_mode) or size.st_size > LARGEST:
        raise RecipeError(
            f"A recipe is a file of at most {LARGEST:,} bytes.", received=f"{path}, {size.st_size:,} bytes"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError("A recipe is valid YAML.", received=f"{path}: {error}"[:300]) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, where: str) -> Any:
    """Read YAML under the bounds of a recipe.

    Args:
        text: At most as long as a recipe's file.
        where: It comes from, for messages.

    Raises:
        RecipeError: It is no YAML, too deep, or doubles a key.
    """
    try:
        node = yaml.compose(text, _Loader)
        _count(node)
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise RecipeError("A recipe is valid YAML.", received=f"{where}: {_told(error)}") from None
    except RecursionError:
        raise RecipeError(f"A recipe is at most {DEEPEST} levels deep.", received=f"{where}, deeper") from None


def _told(error: Exception) -> str:
    """What is wrong and where, in one line; a text that has no file needs no name."""
    return " ".join(str(error).replace(' in "<unicode string>",', " at").split())[:300]


def check_values(values: Any, key: str = "") -> None:
    """Make sure that a recipe's values are plain: names, texts, flags and numbers, in lists and mappings.

    Args:
        values: As YAML or Python gives them.
        key: The dotted key under which they stand, for messages.

    Raises:
        RecipeError: Something else is among them; the message names the key.
    """
    depth = key.count(".")
    if depth > DEEPEST:
        raise RecipeError(f"A recipe is at most {DEEPEST} levels deep.", received=f"more, at {key[:80]}...")
    if isinstance(values, dict):
        for name, value in values.items():
            if not isinstance(name, str) or not name.isprintable() or len(name) > LONGEST_TEXT:
                raise RecipeError(
                    "Keys of a recipe are names.", received=f"{str(name)[:80]!r} in {key or 'the recipe'}"
                )
            check_values(value, f"{key}.{name}" if key else name)
    elif isinstance(values, list | tuple):
        for number, value in enumerate(values):
            check_values(value, f"{key}.{number}" if key else str(number))
    else:
        _check_leaf(values, key)


def _check_leaf(value: Any, key: str) -> None:
    """One value that is neither a list nor a mapping."""
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"The recipe key {key} must be a finite number.", received=value)
    elif isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        raise RecipeError(f"The recipe key {key} must be a number below 2^63.", received=f"{str(value)[:40]}...")
    elif isinstance(value, str) and (len(value) > LONGEST_TEXT or not value.isprintable()):
        raise RecipeError(
            f"The recipe key {key} holds a text of at most {LONGEST_TEXT:,} printable signs.",
            received=repr(value[:40]),
        )
    elif isinstance(value, bytes | set) or hasattr(value, "isoformat"):
        raise RecipeError(f"The recipe key {key} holds text, numbers or lists.", received=type(value).__name__)


def _count(node: yaml.Node | None) -> None:
    """Count values as if aliases were written out, without writing them out."""
    sizes: dict[int, int] = {}

    def size(part: yaml.Node, depth: int) -> int:
        if depth > DEEPEST:
            raise RecursionError
        if id(part) not in sizes:
            sizes[id(part)] = 1  # an alias inside itself counts once
            children = [c for pair in part.value for c in pair] if isinstance(part, yaml.MappingNode) else part.value
            total = 1
            for child in children if isinstance(part, yaml.CollectionNode) else []:
                total += size(child, depth + 1)
            sizes[id(part)] = total
        if sizes[id(part)] > MOST_VALUES:
            raise RecipeError(
                f"A recipe has at most {MOST_VALUES:,} values.", received="more, with aliases written out"
            )
        return sizes[id(part)]

    if node is not None:
        size(node, 0)


def _place(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
