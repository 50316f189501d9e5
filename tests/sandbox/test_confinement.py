"""What a child cannot do, tried from inside it; and what is left behind, which is nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit import sandbox
from edgekit.errors import ConversionError, ModelError
from edgekit.sandbox import Limits

PROBE = "edgekit.sandbox.probe"
GENEROUS = Limits(1 << 30, 60.0)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())
    assert not list(Path("/sys/fs/cgroup").glob("**/edgekit-*"))
    assert not _children()


def _children() -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    own = "edgekit.sandbox.worker"
    return [line for line in listed.splitlines() if own in line and _parent(line.split()[0]) == os.getpid()]


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def tried(act: str, *, readable: tuple[Path, ...] = (), limits: Limits = GENEROUS, **more: Any) -> dict[str, Any]:
    return sandbox.run(PROBE, {"act": act, **more}, readable=readable, limits=limits, what="m.h5").header


needs_kernel = pytest.mark.skipif(bool(sandbox.missing_limits()), reason=f"this kernel: {sandbox.missing_limits()}")


@needs_kernel
@pytest.mark.parametrize("act", ["read", "list", "write", "remove", "chmod"])
def test_files_of_the_user_are_out_of_reach(act: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    target = tmp_path if act == "list" else secret
    assert "ermi" in tried(act, path=str(target))["error"]  # permission denied, operation not permitted
    assert secret.read_text() == "mine" and secret.stat().st_mode & 0o777 == 0o600


@needs_kernel
@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname", "/root", "/home", "/tmp", "/", "/var/log"])
def test_the_machine_is_out_of_reach(path: str) -> None:
    assert "denied" in tried("list" if Path(path).is_dir() else "read", path=path)["error"]


@needs_kernel
def test_other_processes_are_out_of_reach() -> None:
    assert "denied" in tried("read", path=f"/proc/{os.getpid()}/environ")["error"]
    assert "error" in tried("kill") and "error" in tried("trace")


@needs_kernel
def test_a_link_leads_nowhere() -> None:
    assert "denied" in tried("link")["error"]


@needs_kernel
@pytest.mark.parametrize("act", ["tcp", "udp", "unix", "program", "exec", "spawn", "shell", "fork"])
def test_network_and_programs_are_out_of_reach(act: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "error" in tried(act, port=server.getsockname()[1])


@needs_kernel
def test_no_thread_was_there_before_the_confinement() -> None:
    assert tried("threads")["done"] == 2  # itself, and the one that waits for the parent's end


def test_what_it_may_read_and_write(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "file").write_text("content")
    for readable in (tmp_path / "given", tmp_path / "given" / "file"):
        assert tried("read", path=str(tmp_path / "given" / "file"), readable=(readable,))["done"] == "content"
    assert tried("write")["done"] == 7


def test_secrets_in_the_environment_stay_with_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@proxy")
    environment = tried("environment")["done"]
    assert "hidden" not in str(environment) and environment["HOME"] != os.environ["HOME"]


def test_memory_is_limited() -> None:
    with pytest.raises(ModelError, match=r"at most 0.2 GB of memory.*m.h5.*--memory-limit"):
        tried("memory", bytes=4 << 30, limits=Limits(200 << 20, 60.0))


def test_time_is_limited() -> None:
    started = time.monotonic()
    with pytest.raises(ModelError, match=r"within 2 s.*m.h5.*--time-limit"):
        tried("sleep", limits=Limits(1 << 30, 2.0))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("abort", "must not crash the process that reads it|at most 1.0 GB"),
        ("leave", r"crash the process.*exit code 7"),
        ("break", r"must be readable. Received: m.h5 \(ZeroDivisionError: division by zero\)"),
    ],
)
def test_other_ends_are_one_paragraph(act: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tried(act)


def test_an_error_of_the_job_comes_back_as_the_same_and_clean() -> None:
    with pytest.raises(ConversionError) as refused:
        tried("refuse")
    assert all(c.isprintable() for c in str(refused.value)) and refused.value.rule.startswith("A rule")


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_the_child_ends_with_its_parent(signum: signal.Signals) -> None:
    script = (
        "from edgekit import sandbox\n"
        "print('go', flush=True)\n"
        f"sandbox.run('{PROBE}', {{'act': 'sleep'}}, limits=sandbox.Limits(1 << 30, 600), what='m.h5')\n"
    )
    with tempfile.TemporaryDirectory() as own:
        parent = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": own},
        )
        assert parent.stdout and parent.stdout.readline()
        deadline = time.monotonic() + 30
        while not (child := [p for p in Path("/proc").glob("[0-9]*") if _parent(p.name) == parent.pid]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        parent.send_signal(signum)
        parent.wait(30)
        parent.stdout.close()
        while child[0].exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not child[0].exists()
        for left in Path("/sys/fs/cgroup").glob("**/edgekit-*"):
            left.rmdir()  # a parent that is killed cannot


def test_the_kernel_of_this_machine() -> None:
    assert all(line.endswith(".") for line in sandbox.missing_limits())
