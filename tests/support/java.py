"""Java on this host: the compiler, the real classes of Android and TFLite, and the real interpreter in a JVM."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import maven

__all__ = ["ANDROID", "QUICK", "TFLITE", "compile_java", "compile_kotlin", "java_missing", "kotlin_library", "run_java"]

ANDROID = "android-all-14-robolectric-10818077.jar"
TFLITE = {
    "2.6.0": ("tensorflow-lite-2.6.0.aar",),
    "2.16.1": ("tensorflow-lite-2.16.1.aar", "tensorflow-lite-api-2.16.1.aar"),
}
"""Libraries by version. The first has a build for this host, the second is what apps ship."""
KOTLIN = "org.jetbrains.kotlin:kotlin-compiler-embeddable:2.4.21"
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
"""For programs that run for seconds: half of the processor's time would go into compiling them better."""
NATIVE = "tflite-native-cpu-2.6.2-linux-x86_64.jar"


def java_missing() -> str | None:
    """Why there is no Java here; None where there is. In CI it must be there."""
    missing = [tool for tool in ("javac", "java", "mvn") if shutil.which(tool) is None]
    if not missing:
        return None
    reason = f"needs {', '.join(missing)}: make device-tools installs them"
    assert not os.environ.get("CI"), reason
    return reason


def compile_java(sources: Iterable[Path], into: Path, *, tflite: str = "2.6.0", more: Sequence[Path] = ()) -> list[str]:
    """Compile for Java 8; gives the compiler's words on the sources."""
    into.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            "javac",
            *(f"-J{flag}" for flag in QUICK),
            "-Xlint:all",
            "-Xlint:-options",
            "--release",
            "8",
            "-cp",
            _path(tflite, more),
            "-d",
            str(into),
            *map(str, sources),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # Words on the framework's own classes, whose annotations Robolectric's jar leaves out, are not ours.
    own = [line for line in done.stderr.splitlines() if ".java:" in line]
    return own


def compile_kotlin(
    sources: Iterable[Path], into: Path, *, tflite: str = "2.6.0", more: Sequence[Path] = (), module: str = "main"
) -> None:
    """Compile a module with every warning an error, in explicit API mode."""
    into.mkdir(parents=True, exist_ok=True)
    compiler = os.pathsep.join(map(str, maven.class_path(KOTLIN)))
    path = os.pathsep.join([_path(tflite, more), str(kotlin_library())])
    flags = "-no-stdlib -no-reflect -Werror -Xexplicit-api=strict -jvm-target 1.8 -Xjdk-release=1.8".split()
    flags += "-Xlambdas=class -Xsam-conversions=class -Xstring-concat=inline".split()
    command = [
        "java",
        "-Xmx1g",
        *QUICK,
        "-cp",
        compiler,
        "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        *flags,
        "-module-name",
        module,
        "-cp",
        path,
    ]
    done = subprocess.run([*command, "-d", str(into), *map(str, sources)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def kotlin_library() -> Path:
    """What Kotlin's classes need to run."""
    return next(p for p in maven.class_path(KOTLIN) if p.name.startswith("kotlin-stdlib-2"))


def run_java(main: str, classes: Path, *arguments: str | Path, kotlin: bool = False) -> str:
    """Run a class with the real interpreter; gives what it prints."""
    native = maven.unpacked(NATIVE) / "native" / "lib"
    path = _path("2.6.0", [classes, *([kotlin_library()] if kotlin else [])])
    command = ["java", "-Xmx512m", *QUICK, f"-Djava.library.path={native}", "-cp", path, main]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _path(tflite: str, more: Sequence[Path]) -> str:
    libraries = [maven.classes(name) for name in (*TFLITE[tflite], ANDROID)]
    return os.pathsep.join(map(str, [*more, *libraries]))
