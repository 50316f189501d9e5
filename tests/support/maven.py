"""Libraries that tests need, brought by Maven once into the cache folder and known by their digests."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from edgekit.artifact import sha256_of, write_atomically
from edgekit.runtimes._jvm import LIBRARIES

__all__ = ["class_path", "classes", "fetched", "unpacked"]

CACHE = Path(os.environ.get("EDGEKIT_CACHE") or Path.home() / ".cache" / "edgekit") / "maven"
FILES = {
    "tensorflow-lite-2.16.1.aar": (
        "org.tensorflow:tensorflow-lite:2.16.1:aar",
        "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
    ),
    "tensorflow-lite-api-2.16.1.aar": (
        "org.tensorflow:tensorflow-lite-api:2.16.1:aar",
        "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
    ),
    **{library.name: (library.artifact, library.sha256) for library in LIBRARIES},
    "android-all-14-robolectric-10818077.jar": (
        "org.robolectric:android-all:14-robolectric-10818077",
        "6be2218c6a53fe3c57bc22ebdc723edcb7270a8a6f187545708aa5c0ed813977",
    ),
    "android-all-instrumented-14-robolectric-10818077-i7.jar": (
        "org.robolectric:android-all-instrumented:14-robolectric-10818077-i7",
        "3fdac2d463f431c6b8d83b9d0ca739e795de75fffedee648c6761bd4bd864701",
    ),
    "android-all-instrumented-15-robolectric-13954326-i7.jar": (
        "org.robolectric:android-all-instrumented:15-robolectric-13954326-i7",
        "06c4c8602d6db7486266a982bc55834ed6dfebd62a0b88daca204139ecf142cb",
    ),
    "dalvik-dx-14.0.0_r21.jar": (
        "com.jakewharton.android.repackaged:dalvik-dx:14.0.0_r21",
        "9b13bc80bf86f193f8de9c959f52a8ff83fc85a1cc552f5126f1140da9b85a36",
    ),
}
"""By name: the artifact, and the sha256 of the file."""

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>edgekit</groupId><artifactId>tests</artifactId><version>1</version>
  <dependencies>{}</dependencies>
</project>
"""
_KNOWN = set[str]()
"""Whose digest this process has compared: the framework has 200 MB."""


def fetched(name: str) -> Path:
    """The file, from the cache or brought by Maven."""
    artifact, sha256 = FILES[name]
    path = CACHE / name
    if path.is_file() and (name in _KNOWN or sha256_of(path) == sha256):
        _KNOWN.add(name)
        return path
    with write_atomically(path) as new:
        _maven(new.parent, "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={new.parent}")
        assert sha256_of(new) == sha256, f"{name} is another file than the one that tests were written for"
    return path


def unpacked(name: str) -> Path:
    """The folder with what an archive of `FILES` holds."""
    return _unpacked(fetched(name))


def classes(name: str) -> Path:
    """The classes of a library of `FILES`: a `.jar` itself, or the one inside an `.aar`."""
    return classes_of(fetched(name)) if name.endswith(".aar") else fetched(name)


def classes_of(library: Path) -> Path:
    """The `classes.jar` inside an `.aar`."""
    return _unpacked(library) / "classes.jar"


def class_path(*artifacts: str, sha256: str | None = None) -> tuple[Path, ...]:
    """Libraries with all that they need, as Maven resolves them; those for Android as their classes.

    Args:
        artifacts: Group, artifact and version of each.
        sha256: Of the digests of all files, in their order; None takes what Maven vouches for.
    """
    wanted = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
            *artifact.split(":")
        )
        for artifact in artifacts
    )
    listed = CACHE / f"{hashlib.sha256(wanted.encode()).hexdigest()[:16]}.classpath"
    if not listed.is_file() or not all(os.path.exists(p) for p in listed.read_text().split(os.pathsep)):
        with write_atomically(listed) as new:
            (new.parent / "pom.xml").write_text(_POM.format(wanted))
            _maven(new.parent, "dependency:build-classpath", f"-Dmdep.outputFile={new}")
    files = [Path(p) for p in listed.read_text().strip().split(os.pathsep)]
    found = hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest() if sha256 else None
    assert found == sha256, f"other files than those that tests were written for: {found}"
    return tuple(classes_of(p) if p.suffix == ".aar" else p for p in files)


def _maven(folder: Path, goal: str, *flags: str) -> None:
    command = ["mvn", "-q", "-B", goal, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, f"{done.stdout[-2000:]} {done.stderr[-2000:]}"


def _unpacked(archive: Path) -> Path:
    folder = CACHE / f"{archive.name}.d"
    if not folder.is_dir():
        new = CACHE / f"{archive.name}.{os.getpid()}.d"
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(new)
        try:
            os.replace(new, folder)
        except OSError:  # another worker was faster
            shutil.rmtree(new)
    return folder
