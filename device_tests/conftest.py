"""What all device tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgekit import sandbox


@pytest.fixture(autouse=True, scope="session")
def children_that_hold_their_runtime() -> Iterator[None]:
    """TensorFlow and the runtimes are imported once for each kind of child, not by every child."""
    with sandbox.warm():
        yield
