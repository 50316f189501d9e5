"""The plugin for current builds: compiled against Gradle 8.10's real API, its tasks made and run by `ProjectBuilder`.

Android's plugin is not to be had here. Its interfaces are signatures written by hand in `gradle/stubs`, and a stand-in
gives the plugin one variant.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import maven
import pytest
from android_packages import Member, manifest, write_package
from java import QUICK, java_missing
from tflite_files import dense_model, packed

import edgekit

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

SOURCES = Path(__file__).with_name("gradle")
GRADLE = "dev.gradleplugins:gradle-api:8.10"
SHA256 = "3fb4cae67628d223f6929402b9e673dbfd4583ca27d20ed8a23080aea219e24f"
"""Of all files that it needs."""
EDGEKIT = str(Path(sys.executable).with_name("edgekit"))
MODEL = packed(dense_model())
WRAPPED = "edgekit/com.example.digits/Digits.tflite"
ASSET = "sub/schöne $ziffern 'a'.tflite"
LINT = "-Xlint:all,-classfile,-processing,-path,-overloads"  # overloads: AGP's own pair of onVariants
TASKS = ("EdgekitCopy", "EdgekitRebuild", "EdgekitVerify", "EdgekitVerifyPackage")
EVERY = ["edgekitRebuild", "edgekitVerify", "edgekitVerifyReleaseApk", "edgekitVerifyReleaseBundle"]
PLUGINS = {"edgekit.android": "edgekit.gradle.EdgekitPlugin", "com.android.application": "AndroidStandIn"}


@cache
def class_path() -> str:
    return os.pathsep.join(map(str, maven.class_path(GRADLE, sha256=SHA256)))


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Compiled as `edgekit android init` writes it."""
    (tmp_path / "root" / "app").mkdir(parents=True)
    (tmp_path / "root" / "settings.gradle.kts").touch()
    edgekit.init_android(tmp_path / "root", agp="8.7.2")
    sources = [*(tmp_path / "root" / "edgekit-gradle").rglob("*.java"), *SOURCES.rglob("*.java")]
    classes = tmp_path / "classes"
    marks = classes / "META-INF" / "gradle-plugins"
    marks.mkdir(parents=True)
    for name, code in PLUGINS.items():
        (marks / f"{name}.properties").write_text(f"implementation-class={code}\n")
    flags = [*(f"-J{flag}" for flag in QUICK), LINT, "-Werror", "--release", "17", "-encoding", "UTF-8"]
    command = ["javac", *flags, "-cp", class_path(), "-d", str(classes), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return classes


def ask(classes: Path, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One JVM answers all."""
    path = os.pathsep.join([str(classes), class_path()])
    command = ["java", *QUICK, "--add-opens=java.base/java.lang=ALL-UNNAMED", "-cp", path, "Harness"]
    folders = [f for f in os.environ["PATH"].split(os.pathsep) if not (Path(f) / "edgekit").exists()]
    done = subprocess.run(
        [*command, str(classes.parent / "home")],
        input="".join(json.dumps(question) + "\n" for question in questions),
        env={**os.environ, "PATH": os.pathsep.join(folders), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    answers = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("> ")]
    assert done.returncode == 0 and len(answers) == len(questions), f"{done.stdout[-2000:]} {done.stderr[-3000:]}"
    return answers


def app(folder: Path) -> Path:
    """A project whose names need care, with a locked model and packages."""
    project = folder / 'mit "zitat" $geld ü\'s' / "app"
    assets = project / "src" / "main" / "assets"
    (assets / "sub").mkdir(parents=True)
    (assets / ASSET).write_bytes(MODEL)
    (assets / "notes.txt").write_text("Not a model.")
    (project / "recipe.yaml").write_text("model: resnet8\n")
    lock = project / "edgekit.lock"
    edgekit.lock_models([assets], lock, recipe=project / "recipe.yaml", budget={"model_bytes": len(MODEL)})
    (project / "build" / "out").mkdir(parents=True)
    write_package(
        project / "build" / "out" / "app.apk", [manifest("apk", 24), Member(f"assets/{ASSET}", MODEL, align=16)]
    )
    return project


def program(folder: Path, name: str, *lines: str) -> str:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)
    return str(path)


def edited(project: Path, old: str, new: str) -> None:
    lock = project / "edgekit.lock"
    text = lock.read_text()
    assert old in text
    lock.write_text(text.replace(old, new))


@dataclass(frozen=True)
class Case:
    """A change, the task that is run after it, and what it says; None where it passes."""

    task: str
    words: str | None
    change: Callable[[Path], object] = lambda project: None
    command: str | None = EDGEKIT
    models: str | None = None
    recipe: str | None = None
    module: str | None = None
    asset: str = "sub/digits.tflite"


def _to_rebuild(project: Path) -> None:
    (project / "edgekit.lock").unlink()
    (project / "digits.yaml").write_text("model: digits_cnn\ndata: digits\ntrain: {epochs: 1}\nconvert: [int8]\n")


def cases(folder: Path) -> dict[str, Case]:
    verify = "edgekitVerify"
    old = program(folder, "old edgekit", "#!/bin/sh", "echo edgekit, version 0.1.9")
    gone = program(folder, "gone", "#!/nowhere/python")
    other = program(folder, "other", "#!/bin/sh", "echo true, version 9.1")
    stale = bytes(len(MODEL))
    in_assets = Path("src", "main", "assets", ASSET)
    of_module = {"models": "../my $digits/src/main/assets", "recipe": "digits.yaml", "module": "../my $digits"}
    over = f"model_bytes {len(MODEL)} is above 9"
    return {
        "passes": Case(verify, None),
        "not in PATH": Case(
            verify, "EdgeKit is not in PATH. Received: no program edgekit. Install Python", command=None
        ),
        "not there": Case(verify, "EdgeKit is not there. Received: edgekit.command", command="./edgekit"),
        "too old": Case(verify, f"needs EdgeKit {edgekit.__version__} or newer. Received: 0.1.9", command=old),
        "no Python": Case(verify, "EdgeKit does not start. Received:", command=gone),
        "another program": Case(verify, "EdgeKit does not run. Received:", command=other),
        "no lock": Case(verify, "Received: no file", lambda p: (p / "edgekit.lock").unlink()),
        "no JSON": Case(verify, "schema edgekit.lock/1", lambda p: (p / "edgekit.lock").write_text("{")),
        "newer": Case(verify, "needs a newer plugin", lambda p: edited(p, "lock/1", "lock/2")),
        "windows": Case(verify, 'with "/" between', lambda p: edited(p, "sub/", "sub\\\\")),
        "traversal": Case("edgekitCopyRelease", "inside the assets", lambda p: edited(p, "sub/", "../"), models="ml"),
        "recipe": Case(
            verify, "changed since it made this", lambda p: (p / "recipe.yaml").write_text("model: lenet5\n")
        ),
        "budget": Case(verify, over, lambda p: edited(p, f'"model_bytes": {len(MODEL)}', '"model_bytes": 9')),
        "stale": Case(verify, "stale: sha256", lambda p: (p / in_assets).write_bytes(stale)),
        "copies": Case(
            "edgekitCopyRelease", None, lambda p: shutil.copytree(p / "src/main/assets", p / "ml"), models="ml"
        ),
        "copies nothing else": Case("edgekitCopyRelease", "sha256 none", models="ml"),
        "package": Case("edgekitVerifyReleaseApk", None),
        "no package": Case("edgekitVerifyReleaseBundle", "Received: none in"),
        "stale package": Case(
            "edgekitVerifyReleaseApk", "the lock was edited", lambda p: edited(p, '"bytes": ', '"bytes": 1')
        ),
        "rebuild": Case("edgekitRebuild", None, _to_rebuild, models="my $models", recipe="digits.yaml"),
        "rebuilt wrapper": Case("edgekitRebuild", None, _to_rebuild, asset=WRAPPED, **of_module),
        "another folder": Case(
            "edgekitRebuild", "among the assets of its module", asset=WRAPPED, **{**of_module, "models": "ml"}
        ),
        "no wrapper's path": Case(
            "edgekitRebuild", "at edgekit/PACKAGE/NAME.tflite. Received: sub/digits", **of_module
        ),
        "no recipe": Case("edgekitRebuild", "A rebuild runs the recipes"),
    }


def _is_one(module: Path) -> None:
    """Wrapper, model and lock are of one model, and a new export finds nothing that is not EdgeKit's."""
    (locked,) = json.loads((module / "edgekit.lock").read_text())["models"]
    assert locked["asset"] == WRAPPED and locked["recipe"] == "../app/digits.yaml"
    source = (module / "src/main/kotlin/com/example/digits/Digits.kt").read_text()
    assert locked["sha256"] in source and "fun prepare" in source
    model = module / "src/main/assets" / WRAPPED
    assert model.stat().st_size == locked["bytes"]
    edgekit.export(model, {"android": {"package": "com.example.digits", "name": "Digits"}}, module)


def test_the_plugin_applies_its_tasks_run_and_say_what_is_wrong(plugin: Path, tmp_path: Path) -> None:
    table = cases(tmp_path)
    questions: list[dict[str, Any]] = [{"class": f"edgekit.gradle.{name}"} for name in TASKS]
    for number, case in enumerate(table.values()):
        project = app(tmp_path / f"case {number}")
        case.change(project)
        said = {"project": str(project), "task": case.task, "command": case.command, "models": case.models}
        said |= {"recipe": case.recipe, "asset": case.asset, "module": case.module}
        questions.append(said)
    questions += [{"class": "Harness$Broken"}, {**questions[len(TASKS)], "task": "broken"}]
    *answers, broken, unannotated = ask(plugin, questions)
    assert len(broken["problems"]) == 3 and unannotated["validation"] == ["missing-annotation"]
    assert [answer["problems"] for answer in answers[: len(TASKS)]] == [[]] * len(TASKS)
    asked = questions[len(TASKS) : -2]
    for (name, case), question, answer in zip(table.items(), asked, answers[len(TASKS) :], strict=True):
        failed = answer["failed"]
        assert failed is None if case.words is None else case.words in (failed or ""), f"{name}: {failed}"
        copied = case.models is not None and case.module != case.models.removesuffix("/src/main/assets")
        assert answer["tasks"] == (["edgekitCopyRelease"] if copied else []) + EVERY
        assert answer["check"] == ["edgekitVerify"] and answer["validation"] == []
        if name == "passes":
            assert answer["inputs"] == ["edgekit.lock", "recipe.yaml", f"src/main/assets/{ASSET}"]
            report = (Path(question["project"]) / "build" / "reports" / "edgekit" / "verify.txt").read_text()
            assert ASSET in report and str(tmp_path) not in report
        if name == "rebuild":
            (model,) = json.loads((Path(question["project"]) / "edgekit.lock").read_text())["models"]
            size = (Path(question["project"]) / "my $models" / "sub" / "digits.tflite").stat().st_size
            assert (model["asset"], model["bytes"], model["recipe"]) == ("sub/digits.tflite", size, "digits.yaml")
            assert model["budget"] == {"model_bytes": 1_000_000}
        if name == "rebuilt wrapper":
            _is_one(Path(question["project"]).parent / "my $digits")
        if name == "copies":
            into = Path(question["project"]) / "build" / "generated"
            assert {p.relative_to(into).as_posix() for p in into.rglob("*") if p.is_file()} == {ASSET}
            assert (into / ASSET).read_bytes() == MODEL
