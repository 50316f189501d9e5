"""What every data source does."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from edgekit.data.dataset import Raw, Wanted, split
from edgekit.data.preprocessing import Preprocessing
from edgekit.testing.saying import expect, runs

__all__ = ["SourceModule", "check_source"]


class SourceModule(Protocol):
    """A module like those in edgekit/data/sources."""

    def matches(self, source: str) -> bool: ...

    def read(self, source: str, wanted: Wanted) -> Raw: ...


def check_source(module: SourceModule, source: str) -> None:
    """Hold a data source to what recipes rely on.

    Args:
        module: Where its `matches` and `read` are; it need not be installed.
        source: Something that it reads, with labels that are classes.

    Raises:
        AssertionError: It breaks a rule; the sentence names it.
    """
    expect(module.matches(source) is True, "matches says True of what the source reads.", repr(source))
    for other in ("", "no such source", "a/folder/that/is/not/there"):
        with runs(f"matches({other!r})"):
            expect(module.matches(other) is False, "matches says False of what is another source's.", repr(other))
    wanted = Wanted(task="classification")
    with runs(f"read({source!r})"):
        first, second = module.read(source, wanted), module.read(source, wanted)
    expect(isinstance(first, Raw), "read gives an edgekit.data.dataset.Raw.", type(first).__name__)
    for part in ("x_train", "y_train", "x_test", "y_test"):
        one, two = getattr(first, part), getattr(second, part)
        alike = one is two is None or np.array_equal(np.asarray(one), np.asarray(two))
        expect(alike, f"read gives the same {part} each time: steps of a run are known by their data.")
    expect(first.x_train is not None or first.x_test is not None, "read gives x_train or x_test.")
    told = first.preprocessing if first.preprocessing is not None else Preprocessing()
    with runs(f"Splitting what read({source!r}) gives"):
        split(first, told, calibration=8, validation=0.1, test=0.2, seed=0, task="classification")
