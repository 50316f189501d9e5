"""Where the Java machine and the files of the runtime `jvm` lie, and what is missing."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import RuntimeFailed
from edgekit.installing import cache_folder

__all__ = [
    "CLASSES", "LIBRARIES", "NATIVE", "QUICK", "REMEDY", "RUNNER", "VERSION", "Library", "Toolbox", "tool", "toolbox",
    "unbuilt_toolbox",
]  # fmt: skip

REMEDY = "Install what it needs with: edgekit doctor --install jvm"
VERSION = "2.6.0"
"""Of TensorFlow Lite's Java classes."""
RUNNER = Path(__file__).with_name("Runner.java")
CLASSES, NATIVE = "classes.jar", "libtensorflowlite_jni.so"
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For machines that run for seconds, or whose work is done by native code: compiling Java better only costs time."""


@dataclass(frozen=True)
class Library:
    """A file of Maven Central, and what is taken out of it.

    Attributes:
        artifact: As Maven names it.
        name: The file's name.
        sha256: sha256 of the file.
        member: What is taken out.
        taken: The name that it has in the folder of the runtime.
    """

    artifact: str
    name: str
    sha256: str
    member: str
    taken: str


LIBRARIES = (
    Library(
        f"org.tensorflow:tensorflow-lite:{VERSION}:aar",
        f"tensorflow-lite-{VERSION}.aar",
        "f7dcd32a48dc348ee2eea2bed37044354a21e43dfdf507b6a73b40b05d5793ea",
        "classes.jar",
        CLASSES,
    ),
    Library(
        "ai.djl.tflite:tflite-native-cpu:2.6.2:jar:linux-x86_64",
        "tflite-native-cpu-2.6.2-linux-x86_64.jar",
        "aa8ae00d9b39489d03aa76f388019da6a086eee99a22f7d7a31e4b5a09003c8e",
        f"native/lib/{NATIVE}",
        NATIVE,
    ),
)
"""The classes that Android apps ship, and the native code that they call, built for this kind of machine."""


@dataclass(frozen=True)
class Toolbox:
    """The Java machine, and the folder of what runs in it.

    Attributes:
        java: Path of the program.
        folder: Holds the classes, the native library and the compiled runner.
    """

    java: str
    folder: Path

    def command(self, descriptor: int, threads: int) -> list[str]:
        """The command, for the folder itself, that runs a model.

        Args:
            descriptor: File descriptor of the `.tflite`, inherited by the process.
            threads: Threads of one inference.
        """
        # A crash is told by one line of ours: no core dump, and no report of the machine's own in a file.
        flags = [
            "-Xmx512m",
            *QUICK,
            "-XX:-CreateCoredumpOnCrash",
            f"-XX:ErrorFile={os.devnull}",
            "-Djava.library.path=.",
        ]
        path = os.pathsep.join([CLASSES, "."])
        return [self.java, *flags, "-cp", path, RUNNER.stem, str(descriptor), str(threads)]


def toolbox() -> Toolbox:
    """What is installed.

    Raises:
        RuntimeFailed: Something is missing.
    """
    found = unbuilt_toolbox()
    if not found.folder.is_dir():
        raise _missing(f"no folder {found.folder}", REMEDY)
    return found


def unbuilt_toolbox() -> Toolbox:
    """The same, whether or not its folder exists; its name holds all that its files depend on.

    Raises:
        RuntimeFailed: There is no native library for this machine, or no Java.
    """
    machine = f"{sys.platform} on {platform.machine()}"
    if machine != "linux on x86_64":
        raise _missing(machine, "Its native library is published for Linux on x86_64: use such a machine.")
    java = tool("java")
    if java is None:
        raise _missing("no program java", REMEDY)
    parts = [RUNNER.read_text(encoding="utf-8"), *(library.sha256 for library in LIBRARIES)]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return Toolbox(java, cache_folder() / f"jvm-{VERSION}-{key}")


def tool(name: str) -> str | None:
    """The path of a program of the Java kit: that of JAVA_HOME, as Gradle and Maven choose it, or else of PATH."""
    home = os.environ.get("JAVA_HOME")
    return (shutil.which(name, path=os.path.join(home, "bin")) if home else None) or shutil.which(name)


def _missing(what: str, remedy: str) -> RuntimeFailed:
    return RuntimeFailed("The runtime jvm cannot be loaded here.", received=what, remedy=remedy)
