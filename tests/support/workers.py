"""What takes long is made by one of the workers that pytest-xdist starts, and read by all of them."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from edgekit import locks

__all__ = ["made_once"]

Made = TypeVar("Made")


def made_once(name: str, folders: pytest.TempPathFactory, make: Callable[[Path], Made]) -> Made:
    """What a function makes in an empty folder, which nobody writes to afterwards.

    Args:
        name: The folder's name, unlike those of others.
        folders: Where the tests of this worker write; the folder of the whole run is above.
        make: Called with the folder; what it gives can be pickled. Where it fails, the next worker tries again.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return make(folders.mktemp(name))
    folder = folders.getbasetemp().parent / name
    made = folder.with_suffix(".pickle")
    file = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        locks.lock(file)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            made.write_bytes(pickle.dumps(make(folder)))
        found: Made = pickle.loads(made.read_bytes())
        return found
    finally:
        locks.release(file)
