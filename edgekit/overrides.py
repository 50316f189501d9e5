"""`--set KEY.PATH=VALUE`: one key of a recipe, set before it is checked."""

from __future__ import annotations

import re
from typing import Any

import yaml

from edgekit import registry
from edgekit.errors import UsageError

__all__ = ["override"]


def override(values: dict[str, Any], text: str) -> None:
    """Set one key of a recipe: `train.epochs=3`, `passes.0.sparsity=0.8` or, by a pass's id or name, `passes.qat.skip`.

    Args:
        values: The recipe's keys, which are changed.
        text: KEY.PATH=VALUE; the value is YAML.

    Raises:
        UsageError: It has another form, or names what is not there.
    """
    path, separator, value = text.partition("=")
    *parents, last = path.split(".")
    if not separator or not last or not all(parents):
        raise UsageError("--set takes KEY.PATH=VALUE.", received=repr(text), remedy="Try: --set train.epochs=3")
    node: Any = values
    if parents[:1] == ["model"]:
        node, parents = _of_network(values, parents)
    for key in parents:
        node = _child(node, key, text)
    try:
        node[int(last) if isinstance(node, list) else last] = yaml.safe_load(value)
    except (TypeError, ValueError, IndexError, yaml.YAMLError):
        raise _no_such_key(text) from None


def _of_network(values: dict[str, Any], parents: list[str]) -> tuple[Any, list[str]]:
    """Where a path goes on, and with which keys: `model.width` and `model.NAME.width` name a network's parameter."""
    if not isinstance(values.get("model"), str | dict):
        return values, parents
    name, options = registry.entry(values["model"])
    values["model"] = {name: options}
    parts = name.split(".")  # of a module inside a package
    rest = parents[1:]
    return options, rest[len(parts) :] if rest[: len(parts)] == parts else rest


def _child(node: Any, key: str, text: str) -> Any:
    """Step into a key, making what is missing; short forms (`qat`, `data: digits`) become their long forms."""
    if isinstance(node, list):
        place = _place(node, key)
        if place is None:
            raise _no_such_key(text)
        name, options = registry.entry(node[place])
        node[place] = {name: options}
        return options
    if not isinstance(node, dict):
        raise _no_such_key(text)
    child = node.get(key)
    if child is None or (key == "data" and isinstance(child, str)):
        node[key] = child = {} if child is None else {"source": child}
    return child


def _no_such_key(text: str) -> UsageError:
    return UsageError(
        "--set names a key of the recipe.",
        received=repr(text),
        remedy="Try: --set passes.0.sparsity=0.8, or a pass's id, or its name where there is one of it.",
    )


def _place(items: list[Any], key: str) -> int | None:
    """Where in a list an entry stands: by its number, its id or, where it is the only one of it, its name."""
    if re.fullmatch(r"[0-9]{1,6}", key):
        return int(key) if int(key) < len(items) else None
    entries = [registry.entry(item) for item in items]
    names = [name.partition(":")[0].rpartition(".")[2] for name, _ in entries]
    for wanted in ([options.get("id") for _, options in entries], names):
        if wanted.count(key) == 1:
            return wanted.index(key)
    return None
