"""`edgekit.gradle` on Debian's Gradle 4.4.1, offline: what runs, what comes from the cache, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from android_packages import Member, manifest, write_package
from java import QUICK
from tflite_files import dense_model, packed

import edgekit

REASON = None if shutil.which("gradle") else "needs gradle 4.4.1: make device-tools installs it"
if REASON and os.environ.get("CI"):
    raise AssertionError(REASON)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

EDGEKIT = Path(sys.executable).with_name("edgekit")
MODEL = packed(dense_model())
ASSET = "sub/schöne $ziffern 'a'.tflite"
RECIPE = "model: digits_cnn\ndata: digits\ntrain: {epochs: 1}\nconvert: [int8]\n"
BUILD = """\
apply plugin: 'java'
apply from: 'edgekit.gradle'

edgekit {
    models = file('models')
    verifyPackage('verifyApp', 'app.apk')
    if (project.hasProperty('digits')) {
        recipe('digits.tflite', file('../digits.yaml'))
        budget('model_bytes', 1000000)
    }
}

task preBuild // as Android's plugin has one
"""


@dataclass(frozen=True)
class Build:
    """A project whose names need care, and a daemon that has no edgekit in its PATH."""

    project: Path
    home: Path
    environment: dict[str, str]

    def run(self, *arguments: str, project: Path | None = None, command: str = str(EDGEKIT)) -> str:
        """All that Gradle prints, with its exit code at the end."""
        flags = ["--offline", "--daemon", "--console=plain", "--build-cache", "-Dorg.gradle.daemon.idletimeout=120000"]
        flags += [f"-Dorg.gradle.jvmargs=-Xmx512m {' '.join(QUICK)}"]
        named = [f"-Pedgekit.command={command}"] if command else []
        done = subprocess.run(
            ["gradle", *flags, *named, *arguments],
            cwd=project or self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return f"{done.stdout}\nexit {done.returncode}"


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    project = tmp_path / 'App "mit" $geld ü\'s' / "app"
    (project / "models" / "sub").mkdir(parents=True)
    (project / "models" / ASSET).write_bytes(MODEL)
    (project / "settings.gradle").write_text("rootProject.name = 'app'\n")
    (project / "build.gradle").write_text(BUILD)
    (project.parent / "digits.yaml").write_text(RECIPE)
    edgekit.init_android(project, old=True)
    edgekit.lock_models(
        [project / "models"],
        project / "edgekit.lock",
        recipe=project.parent / "digits.yaml",
        budget={"model_bytes": len(MODEL)},
    )
    write_package(project / "app.apk", [manifest("apk", 24), Member(f"assets/{ASSET}", MODEL, align=16)])
    folders = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not (Path(folder) / "edgekit").exists())
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("EDGEKIT", "GRADLE"))},
        "PATH": path,
        "LC_ALL": "C.UTF-8",
        "JAVA_OPTS": " ".join(QUICK),
        "GRADLE_USER_HOME": str(tmp_path / "home"),
    }
    yield Build(project, tmp_path / "home", environment)
    subprocess.run(["gradle", "--stop"], cwd=tmp_path, env=environment, capture_output=True, timeout=120)


def test_the_script_verifies_copies_caches_and_rebuilds(build: Build) -> None:
    _without_edgekit(build)
    _kept(build)
    _refused(build)
    _rebuilt(build)


def _without_edgekit(build: Build) -> None:
    said = build.run("check", command="")
    assert "> EdgeKit is not in PATH. Received: no program edgekit. Install Python 3.11 or newer" in said
    old = build.home.parent / "old edgekit"
    old.write_text("#!/bin/sh\necho edgekit, version 0.1.9\n")
    old.chmod(0o755)
    said = build.run("check", command=str(old))
    assert f"> This build needs EdgeKit {edgekit.__version__} or newer. Received: 0.1.9 ({old})" in said
    old.write_text("#!/nowhere/python\n")
    assert "> EdgeKit does not start. Received:" in build.run("check", command=str(old))


def _kept(build: Build) -> None:
    """Each task's outcome: run, up to date, from the cache, and so in another folder too."""
    tasks = ("edgekitVerify", "edgekitCopy", "verifyApp")
    goals = ("check", "edgekitCopy", "verifyApp")
    said = build.run(*goals)
    assert "exit 0" in said and all(f":{task}\n" in said for task in tasks), said
    copied = build.project / "build" / "generated" / "edgekit" / "assets"
    assert {p.relative_to(copied).as_posix(): p.read_bytes() for p in copied.rglob("*.tflite")} == {ASSET: MODEL}
    report = (build.project / "build" / "reports" / "edgekit" / "verify.txt").read_text()
    assert ASSET in report and "passed" in report and str(build.home.parent) not in report
    (build.project / "models" / "notes.txt").write_text("Not a model.")
    said = build.run(*goals)
    assert all(f":{task} UP-TO-DATE" in said for task in tasks), said
    said = build.run("clean", *goals)
    assert all(f":{task} FROM-CACHE" in said for task in tasks), said
    other = build.home.parent / "elsewhere" / "app"
    shutil.copytree(build.project, other, ignore=shutil.ignore_patterns("build", ".gradle"))
    shutil.copy(build.project.parent / "digits.yaml", other.parent)
    said = build.run(*goals, project=other)
    assert all(f":{task} FROM-CACHE" in said for task in tasks), said


def _refused(build: Build) -> None:
    recipe, lock, model = (
        build.project.parent / "digits.yaml",
        build.project / "edgekit.lock",
        build.project / "models" / ASSET,
    )
    locked = lock.read_text()
    recipe.write_text(RECIPE + "seed: 1\n")
    said = build.run("check")
    assert "ended with 1" in said and "../digits.yaml changed since it made this model" in said and "exit 1" in said
    recipe.write_text(RECIPE)
    lock.write_text(locked.replace(f'"model_bytes": {len(MODEL)}', '"model_bytes": 9'))
    said = build.run("check")
    assert "ended with 3" in said and f"model_bytes {len(MODEL)} is above 9" in said and "Compress the model" in said
    lock.write_text(locked.replace("sub/", "sub\\\\"))
    said = build.run("check", "edgekitCopy", "--continue")
    assert said.count('with "/" between folders. Received: sub\\schöne') == 2, said
    lock.write_text(locked)
    model.write_bytes(bytes(len(MODEL)))
    said = build.run("check", "edgekitCopy", "--continue")
    assert "stale: sha256" in said and "An app ships the models that its lock names. Received:" in said, said
    model.unlink()


def _rebuilt(build: Build) -> None:
    assert ":edgekitRebuild SKIPPED" in build.run("preBuild", "--dry-run", "-Pedgekit.rebuild")
    assert ":edgekitRebuild" not in build.run("preBuild", "--dry-run", "-Pedgekit.rebuild=false")
    said = build.run("check", "edgekitCopy", "-Pedgekit.rebuild", "-Pdigits")
    assert "exit 0" in said and ":edgekitRebuild" in said, said
    (model,) = json.loads((build.project / "edgekit.lock").read_text())["models"]
    assert model["asset"] == "digits.tflite" and model["recipe"] == "../digits.yaml"
    assert model["budget"] == {"model_bytes": 1000000} and model["accuracy"]["metric"] == "top1"
    assert (build.project / "build" / "generated" / "edgekit" / "assets" / "digits.tflite").stat().st_size == model[
        "bytes"
    ]
    said = build.run("check", "edgekitCopy", "-Pdigits")
    assert ":edgekitVerify UP-TO-DATE" in said and ":edgekitRebuild" not in said, said
