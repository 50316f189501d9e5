"""Packages of exported C sources, read by the tools that they are for: those that PyPI has, and Arm's compiler."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from small_export import small_export

from edgekit.installing import cache_folder
from edgekit_converters.packages import Package, arrange

TOOLS = ("idf-component-manager>=3,<4", "kconfiglib>=14,<15", "platformio>=6.1,<7", "west>=1.3,<2")
pytestmark = pytest.mark.slow


def missing(reason: str) -> None:
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="module")
def tools() -> Path:
    """The programs of a virtual environment of their own: what they need would not fit beside TensorFlow."""
    digest = hashlib.sha256(" ".join((*TOOLS, sys.version)).encode()).hexdigest()[:12]
    folder = cache_folder() / f"package-tools-{digest}"
    if not (folder / "ready").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if subprocess.run([*pip, *TOOLS]).returncode != 0:
            missing(f"pip could not install {', '.join(TOOLS)}")
        (folder / "ready").touch()
    return folder / "bin"


def written(kind: str, folder: Path) -> Path:
    for path, text in arrange(Package(kind, "net"), small_export()).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def said(command: Sequence[object], cwd: Path, *, code: int = 0) -> str:
    environment = {**os.environ, "PLATFORMIO_CORE_DIR": str(cwd / "core"), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_component_managers_manifest(tools: Path, tmp_path: Path) -> None:
    folder = written("esp-idf", tmp_path)
    lint = [tools / "compote", "-W", "manifest", "lint"]
    said(lint, folder)
    manifest = folder / "idf_component.yml"
    manifest.write_text(manifest.read_text().replace('"1.0.0"', "one"))
    assert "version string" in said(lint, folder, code=1), "it notices what is wrong"


PIO = """
import sys
from platformio.__main__ import main
from platformio.package.manifest.schema import ManifestSchema
ManifestSchema.load_spdx_licenses = staticmethod(lambda: {"licenses": [{"licenseId": "Apache-2.0"}]})
sys.exit(main())
"""
"""PlatformIO's own program, with the list of licences that it would get from the network cut down to one."""


def test_the_library_of_platformio(tools: Path, tmp_path: Path) -> None:
    folder, pack = written("platformio", tmp_path), [tools / "python", "-c", PIO, "pkg", "pack"]
    said([*pack, "-o", tmp_path / "net.tar.gz", folder], folder)
    listed = subprocess.run(["tar", "-tzf", tmp_path / "net.tar.gz"], capture_output=True, text=True, check=True).stdout
    assert {"library.json", "include/net.h", "src/net.c", "examples/selftest/platformio.ini"} <= set(listed.split())
    manifest = json.loads((folder / "library.json").read_text())
    for wrong, message in (({"version": [1]}, "nvalid"), ({"license": "Apache 2"}, "Invalid SPDX license")):
        (folder / "library.json").write_text(json.dumps({**manifest, **wrong}))
        assert message in said([*pack, folder], folder, code=1), "it notices what is wrong"


WEST = """
import sys
from west.manifest import ImportFlag, Manifest
manifest = Manifest.from_data(open("west.yml").read(), import_flags=ImportFlag.IGNORE)
print([project.name for project in manifest.projects])
"""
KCONFIG = """
import kconfiglib
kconfig = kconfiglib.Kconfig("zephyr/Kconfig")
kconfig.load_config("samples/selftest/prj.conf")
print(kconfig.syms["EDGEKIT_NET"].str_value, [w for w in kconfig.warnings if "EDGEKIT" in w])
"""


def test_the_module_of_zephyr(tools: Path, tmp_path: Path) -> None:
    folder = written("zephyr", tmp_path)
    assert said([tools / "python", "-c", WEST], folder) == "['manifest', 'zephyr']\n"
    assert "y []\n" in said([tools / "python", "-c", KCONFIG], folder)
    west = folder / "west.yml"
    west.write_text(west.read_text().replace("projects:", "project:"))
    assert "project" in said([tools / "python", "-c", WEST], folder, code=1), "it notices what is wrong"


@pytest.mark.parametrize("cpu", ["cortex-m0", "cortex-m4", "cortex-m33", "cortex-m55"])
def test_cmake_builds_the_library_for_a_cortex_m(cpu: str, tmp_path: Path) -> None:
    for tool in ("cmake", "arm-none-eabi-gcc"):
        if shutil.which(tool) is None:
            missing(f"{tool} is not installed: apt-get install cmake gcc-arm-none-eabi libnewlib-arm-none-eabi")
    folder = written("cmake", tmp_path)
    said(["cmake", "-S", ".", "-B", "build", "--toolchain", "cmake/arm-none-eabi.cmake", f"-DCPU={cpu}"], folder)
    said(["cmake", "--build", "build"], folder)
    told = said(["arm-none-eabi-readelf", "-A", "build/libnet.a"], folder)
    assert told.count("Tag_CPU_name") == 3 and ("Tag_MVE_arch" in told) == (cpu == "cortex-m55")
    flags = (folder / "build" / "CMakeFiles" / "net.dir" / "flags.make").read_text()
    assert "-O2" in flags and "-ffp-contract=off" in flags and "-O3" not in flags
