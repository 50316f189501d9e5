"""The parent's side: one job in one child, and one paragraph for each way in which it can end."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from edgekit import errors
from edgekit.errors import EdgekitError, ModelError
from edgekit.places import by_place, place
from edgekit.sandbox import wire
from edgekit.sandbox.endings import cause, telling_lines
from edgekit.sandbox.folder import temporary_folder
from edgekit.sandbox.limits import Limits
from edgekit.sandbox.memory import MemoryWatch
from edgekit.sandbox.processes import Child, start

__all__ = ["Reply", "missing_limits", "run"]

LONGEST_LINE = 1000
"""Characters of a child's message that are believed and shown."""


_CHATTER = re.compile(r"^(I0000|W0000|WARNING|$)")
_HARM = "It is damaged or was made to do harm: do not use it."


@dataclass(frozen=True)
class Reply:
    """What a job answered.

    Attributes:
        header: What JSON can carry.
        arrays: What goes with it.
    """

    header: dict[str, Any]
    arrays: list[wire.Array]


def run(
    job: str,
    request: Mapping[str, Any],
    arrays: Sequence[wire.Array] = (),
    *,
    readable: Sequence[Path] = (),
    limits: Limits,
    what: str,
    crashed: str = _HARM,
) -> Reply:
    """Do one job in a child process that can read nothing but what it is given.

    Args:
        job: The module of EdgeKit's that does it, by its function
            `serve(request, arrays, folder) -> (header, arrays)`; `folder` is the only place where it can write.
        request: What is asked, JSON-ready.
        arrays: What goes with it.
        readable: Files and folders that the job reads.
        limits: What the child may take.
        what: The foreign file's name, for messages.
        crashed: What to do where the child ends by a signal.

    Raises:
        EdgekitError: What the job raised, as the same class.
        ModelError: The child crashed, gave no answer in time, took too much memory or answered in another form.
    """
    return _do(job, request, arrays, readable, limits, what, crashed)


@cache
def missing_limits() -> tuple[str, ...]:
    """What the kernel of this machine cannot forbid a child, as whole sentences; found out in a child."""
    reply = _do(None, {}, (), (), Limits.for_file(0), "the machine")
    return tuple(str(line)[:LONGEST_LINE] for line in reply.header.get("missing", []))


def _do(
    job: str | None,
    request: Mapping[str, Any],
    arrays: Sequence[wire.Array],
    readable: Sequence[Path],
    limits: Limits,
    what: str,
    crashed: str = _HARM,
) -> Reply:
    with temporary_folder() as folder, tempfile.TemporaryFile() as log:
        deadline = time.monotonic() + limits.seconds
        bounds = {"readable": [str(path) for path in readable], "folder": folder, "memory": limits.memory}
        connection, theirs = socket.socketpair()
        with connection:
            with theirs:
                process = start(job, bounds, theirs.fileno(), log.fileno())
            watch = None
            try:
                watch = MemoryWatch(process.pid, limits.memory, folder)
                connection.settimeout(limits.seconds)
                wire.send(connection, {"job": job, "request": dict(request), "place": place()}, arrays)
                reply, out = wire.receive(connection, deadline - time.monotonic(), most=limits.memory)
            except TimeoutError:
                _fail_slow(f"read and converted within {limits.seconds:g} s", what)
            except (EOFError, OSError):
                _fail_dead(process, watch is not None and watch.reached, log, limits, what, crashed)
            except wire.ProtocolError as error:
                _fail_garbled(what, error)
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if watch is not None:
                    watch.close()
    return _answer(reply, out, what)


def _answer(reply: dict[str, Any], out: list[wire.Array], what: str) -> Reply:
    if isinstance(reply.get("done"), dict):
        return Reply(reply["done"], out)
    told = reply.get("refused")
    if isinstance(told, dict):
        kind = getattr(errors, str(told.get("class")), None)
        known = isinstance(kind, type) and issubclass(kind, EdgekitError)
        rule, remedy = (_line(told.get(key)) for key in ("rule", "remedy"))
        received = None if told.get("received") is None else _line(told["received"])
        raise (kind if known else ModelError)(rule, received=received, remedy=remedy)  # type: ignore[misc]
    if "failed" in reply:
        raise ModelError(
            "A model file must be readable.",
            received=f"{what} ({_line(reply['failed'])})",
            remedy="It is damaged, or a kind that EdgeKit does not know: save it again, or give module:function.",
        )
    _fail_garbled(what, "a message of another form")


def _fail_slow(promise: str, what: str) -> NoReturn:
    raise ModelError(
        f"A model file is {promise}.",
        received=f"{what}, which was not done by then",
        remedy=f"Give it longer with {by_place(command='--time-limit SECONDS', python='time_limit=SECONDS')} "
        "if you trust the file.",
    )


def _fail_dead(process: Child, reached: bool, log: IO[bytes], limits: Limits, what: str, crashed: str) -> NoReturn:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    if process.returncode == -signal.SIGPROF:
        _fail_slow(f"read within {limits.reading:g} s of CPU time", what)
    said = _last_line(log)
    refused = process.returncode == errno.ENOMEM or "bad_alloc" in said or "MemoryError" in said
    if reached or refused:
        size = f"{limits.memory / (1 << 30):.1f} GB"
        raise ModelError(
            f"A model file is read and converted with at most {size} of memory, and as much disk.",
            received=f"{what}, which asked for more",
            remedy=f"Allow more with {by_place(command='--memory-limit SIZE', python='memory_limit=BYTES')} "
            "if you trust the file.",
        )
    raise ModelError(
        "A model file must not crash the process that reads it.",
        received=f"{what} ({cause(process.returncode)}{': ' + said if said else ''})",
        remedy=crashed,
    )


def _fail_garbled(what: str, error: object) -> NoReturn:
    raise ModelError(
        "The process that reads a model file answers in EdgeKit's own form.",
        received=f"{what} ({_line(error)})",
        remedy="The file may have taken it over: do not use it.",
    )


def _last_line(log: IO[bytes]) -> str:
    telling = telling_lines(log, _CHATTER)
    return _line(telling[-1])[:300] if telling else ""


def _line(value: object) -> str:
    """One line that can be shown: a child that was taken over sends what it likes."""
    text = "".join(c if c.isprintable() else " " for c in str(value)[: 4 * LONGEST_LINE])
    return " ".join(text.split())[:LONGEST_LINE]
