"""Real Android tools for device tests: Debian's aapt2, zipalign, apksigner; bundletool and TFLite by Maven, pinned."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from edgekit.artifact import sha256_of, write_atomically

__all__ = ["FRAMEWORK", "bundletool", "need_tools", "run", "tflite_library"]

FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
PROGRAMS = ("aapt2", "zipalign", "apksigner", "keytool", "java", "mvn")
_MAIN = "com.android.tools.build.bundletool.BundleToolMain"
_SHA256 = "4987e5106322bd12b3a916104103f7532c833937ae7be12e0d37326af9f0a651"
"""Of all fetched files with their names."""
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>edgekit</groupId><artifactId>tools</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>com.android.tools.build</groupId><artifactId>bundletool</artifactId><version>1.15.6</version>
  </dependency></dependencies>
  <build><plugins><plugin><artifactId>maven-dependency-plugin</artifactId><configuration>
    <outputDirectory>${folder}</outputDirectory>
    <artifactItems>%s</artifactItems>
  </configuration></plugin></plugins></build>
</project>
"""
_ITEM = (
    "<artifactItem><groupId>org.tensorflow</groupId><artifactId>tensorflow-lite</artifactId>"
    "<version>%s</version><type>aar</type></artifactItem>"
)
TFLITE = ("2.6.0", "2.16.1")


def need_tools() -> None:
    """Skip where a program is missing; fail in CI."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None] + [str(FRAMEWORK)] * (not FRAMEWORK.is_file())
    if missing:
        reason = f"no {', '.join(missing)}: make device-tools installs them"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def run(*command: object, folder: Path) -> str:
    """A program's output; its failure is the test's."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


def bundletool(*arguments: object, folder: Path) -> str:
    return run("java", "-Xmx1g", "-cp", fetched() / "*", _MAIN, *arguments, folder=folder)


def tflite_library(version: str, abi: str = "arm64-v8a") -> bytes:
    """The native library of a published TFLite, with kernels."""
    with zipfile.ZipFile(fetched() / f"tensorflow-lite-{version}.aar") as archive:
        return archive.read(f"jni/{abi}/libtensorflowlite_jni.so")


@cache
def fetched() -> Path:
    """The folder of what Maven brought, once; each file is the one that was pinned."""
    base = Path(os.environ.get("EDGEKIT_CACHE") or Path.home() / ".cache" / "edgekit")
    folder = base / f"android-{_SHA256[:16]}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory() as place, write_atomically(folder) as new:
            (Path(place) / "pom.xml").write_text(_POM % "".join(_ITEM % version for version in TFLITE))
            goals: Sequence[str] = ("dependency:copy-dependencies", "dependency:copy")
            run("mvn", "-q", "-B", f"-Dfolder={new}", *goals, folder=Path(place))
            assert sha256_of(new) == _SHA256, f"other files than those that were pinned: {sha256_of(new)}"
    assert sha256_of(folder) == _SHA256, f"{folder} was changed: remove it"
    return folder
