"""What goes wrong around a search, by the command: one clear line each, the right exit code, and nothing lost."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import edgekit
from edgekit.searching.leases import driving
from edgekit.searching.pareto import Objective
from edgekit.searching.results import read_search
from edgekit.searching.space import load_space
from edgekit.searching.study import Identity, OpenStudy, open_study

SEARCH: dict[str, Any] = {
    "model": "ds_cnn",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 1, "batch_size": 128},
    "search": {"trials": 1, "sampler": "random", "space": {"model.width": [0.1, 0.15, 0.2]}},
}
OBJECTIVES = [Objective("accuracy", "maximize"), Objective("model_bytes", "minimize")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "search.yaml"
    path.write_text(yaml.safe_dump(SEARCH))
    return path


def run(file: Path, *more: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    out = file.parent / "out"
    command = [sys.executable, "-c", "from edgekit.cli import main; main()", "search", str(file), "-o", str(out)]
    return subprocess.run(
        [*command, "--quiet", *more], capture_output=True, text=True, timeout=900, preexec_fn=before, check=False
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == code and len(lines) == 1, (done.returncode, done.stdout, done.stderr)
    for text in said:
        assert text in lines[0]


def begun(file: Path, **changed: str) -> OpenStudy:
    """A study as the command would begin it, but for what is changed."""
    (file.parent / "out").mkdir()
    told = {"space": load_space(file).identity, "form": "1", "version": edgekit.__version__, **changed}
    return open_study(file.parent / "out" / "study.db", "search", OBJECTIVES, Identity(**told))


def test_another_driver_has_the_study(file: Path) -> None:
    found = begun(file)
    with driving(found.engine, "search"):
        refused(run(file, "--resume"), 1, "one driver at a time")
    assert not found.study.get_trials()


@pytest.mark.parametrize(
    ("changed", "said"), [({"space": "of another file"}, "another space"), ({"version": "0.0.1"}, "another version")]
)
def test_the_study_is_of_another_space_or_version(file: Path, changed: dict[str, str], said: str) -> None:
    found = begun(file, **changed)
    before = found.study.user_attrs
    refused(run(file, "--resume"), 1, said, "another folder or name")
    assert begun_again(file) == before


def begun_again(file: Path) -> dict[str, Any]:
    import optuna

    return optuna.load_study(study_name="search", storage=f"sqlite:///{file.parent}/out/study.db").user_attrs


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("postgresql://me:secret@127.0.0.1:1/studies", "127.0.0.1:1"),
        ("/nowhere/at/all/study.db", "unable to open database file"),
        ("redis://me:secret@host", "SQLite or PostgreSQL"),
    ],
)
def test_storage_cannot_be_reached(file: Path, storage: str, said: str) -> None:
    done = run(file, "--storage", storage)
    refused(done, 1, said)
    assert "secret" not in done.stderr


def no_room(size: int) -> Callable[[], None]:
    """As on a full disk: no file of the command or of its children grows beyond a size."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_there_is_no_room_for_the_study(file: Path) -> None:
    refused(run(file, before=no_room(8192)), 1, "study.db")
    assert not list((file.parent / "out").glob("trials/*"))


def test_a_small_space_of_which_nothing_fits_names_the_limit_that_binds(file: Path) -> None:
    file.write_text(yaml.safe_dump({**SEARCH, "budget": {"macs": 50, "model_bytes": 90_000}}))
    refused(run(file), 3, "macs is", "at most 50 is allowed", "Raise budget.macs")


def test_there_is_no_room_to_go_on(file: Path) -> None:
    begun(file)
    refused(run(file, "--resume", before=no_room(4096)), 1, "study.db", "nothing that was told is lost")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk with room for the study and for little more."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_up_fails_no_trial(file: Path, small_disk: Path) -> None:
    out = small_disk / "out"
    more = ("-o", str(out), "--trials", "3")
    full = run(file, *more)
    refused(full, 1, "must have room", "--resume")
    before = read_search(out).trials if (out / "search.json").exists() else ()
    assert all(outcome["status"] == "done" for trial in before for outcome in trial["outcomes"].values())
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    again = run(file, *more, "--resume")
    assert again.returncode == 0, again.stderr
    after = read_search(out)
    assert len(after.trials) == 3 and after.met
    assert before and [t["outcomes"]["0"] for t in before] == [t["outcomes"]["0"] for t in after.trials[: len(before)]]
    assert all(outcome["status"] == "done" for trial in after.trials for outcome in trial["outcomes"].values())
