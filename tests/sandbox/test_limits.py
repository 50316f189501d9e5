"""How a child can end: each way is one error of one paragraph, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import sandbox
from edgekit.errors import ConversionError, EdgekitError, ModelError
from edgekit.sandbox import Limits, Reply

PROBE = "edgekit.sandbox.probe"
Children = Callable[[int], list[str]]
End = Callable[..., Reply]
GENEROUS = Limits(1 << 30, 120.0)


@pytest.fixture(scope="module", params=["cold", "warm"])
def end(request: pytest.FixtureRequest) -> Iterator[End]:
    def run(*act: Any, limits: Limits = GENEROUS) -> Reply:
        job = partial(sandbox.run, PROBE, {"acts": [act]}, [np.arange(6).reshape(2, 3).T], limits=limits, what="m.h5")
        return job() if request.param == "warm" else Context().run(job)

    with sandbox.warm():
        run("folder", "FOLDER")  # what warm children are forked off stays until the last test
        yield run


def message(header: bytes, *, length: int | None = None, rest: bytes = b"") -> str:
    return (struct.pack("!I", len(header) if length is None else length) + header + rest).hex()


def array(header: str, content: bytes = b"") -> str:
    text = header.encode().ljust(118) + b"\n"
    blob = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content
    return message(json.dumps({"done": {}, "arrays": [len(blob)]}).encode(), rest=blob)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (["leave"], r"must not crash .*m.h5 \(exit code 7\)"),
        (["exit"], r"must not crash .*m.h5 \(exit code 3\)"),
        (["abort"], r"must not crash .*m.h5 \(SIGABRT"),
        (["crash"], r"must not crash .*m.h5 \(SIGSEGV"),
        (["divide"], r"must be readable.*m.h5 \(ZeroDivisionError: division by zero\)"),
        (["unserialisable"], r"must be readable.*m.h5 \(TypeError: "),
        (["missing"], r"must be readable.*m.h5 \(KeyError: 'missing'\)"),
        (["refuse", "unknown"], r"^A rule holds\.$"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_end_is_one_paragraph(act: list[str], told: str, end: End) -> None:
    with pytest.raises(ModelError, match=told) as refused:
        end(*act)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "sent",
    {
        "no json": message(b"junk"),
        "too long": message(b"", length=1 << 30),
        "no object": message(b"[1]"),
        "deep": message(b"[" * 1_000_000),
        "endless number": message(b'{"arrays": [1e999]}'),
        "no arrays": message(b'{"done": {}}'),
        "gigantic array": message(b'{"done": {}, "arrays": [4294967297]}'),
        "many large arrays": message(b'{"done": {}, "arrays": [4000000000, 4000000000]}'),
        "neither done nor refused": message(b'{"other": {}, "arrays": []}'),
        "done is a list": message(b'{"done": [], "arrays": []}'),
        "no npy": message(b'{"done": {}, "arrays": [4]}', rest=b"junk"),
        "objects": array("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n"),
        "records": array("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", bytes(4)),
        "more than there is": array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}", bytes(4)),
        "endless shape": array(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30},)}}", bytes(4)),
        "code": array("{'descr': __import__('os').abort(), 'fortran_order': False, 'shape': (1,)}", bytes(4)),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_child_that_was_taken_over_is_not_believed(sent: tuple[str, str], end: End) -> None:
    with pytest.raises(ModelError, match=r"answers in EdgeKit's own form.*m.h5 .*do not use it") as refused:
        end("send", sent[1])
    assert len(str(refused.value)) < 1500


def test_a_size_that_never_comes_takes_no_memory_of_the_parent(end: End) -> None:
    announced = message(b'{"done": {}, "arrays": [900000000]}')
    before = _peak()
    with pytest.raises(ModelError, match="within 2 s"):
        end("send", announced, limits=Limits(1 << 30, 2.0))
    assert _peak() - before < 200 << 20


def _peak() -> int:
    text = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", text)[0]) << 10


def test_memory_is_limited(end: End) -> None:
    with pytest.raises(ModelError, match=r"at most 0.3 GB of memory.*m.h5.*--memory-limit"):
        end("memory", 4 << 30, limits=Limits(300 << 20, 120.0))


def test_memory_that_nobody_has_is_refused_at_once(end: End) -> None:
    with pytest.raises(ModelError, match=r"at most 1.0 GB of memory.*m.h5.*--memory-limit"):
        end("memory", 1 << 46)


@pytest.mark.parametrize("act", ["disk", "disk that is removed"])
def test_disk_is_limited(act: str, end: End) -> None:
    with pytest.raises(ModelError, match=r"at most 0.2 GB of memory, and as much disk.*m.h5.*--memory-limit"):
        end(act, "FOLDER", limits=Limits(200 << 20, 120.0))


def test_a_folder_of_any_depth_and_mode_is_removed_and_its_links_are_not_followed(tmp_path: Path, end: End) -> None:
    (tmp_path / "mine").mkdir(mode=0o750)
    (tmp_path / "mine" / "file").write_text("content")
    end("nest", str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "file").read_text() == "content"
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("act", ["sleep", "spin"])
def test_time_is_limited(act: str, end: End) -> None:
    started = time.monotonic()
    with pytest.raises(ModelError, match=r"within 2 s.*m.h5.*--time-limit"):
        end(act, limits=Limits(1 << 30, 2.0))
    assert time.monotonic() - started < 20


def test_an_error_of_the_job_comes_back_as_the_same_and_clean(end: End) -> None:
    with pytest.raises(ConversionError) as refused:
        end("refuse", "known")
    assert all(c.isprintable() for c in str(refused.value)) and refused.value.rule.startswith("A rule")


def test_arrays_come_back_as_they_went(end: End) -> None:
    (back,) = end("folder", "FOLDER").arrays
    assert back.dtype == np.int64 and back.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_children_go_on_without_what_they_are_forked_off(children: Children) -> None:
    def folder() -> Any:
        return sandbox.run(PROBE, {"acts": [["folder", "FOLDER"]]}, limits=GENEROUS, what="m.h5").header["answers"]

    before = set(children(os.getpid()))
    with sandbox.warm():
        assert folder()
        (forking,) = set(children(os.getpid())) - before
        os.kill(int(forking), signal.SIGKILL)
        assert folder() and folder()


@pytest.mark.parametrize("name", ["SystemExit", "__class__", "annotations", "TYPE_CHECKING", "did_you_mean"])
def test_the_child_names_no_class_but_errors(name: str, end: End) -> None:
    told = {"class": name, "rule": "A rule.", "received": None, "remedy": ""}
    sent = message(json.dumps({"refused": told, "arrays": []}).encode())
    with pytest.raises(EdgekitError) as refused:
        end("send", sent)
    assert type(refused.value) is ModelError


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("act", ["sleep", "spin"])
def test_the_child_ends_with_its_parent(signum: signal.Signals, act: str, tmp_path: Path, children: Children) -> None:
    script = (
        "from edgekit import sandbox\n"
        "print('go', flush=True)\n"
        f"sandbox.run('{PROBE}', {{'acts': [['{act}']]}}, limits=sandbox.Limits(1 << 30, 600), what='m.h5')\n"
    )
    own = tmp_path / "own"
    own.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(own)},
    ) as parent:
        assert parent.stdout and parent.stdout.readline()
        child = Path("/proc", _wait_for(lambda: children(parent.pid)))
        _wait_for(lambda: _confined(child))
        parent.send_signal(signum)
        parent.wait(30)
        deadline = time.monotonic() + 2
        while _runs(child) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not _runs(child)
    if signum == signal.SIGINT:
        assert not list(own.iterdir())
    for left in Path("/sys/fs/cgroup").glob(f"**/edgekit-{parent.pid}-*"):
        _wait_for(lambda left=left: _removed(left))  # a killed parent cannot


def _runs(child: Path) -> bool:
    try:  # the first process of the machine may take its time to note that an orphan has ended
        return (child / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _confined(child: Path) -> bool:
    return "Seccomp:\t2" in (child / "status").read_text()


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return not group.exists()
    return True


def _wait_for(condition: Any) -> Any:
    deadline = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value[0] if isinstance(value, list) else value
