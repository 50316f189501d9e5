"""Processes that share a store of steps; forked off one that has imported what they need."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path

from edgekit.pipeline.store import open_output, open_store

__all__ = ["KEYS", "NAMES", "Neighbour"]

NAMES = [f"step {number}" for number in range(6)]
KEYS = {name: f"{number:x}" * 64 for number, name in enumerate(NAMES)}
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["edgekit.pipeline.store"])


class Neighbour:
    """Another process at work in a store: it makes steps as it is told, and says what it did."""

    def __init__(self, home: Path, output: Path | None = None) -> None:
        self._ours, theirs = _context.Pipe()
        self.process = _context.Process(target=_work, args=(theirs, home, output), daemon=True)
        self.process.start()
        theirs.close()
        assert self.says() == "ready"

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def says(self) -> str:
        """ "ready", "half" of a step made slowly, and "made" or "found"."""
        assert self._ours.poll(60), "it says nothing"
        return str(self._ours.recv())

    def do(self, *commands: str) -> None:
        """ "now: STEP", "slowly: STEP", which makes half of it, or "go on" with the other half."""
        for command in commands:
            self._ours.send(command)

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.join()
        self._ours.close()


def _work(told: Connection, home: Path, output: Path | None) -> None:
    with open_output(output) if output else nullcontext(), open_store(home) as store:
        told.send("ready")
        while True:
            how, _, name = told.recv().partition(": ")
            with store.claimed(name, KEYS[name]) as found:
                if found is None:
                    with store.writing(name, KEYS[name]) as (folder, record):
                        record["by"] = os.getpid()
                        if how == "slowly":
                            told.send("half")
                            told.recv()
                        (folder / "made").touch()
            told.send("found" if found else "made")
