"""No Ctrl-C is lost: where Python drops it, the next look finds it; the second ends at once."""

from __future__ import annotations

import ctypes
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgekit import interrupt
from edgekit.cli import cli as group
from edgekit.cli import main


class Dropping:
    """Whose end is a moment in which Python drops exceptions."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)
        for _ in range(1000):  # a few bytecodes, so that the handler runs here
            pass


class Failing:
    def __del__(self) -> None:
        raise ValueError


@pytest.mark.parametrize("where", ["finaliser", "weak reference"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_python_drops_is_raised_at_the_next_check(
    where: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, shown = signal.getsignal(number), []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)
    with interrupt.handled():
        interrupt.check()
        if where == "finaliser":
            Dropping(number)
        else:
            victim = threading.Event()
            reference = weakref.ref(victim, lambda _: os.kill(os.getpid(), number))
            del victim
            assert reference() is None
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                interrupt.check()
        assert interrupt.pending() and interrupt.exit_code() == 128 + number
    assert not interrupt.pending() and signal.getsignal(number) is before
    interrupt.check()
    assert not shown, "a traceback of what was noted"
    Failing()
    assert len(shown) == 1, "others are shown as before"


PRINTING = ("raise KeyboardInterrupt", "raise SystemError('__import__ returned a result with an exception set')")


@pytest.mark.parametrize("error", PRINTING)
def test_what_compiled_code_prints_of_a_signal_is_not_shown(error: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Compiled code that catches an exception prints it with PyErr_Print, as this function of Python's does."""
    run = ctypes.pythonapi.PyRun_SimpleString
    hook = sys.excepthook
    with interrupt.handled():
        run(b"raise ValueError('of the program')")
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        run(error.encode())
    assert sys.excepthook is hook
    said = capfd.readouterr().err
    assert said.count("Traceback") == 1 and "of the program" in said, said


def test_a_signal_wakes_what_waits() -> None:
    with interrupt.handled():
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            time.sleep(60)


def test_another_thread_leaves_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def run() -> None:
        with interrupt.handled():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("error", [RuntimeError("it was dropped"), OSError("so was this"), None])
def test_whatever_fails_after_a_signal_failed_because_of_it(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(**_: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt:
            if error:
                raise error from None
            raise

    monkeypatch.setattr(group, "main", command)
    with pytest.raises(SystemExit) as end:
        main(["compress"])
    assert end.value.code == 130 and "Finished steps are kept" in capsys.readouterr().err


STUBBORN = """
import sys, time
from edgekit import interrupt
with interrupt.handled():
    while True:
        try:
            print("ready", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            print("first", flush=True)
"""


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_the_second_signal_ends_at_once(numbers: tuple[int, int]) -> None:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for number, line in zip(numbers, ("ready", "first"), strict=True):
        assert process.stdout.readline().strip() == line
        process.send_signal(number)
    assert process.wait(timeout=30) == -numbers[1]
    process.communicate()


def interrupted(recipe: Path, output: Path, seconds: float, number: int) -> tuple[int, str, float]:
    """Exit code, what was said, and how long it took to end, of a compress that gets a signal with its children."""
    script = "import sys; from edgekit.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "compress", str(recipe), "-o", str(output)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not _handles(process.pid) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)  # before that the interpreter has not come to `main`
    time.sleep(seconds)
    started = time.monotonic()
    os.killpg(process.pid, number) if process.poll() is None else None
    _, said = process.communicate(timeout=120)
    return process.returncode, said, time.monotonic() - started


def _handles(pid: int) -> bool:
    """Whether a process has a handler of SIGTERM, as Python alone has none."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> signal.SIGTERM - 1 & 1)


def check_interrupts(finished: Any, output: Path, moments: Sequence[tuple[float, int]]) -> None:
    for seconds, number in moments:
        code, said, took = interrupted(finished.recipe, output, seconds, number)
        if code == -number and (output / "manifest.json").exists():
            code = 0  # all was done, and the interpreter had put its own handlers away
        assert code in (0, 128 + number), said
        assert "Traceback" not in said and ("Finished steps are kept" in said) == (code != 0), said
        assert took < 60, f"{took} s"
        assert not list(output.glob(".edgekit/tmp-*"))


def test_compress_ends_when_it_is_asked_to(finished: Any, tmp_path: Path) -> None:
    """Early, and in the middle of its work; the slow test has later moments too."""
    check_interrupts(finished, tmp_path / "out", [(0.5, signal.SIGINT), (4.0, signal.SIGTERM)])


MOMENT = random.Random(0)
ROUNDS = [tuple(MOMENT.uniform(0, 15) for _ in range(4)) for _ in range(6)]
"""Seconds after which a compress is interrupted; one round goes on with what the interrupted ones before have done."""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", ROUNDS, ids=lambda seconds: ", ".join(f"{s:.1f}" for s in seconds))
def test_compress_ends_at_any_moment(seconds: tuple[float, ...], finished: Any, tmp_path: Path) -> None:
    check_interrupts(finished, tmp_path / "out", [(s, signal.SIGINT) for s in seconds])
