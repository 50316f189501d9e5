"""A folder is the registry: every public module of a package is a plug-in of that package's kind."""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import re
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from edgekit.errors import RecipeError, UsageError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["ask", "entry", "has", "is_reference", "load", "names", "outside"]


OPEN = ("passes", "runtimes", "targets", "sources", "networks", "exporters", "samplers", "proxies")
"""Folders that other packages can add to, by entry points of the group `edgekit.FOLDER`."""


def names(package: ModuleType) -> list[str]:
    """The plug-ins that a package holds, sorted, with those that other packages add by entry points.

    Modules whose name starts with "_" are helpers.
    """
    return sorted({*_own(package), *outside(_kind(package))})


def has(package: ModuleType, name: str) -> bool:
    """Whether there is such a plug-in; what other packages add is only looked for where EdgeKit has none itself."""
    return name in _own(package) or name in outside(_kind(package))


def outside(kind: str) -> Mapping[str, EntryPoint]:
    """What other packages add to the folder of a kind: by name, an entry point of a module like those in it."""
    return _entry_points(f"edgekit.{kind}") if kind in OPEN else {}


def load(package: ModuleType, name: str) -> ModuleType:
    """Import one plug-in by name.

    The name is checked against the folder first, so that an ImportError from *inside* a plug-in is never mistaken for
    an unknown name. What EdgeKit has itself, no other package takes the place of.

    Raises:
        UsageError: No plug-in of that name; the nearest one is suggested. One of another package that is no module.
    """
    if name in _own(package):
        return importlib.import_module(f"{package.__name__}.{name}")
    kind = _kind(package)
    if name not in outside(kind):
        rule = f"There must be {_one_of(kind)} of this name."
        raise UsageError(rule, received=repr(name), remedy=did_you_mean(name, names(package)))
    point = outside(kind)[name]
    try:
        found = point.load()
    except Exception as error:
        raise UsageError(
            f"What a package adds to {kind} must import.",
            received=f"{type(error).__name__} from {point.value}: {error}",
            remedy=f"Correct or remove the package of {point.name}.",
        ) from error
    if not isinstance(found, ModuleType):
        raise UsageError(
            f"An entry point of edgekit.{kind} names a module like those in the folder {kind}.",
            received=f"{point.name} = {point.value}, {type(found).__name__}",
            remedy="Report it to the author of the package.",
        )
    return found


def _kind(package: ModuleType) -> str:
    return package.__name__.rpartition(".")[2]


def _one_of(kind: str) -> str:
    """A word for one plug-in, with its article."""
    one = {"passes": "pass", "proxies": "proxy"}.get(kind, kind.removesuffix("s"))
    return f"{'an' if one[0] in 'aeiou' else 'a'} {one}"


def _own(package: ModuleType) -> frozenset[str]:
    return _listed(tuple((path, os.stat(path).st_mtime_ns) for path in package.__path__))


@functools.lru_cache(maxsize=64)
def _listed(folders: tuple[tuple[str, int], ...]) -> frozenset[str]:
    """The modules of folders, listed again once one of them has changed."""
    modules = pkgutil.iter_modules([path for path, _ in folders])
    return frozenset(m.name for m in modules if not m.name.startswith("_"))


@functools.cache
def _entry_points(group: str) -> Mapping[str, EntryPoint]:
    return MappingProxyType({point.name: point for point in _installed() if point.group == group})


@functools.cache
def _installed() -> tuple[EntryPoint, ...]:
    """What other packages add to EdgeKit, of all kinds at once: the file of each installed package is read for it."""
    from importlib.metadata import entry_points  # takes as long to load as all of `edgekit --help`

    found = entry_points()
    return tuple(point for kind in OPEN for point in found.select(group=f"edgekit.{kind}"))


def ask(name: str) -> Any:
    """What a room above has, for one below that needs it: `edgekit.methods.tfmot:loading_scope`."""
    module, _, member = name.partition(":")
    return getattr(importlib.import_module(module), member)


def entry(item: object, *, example: str = "- sparsify: {sparsity: 0.5}") -> tuple[str, dict[str, object]]:
    """Read one list item of a recipe: `name` or `{name: {key: value}}`.

    Args:
        item: What stands there.
        example: What a remedy shows, of the list's own kind.

    Raises:
        RecipeError: Anything else.
    """
    if isinstance(item, str):
        return item, {}
    if isinstance(item, dict) and len(item) == 1:
        ((name, options),) = item.items()
        if isinstance(name, str) and (options is None or isinstance(options, dict)):
            return name, options or {}
    raise RecipeError(
        "A list entry is a name, or one name with its options.",
        received=repr(item),
        remedy=f"Write for example: {example}",
    )


def is_reference(text: str) -> bool:
    """Whether a text has the form `module:function`."""
    return re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", text) is not None
