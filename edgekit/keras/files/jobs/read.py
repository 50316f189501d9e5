"""Read a `.h5` or `.keras` file as plain data: answers with what `PlainModel.pack` makes."""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgekit.keras.files.reading import read_model
from edgekit.sandbox import cpu_limit
from edgekit.tensors import Array

__all__ = ["preload", "serve"]


def preload() -> None:
    """Import what takes as long as reading a small file; for children that are forked off."""
    with suppress(ImportError):  # a child says what is missing
        importlib.import_module("h5py")


def serve(request: dict[str, Any], arrays: list[Array], folder: Path) -> tuple[dict[str, Any], list[Array]]:
    """Read the file of the request (`path`, `name`, `custom`, `reading`: CPU seconds)."""
    with cpu_limit(request["reading"]):
        return read_model(Path(request["path"]), custom=request["custom"], name=request["name"]).pack()
