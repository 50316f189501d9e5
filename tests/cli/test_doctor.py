"""`edgekit doctor` says what this machine's kernel cannot forbid the processes that read foreign files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgekit import sandbox
from edgekit.cli.commands import doctor
from edgekit.errors import EdgekitError, ModelError

CRASH = ModelError("A model file must not crash the process that reads it.")


@pytest.mark.parametrize(
    ("kernel", "state", "detail"),
    [
        (None, "", ""),
        ((), "ok", "shut off"),
        (("Landlock is missing: a child could read.", "Seccomp is missing."), "weaker", "could read. Seccomp is"),
        (CRASH, "broken", "must not crash"),
    ],
    ids=["this machine", "all", "weaker", "broken"],
)
def test_the_sandbox_has_a_line(
    kernel: tuple[str, ...] | EdgekitError | None,
    state: str,
    detail: str,
    cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "_runtimes", lambda: [])  # each starts a child; test_commands.py has them

    def missing_limits() -> tuple[str, ...]:
        if isinstance(kernel, EdgekitError):
            raise kernel
        return kernel or ()

    if kernel is not None:
        monkeypatch.setattr(sandbox, "missing_limits", missing_limits)
    result = cli("doctor", "--json")
    (line,) = [check for check in json.loads(result.out)["checks"] if check["name"] == "sandbox"]
    state = state or ("weaker" if sandbox.missing_limits() else "ok")
    assert line["state"] == state and detail in line["detail"]
    assert result.code == (1 if state == "broken" else 0)
    assert "sandbox" in cli("doctor").out
