"""TensorFlow's message classes without TensorFlow: its import takes seconds and 300 MB, and brings the code with it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from edgekit.errors import MissingDependency

__all__ = ["message_class"]


def message_class(module: str, name: str) -> Any:
    """A generated message class, such as `SavedModel` of `tensorflow.core.protobuf.saved_model_pb2`.

    Raises:
        MissingDependency: The package is not installed.
    """
    with _bare_package(module.partition(".")[0]), _bare_package("tensorflow"):
        return getattr(importlib.import_module(module), name)


@contextmanager
def _bare_package(name: str) -> Iterator[None]:
    """Stand in for a package whose own code is not run, so that modules below it can be imported."""
    if name in sys.modules:
        yield
        return
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise MissingDependency(
            f"SavedModels need the package {name}, which is not installed.",
            remedy="Install it with: pip install 'edgekit[train]'",
        )
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    try:
        yield
    finally:  # a later import of the real package finds none of the stand-ins, but keeps the message classes
        for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
            if module == name or not module.endswith("_pb2"):
                del sys.modules[module]
