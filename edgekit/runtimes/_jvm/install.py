"""Installing what the runtime `jvm` needs: TensorFlow Lite's Java classes and native library, and our runner."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from edgekit.artifact import sha256_of, write_atomically
from edgekit.errors import RuntimeFailed
from edgekit.installing import apt_line, install_packages, step
from edgekit.observer import logger
from edgekit.runtimes._jvm.machine import Machine
from edgekit.runtimes._jvm.toolbox import CLASSES, LIBRARIES, QUICK, RUNNER, Library, Toolbox, tool, unbuilt_toolbox
from edgekit.runtimes._probe import PROBE

__all__ = ["APT_LINE", "LIBRARIES", "install"]

_log = logger(__name__)

_PACKAGES = ("default-jdk-headless", "maven")
APT_LINE = apt_line(_PACKAGES)


def install(*, apt: bool = False) -> None:
    """Fetch, compile, try, and only then put in place; what is there and works is left alone.

    Args:
        apt: Whether to run apt-get for Java and Maven where they are missing; that needs root.

    Raises:
        RuntimeFailed: Something is missing that is not to be, or cannot be, installed; a step failed; or the tiny model
            does not come out right.
    """
    missing = _missing_tools()
    if missing and apt:
        install_packages(_PACKAGES)
        missing = _missing_tools()
    if missing:
        raise RuntimeFailed(
            "The runtime jvm needs a Java development kit from version 11 on, and Maven, which fetches the libraries.",
            received=f"no {', '.join(missing)}",
            remedy=f"On Debian and Ubuntu, run as root: {APT_LINE}",
        )
    tools = unbuilt_toolbox()
    if tools.folder.is_dir():
        try:
            _try(tools)
        except RuntimeFailed as error:
            _log.info(f"what is in {tools.folder} does not work, so it is installed again ({error})")
        else:
            _log.info(f"already installed in {tools.folder}")
            return
    with write_atomically(tools.folder, replace_folder=True) as folder:
        folder.mkdir()
        for library in LIBRARIES:
            _fetch(library, folder)
        _compile(folder)
        _log.info("trying a tiny model")
        _try(Toolbox(tools.java, folder))
    _log.info(f"installed in {tools.folder}")


def _missing_tools() -> list[str]:
    return [name for name in ("java", "javac") if tool(name) is None] + ["mvn"] * (shutil.which("mvn") is None)


def _fetch(library: Library, folder: Path) -> None:
    _log.info(f"fetching {library.artifact} with Maven")
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        command = ["mvn", "-q", "-B", "-Dstyle.color=never", "dependency:copy", f"-Dartifact={library.artifact}"]
        options = " ".join([*QUICK, os.environ.get("MAVEN_OPTS", "")])
        step(
            [*command, f"-DoutputDirectory={place}"],
            folder=place,
            environment={"MAVEN_OPTS": options},
            telling="[ERROR]",
        )
        received = Path(place) / library.name
        sha256 = sha256_of(received)
        if sha256 != library.sha256:
            raise RuntimeFailed(
                f"{library.name} is used in one form only, whose sha256 is {library.sha256}.",
                received=sha256,
                remedy="Remove it from Maven's own repository (~/.m2), and see which server Maven is set to ask.",
            )
        with zipfile.ZipFile(received) as archive, archive.open(library.member) as source:
            with (folder / library.taken).open("wb") as target:
                shutil.copyfileobj(source, target)


def _compile(folder: Path) -> None:
    compiler = tool("javac")
    assert compiler is not None  # _missing_tools has asked
    _log.info(f"compiling with {compiler}")
    # From version 11 on all machines run it, also where another one is found later than compiles it now.
    step([compiler, "--release", "11", "-encoding", "UTF-8", "-cp", CLASSES, "-d", ".", str(RUNNER)], folder=folder)


def _try(tools: Toolbox) -> None:
    """Run y = relu(x)."""
    x = np.array([[-1.0, 0.0, 0.5, 2.0]], np.float32)
    machine = Machine(tools, PROBE, threads=1, limit=60.0)
    try:
        ((_, y),) = machine.run([x.tobytes()])
    finally:
        machine.close()
    if y != np.maximum(x, 0).tobytes():
        raise RuntimeFailed(f"The runtime jvm must compute relu({x.tolist()}).", received=bytes(y).hex())
