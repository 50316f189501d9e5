"""Installing what the runtime `arm64` needs: packages of the distribution, LiteRT's arm64 wheel, two built files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from edgekit.artifact import write_atomically
from edgekit.errors import RuntimeFailed
from edgekit.installing import apt_line, install_packages, step
from edgekit.observer import logger
from edgekit.runtimes._arm64.cpus import CPUS, write_root
from edgekit.runtimes._arm64.emulator import Emulator
from edgekit.runtimes._arm64.plugin import plugin_source
from edgekit.runtimes._arm64.toolbox import EMULATOR, RUNNER, Toolbox, litert_version, plugin_api, unbuilt_toolbox
from edgekit.runtimes._probe import PROBE

__all__ = ["APT_LINE", "DEBIAN_PACKAGES", "install", "missing_tools"]

_log = logger(__name__)

# qemu-user, not qemu-user-static: a static emulator cannot load plugins.
DEBIAN_PACKAGES = (
    "qemu-user", "gcc", "libc6-dev", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "libstdc++6-arm64-cross",
)  # fmt: skip
APT_LINE = apt_line(DEBIAN_PACKAGES)

_CROSS_COMPILER, _COMPILER = "aarch64-linux-gnu-gcc", "gcc"
_LIBRARY = "ai_edge_litert/libLiteRt.so"
_SYSTEM_LIBRARIES = ("ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6")
_PLATFORMS = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in (17, 24, 27, 28, 31, 34, 35)))


def missing_tools() -> list[str]:
    """Programs and libraries that only the distribution can bring and that are not there."""
    missing = [name for name in (EMULATOR, _COMPILER, _CROSS_COMPILER) if shutil.which(name) is None]
    if _CROSS_COMPILER not in missing:
        missing += [name for name in _SYSTEM_LIBRARIES if _system_library(name) is None]
    return missing


def install(*, apt: bool = False) -> None:
    """Fetch, build, try, and only then put in place; what is there and works is left alone.

    Args:
        apt: Whether to run apt-get for what only the distribution can bring; that needs root.

    Raises:
        RuntimeFailed: Something is missing that is not to be, or cannot be, installed; a step failed; or the tiny model
            does not come out right.
    """
    missing = missing_tools()
    if missing and apt:
        install_packages(DEBIAN_PACKAGES)
        missing = missing_tools()
    if missing:
        raise RuntimeFailed(
            "The runtime arm64 needs an emulator and a cross compiler, as Debian and Ubuntu package them.",
            received=f"no {', '.join(missing)}",
            remedy=f"Run as root: {APT_LINE}",
        )
    tools = unbuilt_toolbox()
    if tools.folder.is_dir():
        try:
            _try(tools)
        except RuntimeFailed as error:
            _log.info(f"what is in {tools.folder} does not work, so it is built again ({error})")
        else:
            _log.info(f"already installed in {tools.folder}")
            return
    with write_atomically(tools.folder, replace_folder=True) as folder:
        folder.mkdir()
        _fetch_library(folder)
        _build(Toolbox(tools.emulator, folder))
        for cpu in CPUS.values():
            write_root(folder / f"root-{cpu.name}", cpu)
            (folder / f"root-{cpu.name}" / "lib").symlink_to("../lib")
        _log.info(f"trying a tiny model on {' and '.join(CPUS)}")
        _try(Toolbox(tools.emulator, folder))
    _log.info(f"installed in {tools.folder}")


def _fetch_library(folder: Path) -> None:
    wanted = f"ai-edge-litert=={litert_version()}"
    _log.info(f"fetching the arm64 wheel of {wanted}")
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        command += ["--disable-pip-version-check", "--dest", place]
        command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
        for system in _PLATFORMS:
            command += ["--platform", f"{system}_aarch64"]
        step([*command, wanted])
        (wheel,) = Path(place).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open(_LIBRARY) as source:
            with (folder / "libLiteRt.so").open("wb") as target:
                shutil.copyfileobj(source, target)


def _build(tools: Toolbox) -> None:
    source = plugin_source(step)
    _log.info(f"building with {_CROSS_COMPILER} and {_COMPILER}")
    folder = tools.folder
    # libLiteRt.so's own libraries are found when it runs: hence --allow-shlib-undefined.
    flags = ["-O2", "-Wl,-rpath,$ORIGIN", "-Wl,--allow-shlib-undefined"]
    step([_CROSS_COMPILER, str(RUNNER), str(folder / "libLiteRt.so"), *flags, "-o", str(folder / "runner")])
    flags = ["-O2", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden"]
    flags.append(f"-DAPI_VERSION={plugin_api(tools.emulator)}")
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        counter = Path(place) / "counter.c"
        counter.write_bytes(source)
        step([_COMPILER, str(counter), *flags, "-o", str(folder / "counter.so")])
    (folder / "lib").mkdir()
    for name in _SYSTEM_LIBRARIES:
        found = _system_library(name)
        assert found is not None  # missing_tools has asked
        shutil.copy(found, folder / "lib" / name)


def _try(tools: Toolbox) -> None:
    """Run y = relu(x) on every processor."""
    x = np.array([[-1.0, 0.0, 0.5, 2.0]], np.float32)
    for cpu in CPUS:
        emulator = Emulator(tools, PROBE, cpu=cpu, limit=60.0)
        try:
            y = np.frombuffer(emulator.run([x.tobytes()])[0], np.float32)
            count = emulator.count()
        finally:
            emulator.close()
        if not np.array_equal(y, np.maximum(x, 0)[0]) or count <= 0:
            raise RuntimeFailed(
                f"The runtime arm64 must compute relu({x.tolist()}) on {cpu}.", received=f"{y.tolist()}, {count}"
            )


def _system_library(name: str) -> Path | None:
    said = subprocess.run([_CROSS_COMPILER, f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip()
    return Path(said) if os.path.isabs(said) and os.path.exists(said) else None
