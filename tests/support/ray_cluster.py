"""A real cluster of Ray on this machine: each node is a family of processes, killed as a machine dies."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Cluster", "free_port", "processes"]

_MARK = "NODE_OF_A_TEST"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def processes(node: str) -> dict[int, str]:
    """Command lines of a node's processes, by their numbers: those with its mark, and their children, for some
    overwrite their environment with a title.
    """
    marked, lines, parents = set[int](), dict[int, str](), dict[int, int]()
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit():
                number = int(folder.name)
                state, parents[number] = _state(folder)
                if state == "Z":
                    continue
                lines[number] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if f"{_MARK}={node}\0".encode() in (folder / "environ").read_bytes():
                    marked.add(number)
    return {number: line for number, line in lines.items() if _descends(number, marked, parents)}


def _state(folder: Path) -> tuple[str, int]:
    """Of a process: the letter of its state, and its parent."""
    state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
    return state, int(parent)


def _descends(number: int, ancestors: set[int], parents: dict[int, int]) -> bool:
    while number > 1:
        if number in ancestors:
            return True
        number = parents.get(number, 0)
    return False


@dataclass
class Cluster:
    """Nodes with one CPU each; the first one is the head."""

    path: str = ""
    folder: Path = field(default_factory=lambda: Path("/tmp") / f"edgekit-ray-{os.getpid()}-{free_port()}")
    port: int = field(default_factory=free_port)
    nodes: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self) -> str:
        """Start a node; its name."""
        node = f"{self.port}-{len(self.nodes)}"
        head = ["--head", f"--port={self.port}", f"--temp-dir={self.folder}", "--include-dashboard=false"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--num-cpus=1", "--disable-usage-stats"]
        command += ["--object-store-memory=80000000", *([f"--address={self.address}"] if self.nodes else head)]
        paths = [path for path in (self.path, os.environ.get("PYTHONPATH")) if path]
        environment = {**os.environ, _MARK: node, "PYTHONPATH": os.pathsep.join(paths)}
        self.nodes.append(node)
        for attempt in range(3):  # Ray gives a node 30 seconds to start, which a busy machine may not have for it
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode == 0:
                break
            self.kill(node)
            assert attempt < 2, done.stdout + done.stderr
        return node

    def kill(self, node: str) -> None:
        """End a node as its machine's power does."""
        until = time.monotonic() + 30
        while left := processes(node):
            assert time.monotonic() < until, left
            for number in left:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.1)

    def trials(self) -> dict[str, list[int]]:
        """Processes that trials run in, by node."""
        return {
            node: [number for number, line in processes(node).items() if "executors._worker" in line]
            for node in self.nodes
        }

    def close(self) -> None:
        for node in self.nodes:
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)
