"""A study in a real PostgreSQL server, which is restarted and ended while a search goes on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.searching import leases
from edgekit.searching.driver import Progress
from edgekit.searching.genes import Gene
from edgekit.searching.leases import Owner, driving
from edgekit.searching.pareto import Objective
from edgekit.searching.results import SearchResult
from edgekit.searching.samplers import open_sampler
from edgekit.searching.study import Identity, OpenStudy, ask, open_study, patiently
from edgekit.searching.telling import tell

pytestmark = pytest.mark.slow
GENES = (Gene("model.width", "int", low=4, high=64), Gene("model.kind", "choice", ("plain", "separable")))
OBJECTIVES = (Objective("accuracy", "maximize"), Objective("model_bytes"))


def skip(reason: str) -> None:
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """A server of its own, in a folder of its own."""

    folder: Path
    tools: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://tester:secret@127.0.0.1:{self.port}/postgres"

    def control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments)

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self.control("-l", str(self.folder / "log"), "-o", settings, "start")

    def run(self, tool: str, *arguments: str) -> None:
        """The server refuses to run as root, so it runs as nobody there."""
        before = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
        command = [*before, str(self.tools / tool), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    tool = Path(shutil.which("initdb") or (found[-1] if found else "/nowhere"))
    if not tool.exists() or find_spec("psycopg") is None:
        skip('needs a PostgreSQL server (apt-get install postgresql) and pip install "edgekit[search]"')
    folder = Path("/tmp") / f"edgekit-postgresql-{os.getpid()}"  # its users must be able to enter the folders above
    folder.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    server = Server(folder, tool.resolve().parent, free_port())
    password = folder / "password"
    password.write_text("secret\n")
    password.chmod(0o644)
    try:
        server.run("initdb", "-D", str(folder / "data"), "-U", "tester", "-A", "scram-sha-256", f"--pwfile={password}")
        server.start()
        yield server
        server.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def opened(server: Server, url: str | None = None) -> OpenStudy:
    sampler = open_sampler("evolution", GENES, OBJECTIVES, 0)
    return open_study(url or server.url, "s", OBJECTIVES, Identity("space", "form", "version"), sampler)


def test_a_search_goes_on_when_the_server_restarts(server: Server) -> None:
    found = opened(server)
    with driving(found.engine, "s") as lease:
        for number in range(6):
            trial = patiently(lambda: ask(found.study, GENES), found.url)
            if number in (2, 4):
                server.control("-m", "immediate", "restart") if number == 2 else server.control("-m", "fast", "restart")
            assert patiently(lambda n=trial.number: tell(found.study, n, [0.5, 10 + n], [-0.1]), found.url)  # type: ignore[misc]
        lease.check()
    again = opened(server).study
    assert [t.values for t in again.trials] == [[0.5, 10.0 + n] for n in range(6)]


def test_two_drivers_on_one_study_are_refused(server: Server) -> None:
    first, second = opened(server), opened(server)
    with driving(first.engine, "s"), pytest.raises(EdgekitError, match="one driver"), driving(second.engine, "s"):
        pass
    elsewhere = Owner("another-host", 3)
    leases._take(first.engine, "s", elsewhere, 120)
    with pytest.raises(EdgekitError, match="process 3 on another-host"), driving(second.engine, "s"):
        pass
    leases._give_back(first.engine, "s", elsewhere)
    with driving(second.engine, "s"):
        pass


def test_a_wrong_password_and_a_server_that_is_away_are_one_line(server: Server) -> None:
    with pytest.raises(EdgekitError, match="must be reachable") as caught:
        opened(server, server.url.replace("secret", "wrong-one"))
    assert "wrong-one" not in str(caught.value) and "\n" not in str(caught.value)
    found = opened(server)
    server.control("-m", "fast", "stop")
    try:
        with pytest.raises(EdgekitError, match="must be reachable") as caught:
            opened(server)
        assert "secret" not in str(caught.value) and "\n" not in str(caught.value)
        with pytest.raises(EdgekitError, match="must be reachable"):
            patiently(lambda: ask(found.study, GENES), found.url, seconds=1)
    finally:
        server.start()
    assert patiently(lambda: ask(found.study, GENES), found.url).params


def test_a_whole_search_goes_on_when_the_server_restarts(server: Server, tmp_path: Path) -> None:
    """Every trial is told once, and the search ends as one does whose study is a file."""
    search = {
        "model": "ds_cnn",
        "data": {"source": "digits", "calibration": 16},
        "train": {"epochs": 1, "batch_size": 128},
        "search": {"trials": 3, "sampler": "random", "front": 1, "space": {"model.width": [0.1, 0.15, 0.2]}},
    }
    restarts = iter(["immediate", "fast"])

    def watch(progress: Progress, result: SearchResult) -> None:
        if (how := next(restarts, None)) is not None:
            server.control("-m", how, "restart")

    found = edgekit.search(search, tmp_path / "out", storage=server.url, watch=watch)
    assert next(restarts, None) is None, "it was restarted twice"
    whole = edgekit.search(search, tmp_path / "whole")
    assert [(t["number"], t["genes"]) for t in found.trials] == [(t["number"], t["genes"]) for t in whole.trials]
    assert [t["outcomes"]["0"]["status"] for t in found.trials] == ["done"] * 3 and found.state == "done"
    assert [(m.trial, m.sha256) for m in found.front] == [(m.trial, m.sha256) for m in whole.front]
