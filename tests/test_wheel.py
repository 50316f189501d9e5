"""What the wheel of EdgeKit holds, and under which licence."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import edgekit

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy: a build leaves its folders beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("edgekit", "converters"):
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    command = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder / "dist", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "dist").glob("edgekit-*.whl")
    return path


def test_its_licence_is_apache(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = Parser().parsestr(archive.read(metadata).decode())
        assert told["License-Expression"] == "Apache-2.0"
        for name in archive.namelist():
            if name.endswith((".c", ".h", ".py")):
                head = archive.read(name)[:400]
                assert b"SPDX-License-Identifier" not in head or b"Apache-2.0" in head.splitlines()[0], name


def test_its_version_is_the_packages(wheel: Path) -> None:
    assert wheel.name.startswith(f"edgekit-{edgekit.__version__}-")


def test_it_forces_no_old_numpy(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        told = Parser().parsestr(archive.read(metadata).decode())
    base = [line for line in told.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert base and not [line for line in base if "tflite-runtime" in line or "==" in line or "numpy<" in line], base


def test_it_holds_what_is_read_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    read = [path for path in (ROOT / "edgekit").rglob("*") if path.suffix in (".yaml", ".tflite", ".html", ".c", ".md")]
    assert read and {str(path.relative_to(ROOT)) for path in read} <= names
    templates = ROOT / "converters" / "edgekit_converters" / "android"
    read = [path for kind in ("java", "kt", "kts", "gradle") for path in templates.rglob(f"*.{kind}")]
    assert read and {str(path.relative_to(ROOT / "converters")) for path in read} <= names
    assert "edgekit/py.typed" in names and "edgekit_converters/__init__.py" in names
    assert not [name for name in names if "qemu_insn" in name or name.startswith(("tests", "plugins"))]
