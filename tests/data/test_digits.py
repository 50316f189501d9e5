"""The embedded digits are scikit-learn's own, wherever it keeps them, and reading them does not load it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.data.dataset import Wanted
from edgekit.data.sources import digits
from edgekit.errors import MissingDependency


@pytest.mark.parametrize("folder", [None, "/nowhere"], ids=["where it lies today", "elsewhere"])
def test_they_are_those_of_the_package(folder: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if folder is not None:
        spec = SimpleNamespace(submodule_search_locations=[folder])
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    from sklearn.datasets import load_digits

    raw, theirs = digits.read("digits", Wanted()), load_digits()
    assert isinstance(raw.x_train, np.ndarray) and raw.x_train.dtype == np.uint8
    np.testing.assert_array_equal(raw.x_train[..., 0], theirs.images)
    assert raw.y_train is not None and raw.y_train.dtype == theirs.target.dtype
    np.testing.assert_array_equal(raw.y_train, theirs.target)
    assert raw.label_names == tuple(str(name) for name in theirs.target_names)


def test_without_the_package_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="scikit-learn, which is not installed"):
        digits.read("digits", Wanted())


def test_scikit_learn_is_not_loaded() -> None:
    code = "import sys, edgekit; edgekit.load_data('digits'); sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
