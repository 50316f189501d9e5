"""A folder is the registry: every public module of a package is a plug-in of that package's kind."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from edgekit.errors import UsageError, did_you_mean

__all__ = ["load", "names"]


def names(package: ModuleType) -> list[str]:
    """The plug-ins that a package holds, sorted; modules whose name starts with "_" are helpers."""
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


def load(package: ModuleType, name: str) -> ModuleType:
    """Import one plug-in by name.

    The name is checked against the folder first, so that an ImportError from *inside* a plug-in is never mistaken for
    an unknown name.

    Raises:
        UsageError: No plug-in of that name; the nearest one is suggested.
    """
    known = names(package)
    if name not in known:
        kind = package.__name__.rpartition(".")[2]
        raise UsageError(f"No such entry in {kind}.", received=repr(name), remedy=did_you_mean(name, known))
    return importlib.import_module(f"{package.__name__}.{name}")
