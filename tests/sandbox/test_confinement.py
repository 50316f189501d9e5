"""What a child cannot do, tried from inside it: one child tries all acts, each is a test."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest

from edgekit import sandbox
from edgekit.sandbox import Limits

PROBE = "edgekit.sandbox.probe"
GENEROUS = Limits(1 << 30, 120.0)


@pytest.fixture
def kernel() -> None:
    if missing := sandbox.missing_limits():
        pytest.skip(" ".join(missing))


needs_kernel = pytest.mark.usefixtures("kernel")

FORBIDDEN: list[list[Any]] = [  # HOME is a folder of the user, SECRET a file in it, GIVEN one that the job may read
    *(["read", path] for path in ("/etc/passwd", "/etc/hostname", "SECRET", "LINK", "/proc/PARENT/environ")),
    *(["read", path] for path in ("/proc/PARENT/mem", "/proc/PARENT/cmdline", "/proc/self/root/etc/passwd")),
    *(["list", path] for path in ("/", "/root", "/home", "/tmp", "/var/log", "/dev/shm", "HOME", "PARENT'S FOLDER")),
    ["read in a thread", "SECRET"],
    *(["write", path] for path in ("SECRET", "HOME/new", "GIVEN", "GIVEN FOLDER/new", "/dev/shm/new", "/tmp/new")),
    *([act, path] for act in ("append", "empty by reading", "fchmod") for path in ("SECRET", "GIVEN")),
    *([act, path] for act in ("remove", "truncate", "chmod", "chown", "touch") for path in ("SECRET", "GIVEN")),
    *([act, path] for act in ("attribute", "watch") for path in ("SECRET", "GIVEN")),
    ["make", "HOME"],
    ["symbolic link", "FOLDER", "/etc/passwd"],
    *([act, "FOLDER", path] for act in ("hard link", "move in") for path in ("SECRET", "GIVEN")),
    ["move out", "FOLDER", "HOME/new"],
    ["block device", "FOLDER"],
    ["character device", "FOLDER"],
    ["tcp", "PORT"],
    *([act] for act in ("udp", "unix", "pair", "netlink", "program", "exec", "spawn", "shell", "fork", "outlive")),
    *([act, "PARENT"] for act in ("kill", "kill a thread", "queue a signal", "limit", "slow", "pin", "trace")),
    *([act] for act in ("raise a limit", "hidden memory", "namespace")),
]
PERMITTED: list[list[Any]] = [
    ["write own", "FOLDER"],
    ["read", "GIVEN"],
    ["read", "GIVEN FILE"],
    ["read in a thread", "GIVEN"],
    ["list", "GIVEN FOLDER"],
    ["environment"],
    ["folder", "FOLDER"],
    ["path"],
    ["descriptors"],
    ["filtered threads"],
]


class Tried:
    """One child's answers to all acts."""

    def __init__(self, home: Path) -> None:
        self.home, self.secret = home, home / "secret"
        given = home / "given"
        given.mkdir()
        for file in (self.secret, given / "file", home / "alone"):
            file.write_text("content")
            file.chmod(0o600)
        (given / "link").symlink_to(self.secret)
        self.before = {path: path.stat() for path in (self.secret, given / "file", given / "link")}
        with socket.create_server(("127.0.0.1", 0)) as server, open(self.secret, "rb") as held:
            os.set_inheritable(held.fileno(), True)
            names = {
                "SECRET": self.secret, "HOME": home, "HOME/new": home / "new", "GIVEN": given / "file",
                "LINK": given / "link", "GIVEN FOLDER": given, "GIVEN FOLDER/new": given / "new",
                "GIVEN FILE": home / "alone", "PARENT'S FOLDER": Path.cwd(), "PORT": server.getsockname()[1],
                "PARENT": os.getpid(),
            }  # fmt: skip
            acts = [[_named(part, names) for part in act] for act in [*PERMITTED, *FORBIDDEN]]
            reply = sandbox.run(PROBE, {"acts": acts}, readable=[given, home / "alone"], limits=GENEROUS, what="m.h5")
        self.answers = dict(zip(map(str, [*PERMITTED, *FORBIDDEN]), reply.header["answers"], strict=True))

    def __call__(self, *act: object) -> Any:
        answer = self.answers[str(list(act))]
        return answer[0] if isinstance(answer, list) else answer


def _named(part: str, names: dict[str, Any]) -> object:
    value = names.get(part, part.replace("PARENT", str(os.getpid())) if part.startswith("/proc/") else part)
    return str(value) if isinstance(value, Path) else value


@pytest.fixture(scope="module", params=["cold", "warm"])
def tried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
        patch.setenv("HTTPS_PROXY", "http://me:hidden@proxy")
        patch.setenv("OPENBLAS_NUM_THREADS", "4")  # so that NumPy has threads
        home = tmp_path_factory.mktemp("home")
        if request.param == "cold":
            yield Context().run(Tried, home)  # whatever the tests' own children are forked off
        else:
            with sandbox.warm():
                yield Tried(home)


@needs_kernel
@pytest.mark.parametrize("act", FORBIDDEN, ids=lambda act: "-".join(map(str, act)))
def test_what_a_child_cannot_do(act: list[Any], tried: Tried) -> None:
    answer = tried(*act)
    assert isinstance(answer, str) and "Error" in answer, answer
    assert not any(why in answer for why in ("No such", "refused", "Bad address", "Invalid argument")), answer


def test_files_of_the_user_are_as_before(tried: Tried) -> None:
    for path, before in tried.before.items():
        now = path.stat()
        assert path.read_text() == "content"
        assert (now.st_mtime_ns, stat.S_IMODE(now.st_mode), now.st_uid, now.st_nlink) == (
            before.st_mtime_ns, stat.S_IMODE(before.st_mode), before.st_uid, before.st_nlink,
        )  # fmt: skip
    assert sorted(os.listdir(tried.home)) == ["alone", "given", "secret"]


def test_what_a_child_reads_and_writes(tried: Tried) -> None:
    assert tried("write own", "FOLDER") == 7
    assert {tried("read", "GIVEN"), tried("read", "GIVEN FILE"), tried("read in a thread", "GIVEN")} == {"content"}
    assert tried("list", "GIVEN FOLDER") and not Path(tried("folder", "FOLDER")).exists()


def test_secrets_in_the_environment_stay_with_the_user(tried: Tried) -> None:
    environment = tried("environment")
    assert "hidden" not in str(environment)
    assert environment["HOME"] == environment["TMPDIR"] == tried("folder", "FOLDER")


def test_only_the_log_and_the_wire_are_inherited(tried: Tried) -> None:
    kinds = [text.partition(":")[0] for text in tried("descriptors") if not text.startswith("/proc/")]
    assert kinds.count("socket") == 1 and "/dev/null" in kinds
    assert all(kind in ("socket", "/dev/null") or kind.endswith("(deleted)") for kind in kinds), kinds


def test_modules_come_from_no_folder_that_a_file_could_be_put_into(tried: Tried) -> None:
    path = tried("path")
    assert "" not in path and tried("folder", "FOLDER") not in path and str(Path.cwd() / "tests") not in path


@needs_kernel
def test_every_thread_is_confined(tried: Tried) -> None:
    modes = tried("filtered threads")
    assert len(modes) >= 2 and set(modes) == {2}


def test_the_kernel_of_this_machine() -> None:
    assert all(line.endswith(".") for line in sandbox.missing_limits())


def test_a_child_imports_no_numpy_before_it_is_shut_off() -> None:
    """It starts threads, which Landlock would not hold; so does TensorFlow."""
    code = "import sys, edgekit.sandbox.worker; assert not {'numpy', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
