"""Where Optuna is not installed, a search says what to install."""

from __future__ import annotations

import sys

import pytest

from edgekit.errors import MissingDependency
from edgekit.searching import engine


@pytest.mark.parametrize("ask", [engine.optuna, engine.optuna_samplers])
def test_a_missing_engine_names_its_remedy(ask: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("optuna", "optuna.samplers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=r"no module optuna.*pip install 'edgekit\[search\]'"):
        ask()  # type: ignore[operator]
