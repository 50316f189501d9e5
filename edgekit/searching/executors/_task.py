"""What a trial is on a node of Ray's: a task in a worker of its own there, which has the trial done in a child.

The child has the limits that it has on one machine, so that a crash, a hang or a lack of memory is the trial's outcome
and not the end of Ray's worker. It is kept for the worker's next task, since TensorFlow takes seconds to load.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgekit
from edgekit.searching.executors import Options
from edgekit.searching.executors.local import Local
from edgekit.searching.trial import Job

__all__ = ["TOKEN", "Setting", "run"]

TOKEN = "cluster"
"""The file in the folder of logs whose text tells a node that it sees the folder of the search."""
_PATIENCE = 10.0  # seconds that a network's file system has to show a file that was just written


@dataclass(frozen=True)
class Setting:
    """What a node is told beside the trial; JSON-ready by `vars`.

    Attributes:
        version: EdgeKit's, of the search.
        token: What the file `TOKEN` must hold.
        logs: The folder of logs, which holds it.
        directory: Where the search runs.
        environment: Variables of the search's that count for a trial.
        memory_limit, time_limit: Of a trial.
    """

    version: str
    token: str
    logs: str
    directory: str
    environment: dict[str, str]
    memory_limit: int | None
    time_limit: float | None


def run(job: dict[str, Any], setting: dict[str, Any]) -> dict[str, Any]:
    """Do a trial here.

    Args:
        job: A `Job`, as `vars` gives it.
        setting: A `Setting`, as `vars` gives it.

    Returns:
        {"outcome": an `Outcome`, as `vars` gives it}, or {"refused": rule, received and remedy} where this node can do
        no trial of the search.
    """
    told = Setting(**setting)
    wrong = _wrong(told)
    if wrong is not None:
        return {"refused": wrong}
    executor = _executor(told)
    executor.submit(Job(**job))
    while not (ended := executor.wait(1.0)):
        pass
    return {"outcome": vars(ended[0])}


def _wrong(setting: Setting) -> dict[str, str] | None:
    """Why no trial can run on this node; None where it can."""
    here = socket.gethostname()
    if setting.version != edgekit.__version__:
        return {
            "rule": "All nodes of a cluster must have the same EdgeKit.",
            "received": f"{edgekit.__version__} on {here}, {setting.version} where the search runs",
            "remedy": f'Install it on each node: pip install "edgekit[cluster,train]=={setting.version}".',
        }
    if not _sees(Path(setting.logs) / TOKEN, setting.token):
        return {
            "rule": "All nodes of a cluster must see the folder of the search.",
            "received": f"{Path(setting.logs).parent}, which is not the same folder on {here}",
            "remedy": "Give -o a folder that all nodes share, such as one of NFS, under the same path.",
        }
    return None


def _sees(file: Path, text: str) -> bool:
    until = time.monotonic() + _PATIENCE
    while True:
        with suppress(OSError):
            if file.read_text() == text:
                return True
        if time.monotonic() > until:
            return False
        time.sleep(0.5)


def _executor(setting: Setting) -> Local:
    """One child for all tasks of this worker, which has tasks of one search alone."""
    if not _KEPT:
        os.environ.update(setting.environment)
        with suppress(OSError):  # a node need not have it, where nothing is named from there
            os.chdir(setting.directory)
        logs = Path(setting.logs) / f"{socket.gethostname()}-{os.getpid()}"
        _KEPT.append(Local(Options(1, logs, setting.memory_limit, setting.time_limit)))
    return _KEPT[0]


_KEPT: list[Local] = []
