"""The first Ctrl-C is never lost, and the second ends at once.

Python raises KeyboardInterrupt wherever the main thread is, and drops it in a finaliser or in the callback of a weak
reference, of which training has many; compiled code of TensorFlow makes a SystemError of it and prints that. So the
command line notes the signal too, long work asks `check`, and what fails after a signal is taken to have failed by it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

__all__ = ["check", "exit_code", "handled", "pending"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"

_first: int | None = None
"""The signal that asks this process to end, once one came."""


def check() -> None:
    """Raise KeyboardInterrupt if the user has asked to end, again in every call; nearly free."""
    if _first is not None:
        raise KeyboardInterrupt


def pending() -> bool:
    """Whether the user has asked to end."""
    return _first is not None


def exit_code() -> int:
    """What a process ends with that was asked to: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (_first or signal.SIGINT)


@contextmanager
def handled() -> Iterator[None]:
    """Note SIGINT and SIGTERM in this block; for the command line, since a library leaves signals to its program.

    In another thread than the main one, where Python takes no handlers, it does nothing.
    """
    global _first
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    dropped, printed = sys.unraisablehook, sys.excepthook
    try:
        # Python drops an exception with a traceback, compiled code prints one and goes on, though the signal was noted.
        sys.unraisablehook = lambda arguments: None if pending() else dropped(arguments)
        sys.excepthook = lambda *error: None if pending() else printed(*error)
        for number in ours:  # what is ignored stays so, as for a command behind nohup
            signal.signal(number, _note)
        yield
    finally:
        sys.unraisablehook, sys.excepthook = dropped, printed
        for number in ours:
            signal.signal(number, before[number])
        _first = None


def _note(number: int, frame: FrameType | None) -> None:
    global _first
    if _first is not None:
        _end(number)
    _first = number
    raise KeyboardInterrupt  # wakes what waits; where it is dropped, the next `check` raises it again


def _end(number: int) -> None:
    """End by the signal itself: children that run models end with their parent, the next run clears what is left."""
    with suppress(OSError):
        if sys.__stderr__ is not None and os.isatty(2):
            os.write(2, _SHOW_CURSOR)  # a progress bar hides it
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
