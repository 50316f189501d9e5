"""EdgeKit: takes a Keras model to phones and microcontrollers, with savings proven on the file that ships."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit import data as data
    from edgekit import errors as errors
    from edgekit import layers as layers
    from edgekit import observer as observer
    from edgekit import passes as passes
    from edgekit import testing as testing
    from edgekit.api import (
        auto,
        benchmark,
        compress,
        convert,
        evaluate,
        export,
        init_android,
        inspect,
        load_data,
        load_model,
        lock_models,
        search,
        sensitivity,
        verify_package,
    )

__all__ = [
    "auto",
    "benchmark",
    "compress",
    "convert",
    "evaluate",
    "export",
    "init_android",
    "inspect",
    "load_data",
    "load_model",
    "lock_models",
    "search",
    "sensitivity",
    "verify_package",
]
__version__ = "0.2.0"
_MODULES = ("data", "errors", "layers", "observer", "passes", "testing")
"""What users name by `edgekit.` alone, such as `edgekit.passes.QAT()` or `except edgekit.errors.EdgekitError`."""


def __getattr__(name: str) -> object:
    """Load a function or module when it is first asked for: the command line and its children do without them."""
    if name in _MODULES:
        return importlib.import_module(f"edgekit.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
    from edgekit import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
