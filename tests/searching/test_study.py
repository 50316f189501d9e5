"""A study in a real database: whose it is, who drives it, and what is done again after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.errors import EdgekitError, RecipeError
from edgekit.searching import leases
from edgekit.searching.engine import optuna as load_optuna
from edgekit.searching.genes import Gene
from edgekit.searching.leases import Owner, driving
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import open_sampler
from edgekit.searching.study import (
    Identity,
    OpenStudy,
    ask,
    driven,
    open_study,
    patiently,
    storage_url,
    without_password,
)
from edgekit.searching.telling import set_attribute, tell, tell_failed, tell_infeasible, told

optuna = load_optuna()

GENES = (
    Gene("model.width", "int", low=4, high=64),
    Gene("train.learning_rate", "float", low=1e-4, high=1e-1, log=True),
)
OBJECTIVES = (Objective("accuracy", "maximize"), Objective("model_bytes"))
IDENTITY = Identity("space-1", "edgekit.search/1", "0.2.0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.db"


def opened(path: Path | str, identity: Identity = IDENTITY, seed: int = 0) -> OpenStudy:
    return open_study(path, "s", OBJECTIVES, identity, open_sampler("random", GENES, OBJECTIVES, seed))


def test_a_study_is_made_once_and_opened_again(path: Path) -> None:
    first = opened(path)
    tell(first.study, ask(first.study, GENES).number, [0.5, 100])
    again = opened(path)
    assert (first.is_new, again.is_new) == (True, False)
    assert [t.values for t in again.study.trials] == [[0.5, 100.0]]


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (Identity("space-2", "edgekit.search/1", "0.2.0"), "another space"),
        (Identity("space-1", "edgekit.search/2", "0.2.0"), "another form"),
        (Identity("space-1", "edgekit.search/1", "0.3.0"), r"another version \(0.2.0, now 0.3.0\)"),
    ],
)
def test_a_study_of_another_space_or_version_is_refused(path: Path, identity: Identity, said: str) -> None:
    opened(path)
    with pytest.raises(EdgekitError, match=said):
        opened(path, identity)


def test_other_objectives_and_a_study_of_others_are_refused(path: Path) -> None:
    opened(path)
    with pytest.raises(EdgekitError, match="another objectives"):
        open_study(path, "s", [*OBJECTIVES, Objective("macs")], IDENTITY)
    foreign = optuna.create_study(storage=f"sqlite:///{path}", study_name="foreign", directions=["minimize"] * 2)
    foreign.add_trial(optuna.trial.create_trial(values=[1.0, 2.0]))
    with pytest.raises(EdgekitError, match="not a search of EdgeKit"):
        open_study(path, "foreign", OBJECTIVES, IDENTITY)


def test_a_trial_told_twice_counts_once(path: Path) -> None:
    study = opened(path).study
    numbers = [ask(study, GENES).number for _ in range(3)]
    assert tell(study, numbers[0], [0.9, 10], [-0.5])
    assert not tell(study, numbers[0], [0.1, 99], [0.5])
    assert not tell_failed(study, numbers[0], "late") and not tell_infeasible(study, numbers[0], [1.0])
    assert tell_failed(study, numbers[1], "out of memory") and not tell(study, numbers[1], [1, 1])
    assert tell_infeasible(study, numbers[2], [-0.1, 0.25], [None, 40])
    known = told(opened(path).study, OBJECTIVES)
    assert known.numbers == (0, 2)
    assert known.losses.tolist() == [[-0.9, 10], [float("inf"), 40]]
    assert known.violations.tolist() == [0, 0.25]
    trials = opened(path).study.trials
    assert trials[1].user_attrs["reason"] == "out of memory" and trials[1].state == optuna.trial.TrialState.FAIL
    assert trials[2].constraints == {"0": -0.1, "1": 0.25}


def test_optuna_leaves_what_does_not_fit_out_of_its_front(path: Path) -> None:
    study = opened(path).study
    tell_infeasible(study, ask(study, GENES).number, [0.5], [None, 1])
    tell(study, ask(study, GENES).number, [0.5, 10], [-0.5])
    assert [t.number for t in study.best_trials] == [1]


def test_a_trial_that_a_kill_left_between_its_attributes_is_told_again(path: Path) -> None:
    study = opened(path).study
    number = ask(study, GENES).number
    set_attribute(study, number, "constraints", [9])
    assert tell(study, number, [0.5, 10], [-0.5])
    assert told(study, OBJECTIVES).violations.tolist() == [0]


def test_one_drives_and_another_is_refused_until_the_first_is_done(path: Path) -> None:
    found = opened(path)
    with driving(found.engine, "s"):
        with pytest.raises(EdgekitError, match=rf"'s', driven by process {os.getpid()} on"), driving(found.engine, "s"):
            pass
        with driving(found.engine, "another study"):
            pass
    with driving(found.engine, "s") as lease:
        lease.check()


def test_a_study_that_was_begun_goes_on_where_that_is_asked_for(path: Path) -> None:
    for resume in (False, False, True):  # the second time nothing was asked yet
        with driven(path, "s", OBJECTIVES, IDENTITY, resume=resume) as (found, lease):
            lease.check()
            if resume:
                tell(found.study, 0, [1, 1])
        if not resume and found.is_new is False:
            opened(path).study.ask()
    with pytest.raises(EdgekitError, match="which has 1 trial\\."), driven(path, "s", OBJECTIVES, IDENTITY):
        pass


def test_a_stale_lease_is_taken_over_and_its_driver_told(path: Path) -> None:
    found = opened(path)
    elsewhere = Owner("another-host", 7)
    leases._take(found.engine, "s", elsewhere, 120)
    with pytest.raises(EdgekitError, match="process 7 on another-host"), driving(found.engine, "s", stale=120):
        pass
    time.sleep(2.2)
    with driving(found.engine, "s", stale=2) as lease:
        time.sleep(3)  # renewed meanwhile, every half second
        with pytest.raises(EdgekitError), driving(found.engine, "s", owner=elsewhere, stale=2):
            pass
        assert not lease.lost.is_set()
        assert not leases._renewed(found.engine, "s", elsewhere)
        leases._give_back(found.engine, "s", Owner.ourselves())
        leases._take(found.engine, "s", elsewhere, 120)
        assert lease.lost.wait(10)
        with pytest.raises(EdgekitError, match="another driver took"):
            lease.check()


DRIVER = """
import sys, time
sys.path.insert(0, {tests!r})
import test_study as t
found = t.opened(t.Path({path!r}))
with t.driving(found.engine, "s"):
    for n in range(3):
        trial = t.ask(found.study, t.GENES)
        t.leases.claim(found.study, trial.number, t.Owner.ourselves())
        if n < 2:
            t.tell(found.study, trial.number, [0.5 + n / 10, 10])
    print("working", flush=True)
    time.sleep(600)
"""


def test_a_killed_driver_loses_no_finished_trial_and_its_running_one_is_done_again(path: Path) -> None:
    code = DRIVER.format(tests=str(Path(__file__).parent), path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None and driver.stdout.readline() == "working\n"
        found = opened(path)
        with pytest.raises(EdgekitError, match=f"process {driver.pid} on"), driving(found.engine, "s"):
            pass
        assert not leases.left_alone(found.study)
        driver.send_signal(signal.SIGKILL)
    study = found.study
    with driving(found.engine, "s"):  # at once: it is known to be dead
        assert [t.number for t in leases.left_alone(study)] == [2]
        genes = study.trials[2].params
        assert leases.requeue(study, 2)
        assert leases.claim(study, 2, Owner.ourselves()) == 2
        assert not leases.left_alone(study)
        assert study.trials[2].params == genes
        assert tell(study, 2, [0.7, 10])
    assert [t.values[0] for t in study.trials if t.values] == [0.5, 0.6, 0.7]


def test_a_trial_that_ends_every_process_fails_in_the_end(path: Path) -> None:
    study = opened(path).study
    number = ask(study, GENES).number
    for attempt in (1, 2, 3):
        assert leases.claim(study, number, Owner("another-host", attempt), now=1000.0) == attempt
        assert not leases.left_alone(study, now=1100.0)
        assert leases.left_alone(study, now=1200.0)
        assert leases.requeue(study, number) == (attempt < 3)
    assert study.trials[number].user_attrs["reason"].endswith("3 times")
    assert not leases.left_alone(study)


def test_a_worker_renews_what_is_its_own_alone(path: Path) -> None:
    study = opened(path).study
    number = ask(study, GENES).number
    mine, other = Owner("a", 1), Owner("b", 2)
    leases.claim(study, number, mine, now=1000.0)
    assert leases.renew(study, number, mine, now=1300.0) and not leases.renew(study, number, other, now=1400.0)
    assert not leases.left_alone(study, now=1400.0) and leases.left_alone(study, now=1421.0)
    leases.release(study, number)
    assert leases.left_alone(study, now=1300.0)
    assert leases.claim(study, number, other, now=1300.0) == 1
    tell(study, number, [1, 1])
    assert not leases.renew(study, number, other)


def test_whether_a_process_is_dead_is_said_of_this_machine_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    ourselves = Owner.ourselves()
    assert Owner.read(str(ourselves)) == ourselves and not ourselves.is_dead()
    assert Owner(ourselves.host, int(done.stdout), "1", ourselves.space).is_dead()
    assert Owner(ourselves.host, ourselves.process, "1", ourselves.space).is_dead()  # its number was given again
    assert not Owner("another-host", int(done.stdout), "1", ourselves.space).is_dead()
    assert Owner.read("") is None and Owner.read("a/b/c/d") is None


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("/nowhere/at/all/study.db", "unable to open database file"),
        ("mysql://me:secret@host/db", "SQLite or PostgreSQL"),
        ("sqlite://///", "storage"),
        ("postgresql://me:secret@host:port/db", "storage"),
    ],
)
def test_storage_that_cannot_be_reached_is_one_line_without_a_password(storage: str, said: str) -> None:
    with pytest.raises(EdgekitError, match=said) as caught:
        opened(storage)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(EdgekitError, match="file is not a database"):
        opened(path)
    assert path.read_bytes() == b"not a database" * 100


def test_urls_name_the_driver_and_hide_the_password(tmp_path: Path) -> None:
    assert storage_url("postgresql://me:secret@host/db") == "postgresql+psycopg://me:secret@host/db"
    assert without_password("postgresql+psycopg://me:secret@host/db") == "postgresql://me:***@host/db"
    assert storage_url(tmp_path / "a.db") == f"sqlite:///{tmp_path}/a.db"
    with pytest.raises(RecipeError, match="a URL of redis"):
        storage_url("redis://host")


def test_patience_waits_for_a_storage_that_comes_back(path: Path) -> None:
    from sqlalchemy.exc import OperationalError

    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("select", {}, Exception("server closed the connection"))
        return 7

    assert patiently(call, f"sqlite:///{path}") == 7
    with pytest.raises(EdgekitError, match="server closed"):
        calls.clear()
        patiently(call, f"sqlite:///{path}", seconds=0.0)
    with pytest.raises(RecipeError):
        patiently(lambda: storage_url("redis://host"), f"sqlite:///{path}")
