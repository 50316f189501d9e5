"""What EdgeKit tells while it works: lines on its logger, and events for whoever observes a run."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import edgekit_converters
from edgekit import observer
from edgekit.observer import LOGGER, EpochEnded, Note, StepFinished, StepStarted, notes_to

ours, root = logging.getLogger(LOGGER), logging.getLogger()
inner = logging.getLogger(f"{LOGGER}.passes.qat")


@pytest.fixture(autouse=True)
def as_a_program_has_it() -> Iterator[None]:
    """Without the handlers that pytest adds to the root."""
    before, root.handlers[:] = list(root.handlers), []
    level = root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def state() -> tuple[Any, ...]:
    return ours.level, list(ours.handlers), ours.propagate, ours.filters[:], root.level, list(root.handlers)


def say() -> None:
    inner.debug("a detail")
    inner.info("a note")
    inner.warning("beware")


def test_lines_from_every_module_and_nothing_is_left() -> None:
    before, lines = state(), list[str]()
    with pytest.raises(RuntimeError), notes_to(lines.append):
        say()
        raise RuntimeError
    say()
    assert lines == ["a note", "Warning: beware"] and state() == before


@pytest.mark.parametrize("level", [None, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
@pytest.mark.parametrize("place", [LOGGER, ""])
@pytest.mark.parametrize("times", [1, 2])
def test_the_programs_own_handlers_hear_what_they_heard(level: int | None, place: str, times: int) -> None:
    """A listener more never makes another one louder or quieter."""

    def heard() -> str:
        stream = io.StringIO()
        handler, logger = logging.StreamHandler(stream), logging.getLogger(place)
        logger.addHandler(handler)
        before = logger.level
        if level is not None:
            logger.setLevel(level)
        try:
            if listened:
                takers = [list[str]() for _ in range(times)]
                with ExitStack() as scopes:
                    for lines in takers:
                        scopes.enter_context(notes_to(lines.append))
                    say()
                assert all(lines == ["a note", "Warning: beware"] for lines in takers)
            else:
                say()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before)
        return stream.getvalue()

    listened = False
    expected = heard()
    listened = True
    assert heard() == expected


def test_blocks_in_two_threads_that_overlap_leave_nothing() -> None:
    """The first one ends while the second one is in its block; each hears its own lines."""
    before, lines = state(), {"first": list[str](), "second": list[str]()}
    both, ended = threading.Barrier(2, timeout=20), threading.Event()

    def listen(name: str) -> None:
        with notes_to(lines[name].append):
            both.wait()
            inner.info(name)
            both.wait()
            if name == "second":
                assert ended.wait(20)
                inner.info(name)
        ended.set()

    threads = [threading.Thread(target=listen, args=(name,)) for name in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert lines == {"first": ["first"], "second": ["second", "second"]} and state() == before


def test_a_thread_without_a_block_is_heard() -> None:
    lines = list[str]()
    with notes_to(lines.append):
        thread = threading.Thread(target=inner.info, args=("from a worker",))
        thread.start()
        thread.join()
    assert lines == ["from a worker"]


@pytest.mark.parametrize("name", [f"{LOGGER}.passes", f"{LOGGER}.passes.qat"])
@pytest.mark.parametrize("place", [LOGGER, ""])
def test_details_of_a_logger_that_has_its_own_level(name: str, place: str) -> None:
    stream, child = io.StringIO(), logging.getLogger(name)
    handler, logger = logging.StreamHandler(stream), logging.getLogger(place)
    logger.addHandler(handler)
    child.setLevel(logging.DEBUG)
    try:
        with notes_to(lambda line: None):
            inner.debug("a detail")
            logging.getLogger(f"{LOGGER}.data").debug("not asked for")
    finally:
        child.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    assert stream.getvalue() == "a detail\n"


def test_what_the_program_changes_meanwhile_stays() -> None:
    handler, level = logging.NullHandler(), ours.level
    with notes_to(lambda line: None):
        ours.addHandler(handler)
        ours.setLevel(logging.ERROR)
    try:
        assert handler in ours.handlers and ours.level == logging.ERROR
    finally:
        ours.removeHandler(handler)
        ours.setLevel(level)


def test_nothing_is_printed_unless_the_program_asks() -> None:
    code = (
        "import logging, sys\n"
        "from edgekit.keras.loading import _log as log\n"
        "log.info('one'); log.warning('two')\n"
        "logging.basicConfig(level=logging.INFO, format='%(name)s %(message)s', stream=sys.stdout)\n"
        "log.info('three')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("edgekit.keras.loading three\n", "")


def test_every_logger_comes_from_the_module_that_keeps_it_quiet() -> None:
    """`import edgekit` loads no logging, so `observer.logger` sees to it that Python prints no warnings by itself."""
    roots = [Path(observer.__file__).parent, Path(edgekit_converters.__file__).parent]
    texts = {path: path.read_text() for root in roots for path in root.rglob("*.py")}
    loggers = [path for path, text in texts.items() if "= logger(" in text]
    assert len(loggers) > 15
    own = [path.name for path, text in texts.items() if "= logging.getLogger(__name__)" in text]
    assert own == []


def test_a_run_tells_its_steps_and_epochs(finished: Any) -> None:
    started = [e.name for e in finished.events if isinstance(e, StepStarted)]
    ended = [e for e in finished.events if isinstance(e, StepFinished)]
    names = ["baseline", "sparsify", "qat", "convert int8", "convert float32", "measure"]
    assert started == names and [e.name for e in ended] == names and not any(e.cached for e in ended)
    steps = {s.name: s for s in finished.manifest.steps}
    for event in ended[:-1]:
        assert event.figures["accuracy"] == steps[event.name].accuracy
        assert event.figures["model_bytes"] == steps[event.name].model_bytes
    epochs = [e for e in finished.events if isinstance(e, EpochEnded)]
    assert [(e.step, e.fit, e.epoch, e.epochs) for e in epochs] == [
        ("baseline", "train", 0, 2), ("baseline", "train", 1, 2), ("qat", "qat", 0, 1),
    ]  # fmt: skip
    assert all({"loss", "accuracy", "val_loss", "val_accuracy"} <= e.figures.keys() for e in epochs)
    order = [type(e).__name__ for e in finished.events if not isinstance(e, Note)]
    assert order[:4] == ["StepStarted", "EpochEnded", "EpochEnded", "StepFinished"]
    assert any(isinstance(e, Note) and e.text.startswith("baseline: top1") for e in finished.events)
