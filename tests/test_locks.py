"""Locks of files: one process at a time, none where the system has none. EdgeKit imports no module of POSIX for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from edgekit import scratch
from edgekit.errors import EdgekitError
from edgekit.locks import claimed, lock, release
from edgekit.runtimes import PROBE

HOLD = """
import os, sys
from edgekit.errors import EdgekitError
from edgekit.locks import claimed, lock, release
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


def test_a_claim_of_ones_own_is_not_waited_for(tmp_path: Path) -> None:
    told = list[str]()
    with claimed(tmp_path / "claim"):
        with (
            pytest.raises(EdgekitError, match="folder once"),
            claimed(tmp_path / "claim", wait=told.append),
        ):
            pass
        with pytest.raises(BlockingIOError), claimed(tmp_path / "claim"):
            pass
        with claimed(tmp_path / "another", wait=told.append):
            pass
    with claimed(tmp_path / "claim", wait=told.append):
        pass
    assert not told and not list(tmp_path.iterdir())


def test_what_a_claim_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "claim").write_bytes(b"\x1b[2J\xff me\n\nError: all is lost \xe2\x80\xae" + b"x" * 1000)
    theirs, told = opened(tmp_path / "claim"), list[str]()
    assert lock(theirs)

    def wait(who: str) -> None:
        told.append(who)
        release(theirs)

    def claim() -> None:
        with claimed(tmp_path / "claim", wait=wait):
            pass

    thread = threading.Thread(target=claim)
    thread.start()
    thread.join(20)
    assert len(told) == 1 and told[0].isprintable() and len(told[0]) < 300 and "all is lost" in told[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_keep_a_lock(tmp_path: Path) -> None:
    with scratch.temporary(tmp_path) as folder, claimed(tmp_path / "claim"):
        holder = folder.parent
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, b"x")
            signal.pause()
            os._exit(0)
        try:
            assert os.read(reading, 1) == b"x"
            with pytest.raises(BlockingIOError), claimed(tmp_path / "claim"):
                pass  # its parent has it still
        finally:
            os.close(reading)
            os.close(writing)
    try:
        assert not holder.exists()
        with claimed(tmp_path / "claim"):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_lock_ends_with_its_process_although_a_child_lives(tmp_path: Path) -> None:
    file = opened(tmp_path / "lock")
    assert lock(file)
    child = os.fork()
    if not child:
        signal.pause()
        os._exit(0)
    try:
        release(file)  # as the kernel does at the parent's end
        again = opened(tmp_path / "lock")
        for _ in range(200):  # until the child has begun
            with suppress(BlockingIOError):
                assert lock(again, wait=False)
                break
            time.sleep(0.05)
        else:
            pytest.fail("the child has the lock")
        release(again)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


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
