"""The door to Optuna, the engine of searches: it is loaded where a search runs, and said where it is not installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from edgekit.errors import MissingDependency

__all__ = ["optuna", "optuna_samplers"]


def optuna() -> ModuleType:
    """Optuna itself.

    Raises:
        MissingDependency: It is not installed.
    """
    return _loaded("optuna")


def optuna_samplers() -> ModuleType:
    """The samplers of Optuna, whose classes ours derive from.

    Raises:
        MissingDependency: Optuna is not installed.
    """
    return _loaded("optuna.samplers")


def _loaded(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "A search draws its candidates with Optuna.",
            received=f"no module {error.name}",
            remedy="Install it with: pip install 'edgekit[search]'",
        ) from error
