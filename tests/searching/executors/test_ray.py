"""Trials on a cluster of Ray: what is refused before anything begins, and real nodes that work and die."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray_cluster import Cluster, free_port
from wrong_networks import WRONG

import edgekit
from edgekit.errors import EdgekitError, MissingDependency, UsageError
from edgekit.searching.executors import Options, _task, open_executor, ray
from edgekit.searching.executors._bridge import _another_version
from edgekit.searching.results import read_search

SEARCH: dict[str, Any] = {
    "model": "networks_of_a_test:plain",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 1, "batch_size": 128},
    "search": {"trials": 4, "sampler": "random", "space": {"train.learning_rate": {"log_range": [0.002, 0.02]}}},
}
NETWORKS = """
import os, time
from pathlib import Path
from edgekit import _tf

def plain(input_shape=(8, 8, 1)):
    here = Path(__file__).parent
    (here / f"begun-{os.getpid()}").touch()
    while (here / "hold").exists():
        time.sleep(0.1)
    layers = _tf.tf_keras().layers
    return _tf.tf_keras().Sequential([layers.Input(input_shape), layers.Flatten(), layers.Dense(10, "softmax")])
"""


def test_without_ray_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(ray, "version", missing)
    with pytest.raises(MissingDependency, match=r"needs the package ray.*pip install 'edgekit\[cluster\]'"):
        edgekit.search({**SEARCH, "model": "ds_cnn"}, tmp_path / "out", executor="ray")
    assert not (tmp_path / "out").exists()


def test_an_address_where_nobody_listens_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "version", lambda name: "2.60.0")
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(EdgekitError, match=f"must be reachable.*{address}: Connection refused.*ray start") as caught:
        open_executor("ray", Options(1, tmp_path / "logs", address=address))
    assert "\n" not in str(caught.value) and not (tmp_path / "logs").exists()


def test_an_address_is_a_clusters_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Only a cluster has an address.*executor"):
        open_executor("local", Options(1, tmp_path, address="127.0.0.1:6379"))


def test_another_ray_or_python_is_told_with_both_versions() -> None:
    said = (
        "Version mismatch: The cluster was started with:\n    Ray: 2.59.0\n    Python: 3.12.1\n"
        "This process on 127.0.0.1 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
    )
    assert _another_version(said)["received"] == "Ray 2.59.0 and Python 3.12.1 there, Ray 2.60.0 and Python 3.11.7 here"


@pytest.mark.parametrize(
    ("changed", "rule"), [({"version": "0.1"}, "the same EdgeKit"), ({"token": "another"}, "see the folder")]
)
def test_a_node_that_can_do_no_trial_says_why(
    changed: dict[str, str], rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_task, "_PATIENCE", 0.0)
    (tmp_path / _task.TOKEN).write_text("token")
    setting = _task.Setting(edgekit.__version__, "token", str(tmp_path), str(tmp_path), {}, None, None)
    told = _task.run({}, {**vars(setting), **changed})
    assert rule in told["refused"]["rule"] and socket.gethostname() in told["refused"]["received"]


def need_ray() -> None:
    try:
        version("ray")
    except PackageNotFoundError:
        pytest.skip('needs ray: pip install "edgekit[cluster]"')


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all nodes see, with the networks in it."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "networks_of_a_test.py").write_text(NETWORKS + WRONG)
    return folder


@pytest.fixture(scope="module")
def cluster(place: Path) -> Iterator[Cluster]:
    need_ray()
    cluster = Cluster(str(place))
    try:
        cluster.add()
        cluster.add()
        yield cluster
    finally:
        cluster.close()


def begin(place: Path, cluster: Cluster | None, out: Path, *more: str, **changed: Any) -> subprocess.Popen[str]:
    file = out.parent / "search.yaml"
    file.write_text(yaml.safe_dump({**SEARCH, "search": {**SEARCH["search"], **changed}}))
    program = "import signal; signal.signal(2, signal.default_int_handler); from edgekit.cli import main; main()"
    command = [sys.executable, "-c", program, "search", str(file), "-o", str(out), "--quiet", "--workers", "2", *more]
    return subprocess.Popen(
        [*command, *(["--executor", "ray", "--address", cluster.address] if cluster else [])],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(what: Callable[[], object], running: subprocess.Popen[str] | None = None) -> None:
    until = time.monotonic() + 300
    while not what():
        assert time.monotonic() < until and (running is None or running.poll() is None), running and running.stderr
        time.sleep(0.2)


@pytest.fixture
def held(place: Path) -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """Trials stop where they build their network; what the test calls waits until two of them have, and lets them go
    on when the test removes the file.
    """
    hold = place / "hold"
    hold.touch()
    before = set(place.glob("begun-*"))
    yield lambda running: wait_for(lambda: len(set(place.glob("begun-*")) - before) >= 2, running)
    hold.unlink(missing_ok=True)


@pytest.mark.slow
def test_two_nodes_do_trials_and_what_goes_wrong_in_one_is_its_outcome(
    place: Path, cluster: Cluster, tmp_path: Path
) -> None:
    kinds = ["plain", "dies", "hangs", "grows", "unknown"]
    space = {"model": [f"networks_of_a_test:{kind}" for kind in kinds]}
    limits = ["--time-limit", "90", "--memory-limit", "3GB"]
    running = begin(place, cluster, tmp_path / "out", *limits, trials=5, space=space)
    said = running.communicate(timeout=900)
    assert running.returncode == 0, said
    found = read_search(tmp_path / "out")
    told = {t["genes"]["model"].partition(":")[2]: t["outcomes"]["0"] for t in found.trials}
    assert told.keys() == set(kinds) and told["plain"]["status"] == "done", told
    reasons = {kind: outcome["reason"] for kind, outcome in told.items() if outcome["status"] == "failed"}
    assert "exit code 7" in reasons["dies"] and "within 90 seconds" in reasons["hangs"], reasons
    assert "memory" in reasons["grows"] and reasons["unknown"], reasons
    assert found.met and len(list((tmp_path / "out" / "logs").glob("*/worker1.log"))) >= 2, "each node has a worker"


@pytest.mark.slow
def test_a_killed_node_loses_no_trial_and_none_counts_twice(
    place: Path,
    cluster: Cluster,
    tmp_path: Path,
    held: Callable[[subprocess.Popen[str]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = cluster.nodes[-1]
    running = begin(place, cluster, tmp_path / "out")
    try:
        held(running)
        assert cluster.trials()[node], "a trial runs on the node that is killed"
        cluster.kill(node)
        (place / "hold").unlink()
        said = running.communicate(timeout=900)
    finally:
        running.kill()
        cluster.add()
    assert running.returncode == 0, said
    found = read_search(tmp_path / "out")
    assert [t["outcomes"]["0"]["status"] for t in found.trials] == ["done"] * 4, found.trials
    assert [t["number"] for t in found.trials] == list(range(4)) and found.met
    monkeypatch.syspath_prepend(str(place))
    again = edgekit.compress(tmp_path / "out" / "best" / "recipe.yaml", tmp_path / "again")
    assert again.chosen.sha256 in [member.sha256 for member in found.front]


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_search_that_is_ended_ends_its_trials_and_resume_goes_on(
    ending: signal.Signals,
    place: Path,
    cluster: Cluster,
    tmp_path: Path,
    held: Callable[[subprocess.Popen[str]], None],
) -> None:
    running = begin(place, cluster, tmp_path / "out")
    held(running)
    running.send_signal(ending)
    said = running.communicate(timeout=60)
    assert running.returncode == (130 if ending == signal.SIGINT else -signal.SIGKILL), said
    assert len(said[1].strip().splitlines()) == (ending == signal.SIGINT), said
    wait_for(lambda: not any(cluster.trials().values()))
    (place / "hold").unlink()
    again = begin(place, cluster, tmp_path / "out", "--resume")
    said = again.communicate(timeout=900)
    assert again.returncode == 0, said
    assert [t["outcomes"]["0"]["status"] for t in read_search(tmp_path / "out").trials] == ["done"] * 4


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_one_line_and_the_search_goes_on_here(
    place: Path, tmp_path: Path, held: Callable[[subprocess.Popen[str]], None]
) -> None:
    need_ray()
    cluster = Cluster(str(place))
    try:
        cluster.add()
        running = begin(place, cluster, tmp_path / "out", trials=2)
        wait_for(lambda: any(cluster.trials().values()), running)
    finally:
        cluster.close()
    said = running.communicate(timeout=300)
    assert running.returncode == 1 and len(said[1].strip().splitlines()) == 1, said
    assert "cluster of a search must be reachable" in said[1] and "--resume" in said[1], said
    (place / "hold").unlink()
    again = begin(place, None, tmp_path / "out", "--resume", trials=2)
    said = again.communicate(timeout=900)
    assert again.returncode == 0, said
    assert [t["outcomes"]["0"]["status"] for t in read_search(tmp_path / "out").trials] == ["done"] * 2


@pytest.mark.slow
def test_something_else_that_listens_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_ray()
    monkeypatch.setattr(ray, "_REACHED", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EdgekitError, match=f"must be reachable.*{address}: no answer within 10 seconds") as caught:
            open_executor("ray", Options(1, tmp_path / "logs", address=address))
    assert "\n" not in str(caught.value)
