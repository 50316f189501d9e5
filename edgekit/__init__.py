"""EdgeKit: takes a Keras model to phones and microcontrollers, with savings proven on the file that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    """Load the functions when one is first asked for: the command line and its children do without them."""
    if name not in __all__:
        raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
    from edgekit import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
