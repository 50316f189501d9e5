"""Java sources compiled by a JDK: the few classes of Android and TFLite that they call come as signatures.

The compiler reads those in the place of the real ones, and they leave no trace in what it makes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from edgekit.errors import ConversionError, MissingDependency
from edgekit.places import setting

__all__ = ["compiled"]

_QUICK = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
"""A compiler that runs for a second need not be compiled well itself."""
_FIRST = 11
"""The first JDK whose compiler takes `--release 8` and the flags used here."""


def compiled(sources: Mapping[str, str]) -> dict[str, bytes]:
    """The classes of sources, by their paths.

    Raises:
        MissingDependency: There is no JDK, or one that is too old.
        ConversionError: The compiler refuses the sources.
    """
    compiler = shutil.which("javac")
    if compiler is None:
        raise MissingDependency(
            "An AAR needs a JDK, which compiles the wrapper.",
            received="no javac on PATH",
            remedy=f"Install one, such as openjdk-17-jdk-headless, or export without {setting('aar')}.",
        )
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-") as temporary,
        resources.as_file(resources.files("edgekit_converters") / "android" / "wrapper" / "signatures") as signatures,
    ):
        root, into = Path(temporary, "src"), Path(temporary, "classes")
        root.mkdir()
        into.mkdir()
        for name, text in sources.items():
            (root / name).write_text(text, encoding="utf-8")
        flags = ["-Xlint:all,-options", "-Werror", "-implicit:none", "-proc:none", "-encoding", "UTF-8"]
        command = [compiler, *_QUICK, "--release", "8", *flags, "-sourcepath", str(signatures), "-d", str(into)]
        done = subprocess.run(
            [*command, *(str(root / name) for name in sorted(sources))],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise _refused(compiler, done.stderr or f"it ended with {done.returncode}")
        classes = {p.relative_to(into).as_posix(): p.read_bytes() for p in sorted(into.rglob("*.class"))}
    missing = {Path(name).stem for name in sources} - {Path(name).stem for name in classes}
    if missing:
        raise _refused(compiler, f"it wrote no class {', '.join(sorted(missing))}, and ended with 0")
    return classes


def _refused(compiler: str, words: str) -> Exception:
    if "--release" in words and "invalid" in words:
        return MissingDependency(
            f"The wrapper is compiled by a JDK of version {_FIRST} or newer.",
            received=f"{compiler}: {' '.join(words.split())[:200]}",
            remedy="Put a newer javac first on PATH.",
        )
    return ConversionError(
        "The Java compiler must take the wrapper.",
        received=f"{compiler}: {' '.join(words.split())[:500]}",
        remedy=f"Report it with the options that you gave, or export without {setting('aar')}.",
    )
