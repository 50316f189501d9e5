"""Exported C that turns loops and remembers, against TFLite Micro, to the bit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from exported_c import FLAGS, Compiled, compiled, differing, drawn_inputs, missing
from looping_models import Looping, looping_model
from real_data import DATA, MISSING

from edgekit import tflite
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array

CALLS = 8
TURNS = [
    Looping(), Looping(limit=1), Looping(first=-3, by=2, limit=4), Looping(limit=40), Looping(limit=1, written="rows"),
    Looping(limit=7, written="rows"), Looping(first=-3, by=2, limit=4, written="rows"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _compiler() -> None:
    reason = missing()
    if reason:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def stored(how: Looping, folder: Path) -> tflite.Model:
    """The model from a file: interpreters run files."""
    path = folder / "model.tflite"
    path.write_bytes(looping_model(how).content)
    return tflite.read(path)


def samples(made: Compiled) -> list[list[Array]]:
    random = np.random.default_rng(0)
    return [drawn_inputs(made.firmware.inputs, random) for _ in range(CALLS)]


def answers(made: Compiled, drawn: list[list[Array]]) -> Iterator[bytes]:
    for number, sample in enumerate(drawn):
        yield made.run(sample, fill=(number * 85) % 256)[0].tobytes()


@pytest.mark.parametrize("how", TURNS, ids=str)
def test_a_loop_turns_as_often_as_its_counter_says(how: Looping, tmp_path: Path) -> None:
    made = compiled(stored(how, tmp_path), tmp_path)
    drawn = samples(made)
    assert differing(made, drawn) == 0
    assert len(set(answers(made, drawn))) > CALLS // 2
    (loop,) = made.firmware.program.loops
    assert loop.turns == how.turns


def test_a_sequence_that_a_loop_writes_lies_in_memory_once(tmp_path: Path) -> None:
    few, many = (compiled(stored(Looping(written="rows", limit=limit), tmp_path), tmp_path) for limit in (3, 203))
    assert many.firmware.arena.size - few.firmware.arena.size == 200 * 4


@pytest.mark.parametrize("how", [Looping(kept=True), Looping(kept=True, limit=1)], ids=str)
def test_a_state_goes_on_from_call_to_call_and_begins_anew_after_a_reset(how: Looping, tmp_path: Path) -> None:
    model = stored(how, tmp_path)
    made = compiled(model, tmp_path)
    drawn = samples(made)
    with load_runtime("tflm").open(model) as session:
        wanted = [session.run(sample, fresh=True)[0].tobytes() for sample in drawn]
    assert list(answers(made, drawn)) == wanted
    assert next(answers(made, drawn)) != wanted[0], "the state went on"
    made.reset()
    assert list(answers(made, drawn)) == wanted


def test_a_state_is_asked_for(tmp_path: Path) -> None:
    """Without one, the run is an error, and two states do not disturb each other."""
    made = compiled(stored(Looping(kept=True), tmp_path), tmp_path, flags=FLAGS)
    drawn = samples(made)
    alone = list(answers(made, drawn))
    twin = Compiled(made.firmware, next(tmp_path.glob("*.so")))
    made.reset()
    both = [(next(answers(made, [x])), next(answers(twin, [x]))) for x in drawn]
    assert [one for one, _ in both] == [other for _, other in both] == alone
    assert made.run_without_state(drawn[0]) == -1


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
def test_a_fused_lstm_starts_each_call_afresh(tmp_path: Path) -> None:
    """On pictures of a few strokes, for noise has few answers."""
    made = compiled(tflite.read(DATA / "models/tflite/trained_lstm_int8.tflite"), tmp_path)
    random = np.random.default_rng(0)
    drawn = [[strokes(random)] for _ in range(50)]
    assert differing(made, drawn) == 0
    assert len(set(answers(made, drawn))) > 40
    assert made.firmware.state_bytes == 0


def strokes(random: np.random.Generator) -> Array:
    picture = np.full([1, 28, 28], -128, np.int8)
    for _ in range(3):
        (top, left), (height, width) = random.integers(0, 20, 2), random.integers(2, 9, 2)
        picture[0, top : top + height, left : left + width] = random.integers(0, 127)
    return picture
