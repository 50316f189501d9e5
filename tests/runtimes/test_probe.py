"""A runtime that answers wrong is no runtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import RuntimeFailed
from edgekit.runtimes import PROBE, load_runtime, reason_against


class Answers:
    """A session of y = x + shift."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def run(self, inputs: list[Any], *, fresh: bool = False) -> list[Any]:
        return [np.maximum(inputs[0], 0) + np.float32(self.shift)]


@contextmanager
def opened(path: Path, shift: float = 0.0) -> Iterator[Any]:
    assert path == PROBE
    yield Answers(shift)


@contextmanager
def missing(path: Path) -> Iterator[Any]:
    raise RuntimeFailed("There is no such tool.", remedy="Install it.")
    yield


def test_a_right_answer_is_asked_for() -> None:
    assert reason_against("x", opened) is None
    wrong = reason_against("x", lambda path: opened(path, 1.0), "Install it anew.")
    assert wrong is not None and wrong.startswith("The runtime x computes relu([[-1.0, 0.0, 0.5, 2.0]]) as [[1.0, 1.0")
    assert wrong.endswith(". Install it anew.")
    assert reason_against("x", missing) == "There is no such tool. Install it."


@pytest.mark.parametrize("name", ["litert", "tflm"])
def test_real_runtimes_answer_right(name: str) -> None:
    assert reason_against(name, load_runtime(name).open) is None
