"""Locks of files: one process at a time, none where the system has none. EdgeKit imports no module of POSIX for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit import scratch
from edgekit.locks import lock
from edgekit.runtimes import PROBE

HOLD = """
import os, sys
from edgekit.locks import lock
assert lock(os.open(sys.argv[1], os.O_RDWR))
print("held", flush=True)
sys.stdin.read()
"""


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_another_process_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    other = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        ours = opened(path)
        with pytest.raises(BlockingIOError):
            lock(ours, wait=False)
        other.kill()
        assert lock(ours)  # the kernel frees what a killed process held
        os.close(ours)


def test_a_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    file = opened(tmp_path / "lock")
    assert lock(file) is False and lock(file, wait=False) is False
    os.close(file)
    with scratch.temporary(tmp_path) as folder:
        (folder / "a").touch()
        scratch.clear_leftovers(tmp_path)  # nobody can tell whether its process lives
        assert (folder / "a").exists()


def test_modules_of_posix_are_not_asked_for_at_import() -> None:
    """What runs models needs Linux; help, types and the reading of files do not."""
    code = (
        "import sys\n"
        "for name in ('fcntl', 'resource', 'termios', 'pwd', 'grp', 'pty', 'tty'): sys.modules[name] = None\n"
        "import edgekit, edgekit.tflite, edgekit.recipe, edgekit.target\n"
        "from edgekit import registry, runtimes\n"
        "from edgekit.cli import commands, main\n"
        "for name in registry.names(commands): registry.load(commands, name)\n"
        "for name in registry.names(runtimes): runtimes.load_runtime(name)\n"
        f"main(['inspect', {str(PROBE)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "RELU" in done.stdout, done.stderr
