"""A store of steps that processes share: what two of them want is made once, and a killed one holds up nobody."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from neighbours import KEYS, NAMES, Neighbour

from edgekit.errors import EdgekitError
from edgekit.pipeline.store import open_output, open_store


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Callable[..., Neighbour]]:
    """Start a process at work in the folder `home`."""
    with ExitStack() as scopes:

        def start(output: Path | None = None) -> Neighbour:
            made = Neighbour(tmp_path / "home", output)
            scopes.callback(made.kill)
            return made

        yield start


def makers(home: Path) -> dict[str, int]:
    """Which process made each step."""
    with open_store(home) as store:
        return {name: record["by"] for name in NAMES if (record := store.find(name, KEYS[name]))}


def test_a_step_is_made_once_and_others_are_made_meanwhile(
    neighbour: Callable[..., Neighbour], tmp_path: Path, said: list[str]
) -> None:
    home = tmp_path / "home"
    other = neighbour()
    other.do("slowly: step 0")
    assert other.says() == "half"
    given: list[object] = []
    with open_store(home) as store:
        with store.claimed("step 1", KEYS["step 1"]) as found:
            assert found is None, "another step, at once"
            with store.writing("step 1", KEYS["step 1"]) as (folder, record):
                record["by"] = 0
        assert not said

        def want() -> None:
            with store.claimed("step 0", KEYS["step 0"]) as found:
                given.append(found)

        waiting = threading.Thread(target=want)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive() and not given
        assert len(said) == 1 and f"process {other.pid} on " in said[0] and said[0].startswith("step 0: ")
        other.do("go on")
        waiting.join(60)
        assert given == [{"by": other.pid}] and other.says() == "made"
    assert [p.name for p in (home / ".edgekit").glob("making-*")] == []


def test_a_killed_process_holds_up_nobody_and_its_neighbours_keep_theirs(
    neighbour: Callable[..., Neighbour], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    lives, dies = neighbour(), neighbour()
    lives.do("slowly: step 0")
    dies.do("slowly: step 1")
    assert lives.says() == dies.says() == "half"
    with open_store(home) as store:  # which clears what is left of nobody so far
        dies.kill()
        with store.claimed("step 1", KEYS["step 1"]) as found:
            assert found is None and store.find("step 1", KEYS["step 1"]) is None
            with store.writing("step 1", KEYS["step 1"]) as (_, record):
                record["by"] = 0
    third = neighbour()
    third.do("slowly: step 2")
    assert third.says() == "half"
    third.kill()
    left = set((home / ".edgekit").iterdir())
    with open_store(home):
        gone = left - set((home / ".edgekit").iterdir())
    assert sorted(path.name.partition("-")[0] for path in gone) == ["making", "tmp", "tmp"], "of the killed one alone"
    lives.do("go on")
    assert lives.says() == "made"
    assert makers(home) == {"step 0": lives.pid, "step 1": 0}


def test_many_at_once_make_each_step_once(neighbour: Callable[..., Neighbour], tmp_path: Path) -> None:
    everyone = [neighbour() for _ in range(3)]
    for number, one in enumerate(everyone):
        one.do(*(f"now: {name}" for name in (NAMES[number * 2 :] + NAMES[: number * 2])))
    answers = [one.says() for one in everyone for _ in NAMES]
    assert answers.count("made") == len(NAMES) and answers.count("found") == 2 * len(NAMES)
    assert makers(tmp_path / "home").keys() == set(NAMES)
    assert sorted(os.listdir(tmp_path / "home" / "steps")) == sorted(
        f"{name.replace(' ', '-')}-{KEYS[name][:12]}" for name in NAMES
    )


def test_an_output_is_for_one_run_and_a_store_for_many(neighbour: Callable[..., Neighbour], tmp_path: Path) -> None:
    first, output = neighbour(tmp_path / "first"), tmp_path / "second"
    with open_output(output), open_store(tmp_path / "home"):
        with pytest.raises(EdgekitError, match=r"One run at a time.*first, in use by another run"):
            open_output(tmp_path / "first").__enter__()
        with pytest.raises(EdgekitError, match="One run at a time"):  # in the same process, too
            open_output(output).__enter__()
    first.kill()
    with open_output(tmp_path / "first"):
        pass
    assert not output.exists(), "nothing was written there"


@pytest.mark.parametrize(("what", "opened"), [("output", open_output), ("store", open_store)])
def test_a_file_is_no_folder(what: str, opened: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EdgekitError, match=f"The {what} of a run is a folder"):
        opened(tmp_path / "file").__enter__()  # type: ignore[attr-defined]


def test_a_store_without_steps_leaves_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "home") as store, store.claimed("step 0", KEYS["step 0"]) as found:
        assert found is None
    assert list(tmp_path.iterdir()) == []
