"""Children that are forked: one process for many of them, and the environment as it is when each begins."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path

import pytest

from edgekit import sandbox
from edgekit.sandbox import processes

MODULE = """
import json, os, socket, sys

LOADED = []


def preload(name):
    LOADED.append(name)


def attend(sock):
    told = {"loaded": LOADED, "parent": os.getppid()}
    told |= {"today": os.environ.get("OF_TODAY"), "tmp": os.environ.get("TMPDIR")}
    sock.sendall(json.dumps(told).encode())
    os._exit(0)


if __name__ == "__main__":
    attend(socket.socket(fileno=int(sys.argv[1])))
"""


def _told() -> dict[str, object]:
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as log, ours:
        with theirs:
            child = processes.attend("answering", "something", theirs.fileno(), log.fileno())
        text = b""
        while part := ours.recv(1 << 12):
            text += part
        assert child.wait(timeout=10) == 0
    told: dict[str, object] = json.loads(text)
    return told


@pytest.fixture(autouse=True)
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answering.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_many_children_come_from_one_process_each_with_the_environment_of_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sandbox.warm():
        told = []
        for value in ("one", "two"):
            monkeypatch.setenv("OF_TODAY", value)
            told.append(_told())
        monkeypatch.delenv("OF_TODAY")
        told.append(_told())
    assert [t["today"] for t in told] == ["one", "two", None]
    assert len({t["parent"] for t in told}) == 1 and told[0]["parent"] != os.getpid()
    assert all(t["loaded"] == ["something"] and t["tmp"] == os.environ.get("TMPDIR") for t in told)


def test_what_counts_at_the_start_has_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox.warm():
        before = _told()["parent"]
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert _told()["parent"] != before


def test_cold_children_are_new_interpreters() -> None:
    with sandbox.warm(), sandbox.cold():
        told = _told()
    assert told["parent"] == os.getpid() and told["loaded"] == []
