"""Kotlin sources compiled by the compiler that `edgekit doctor --install android` brings from Maven Central.

As for Java, the classes of Android and TFLite come as signatures, which this compiler reads as sources.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from edgekit.artifact import sha256_of, write_atomically
from edgekit.errors import ConversionError, MissingDependency
from edgekit.installing import apt_line, cache_folder, install_packages, step
from edgekit.observer import logger
from edgekit.places import setting

__all__ = ["LIBRARY", "compiled", "install"]

_log = logger(__name__)

VERSION = "2.4.21"
LIBRARY = f"org.jetbrains.kotlin:kotlin-stdlib:{VERSION}"
"""What compiled classes need."""
_STANDARD = f"kotlin-stdlib-{VERSION}.jar"
FILES = {
    f"kotlin-compiler-embeddable-{VERSION}.jar": "ef19419c765e7ac8404465fa026ca8fc4dbb8a822de0fc79aa53c8dce29f1d02",
    f"kotlin-build-tools-api-{VERSION}.jar": "c5cd6a49bd072b529ae10809111c16a7aa0f92147e95d288354017fd65799461",
    _STANDARD: "bd8250210584cb659847dce9cda660f8e9906e5def7fbebcea93dc6dcb6a88a3",
    "annotations-13.0.jar": "ace2a10dc8e2d5fd34925ecac03e4988b2c0f851650c94b8cef49ba1bd111478",
    f"kotlin-script-runtime-{VERSION}.jar": "a658cf5902a1525a06c264a5e42b437e97a6679ddeef8ca641246f270cf6a013",
    "kotlin-reflect-1.6.10.jar": "3277ac102ae17aad10a55abec75ff5696c8d109790396434b496e75087854203",
    f"kotlin-daemon-embeddable-{VERSION}.jar": "7b3ef24674e5bcffcadfc4e43202ea314194939ecbcdd90a4770b2f1b04e0d07",
    "kotlinx-coroutines-core-jvm-1.8.0.jar": "9860906a1937490bf5f3b06d2f0e10ef451e65b95b269f22daf68a3d1f5065c5",
}
"""The compiler with all that it needs, and the sha256 of each file."""
_FLAGS = (
    "-no-stdlib -no-reflect -Werror -Xexplicit-api=strict -jvm-target 1.8 -Xjdk-release=1.8 "
    "-Xlambdas=class -Xsam-conversions=class -Xstring-concat=inline"
).split()
"""Classes that old dexers take: of Java 8, without `invokedynamic`."""
_QUICK = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:+IgnoreUnrecognizedVMOptions")
_PACKAGES = ("default-jdk-headless", "maven")
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>edgekit</groupId><artifactId>kotlin</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.jetbrains.kotlin</groupId><artifactId>kotlin-compiler-embeddable</artifactId><version>{}</version>
  </dependency></dependencies>
</project>
"""


def install(*, apt: bool = False) -> None:
    """Fetch the compiler into the cache; what is there is left alone.

    Args:
        apt: Whether to run apt-get for Java and Maven where they are missing; that needs root.

    Raises:
        RuntimeFailed: A package could not be installed, or Maven failed.
        MissingDependency: There is no Java or no Maven.
        ConversionError: A file is another than the one that is known here.
    """
    if _folder().is_dir():
        _log.info(f"already installed in {_folder()}")
        return
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing and apt:
        install_packages(_PACKAGES)
        missing = [name for name in missing if shutil.which(name) is None]
    if missing:
        raise MissingDependency(
            "The Kotlin compiler needs Java, and Maven, which fetches it.",
            received=f"no {', '.join(missing)}",
            remedy=f"On Debian and Ubuntu, run as root: {apt_line(_PACKAGES)}",
        )
    with write_atomically(_folder(), replace_folder=True) as folder:
        folder.mkdir()
        _log.info(f"fetching Kotlin {VERSION} with Maven")
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            Path(place, "pom.xml").write_text(_POM.format(VERSION), encoding="utf-8")
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
            step(["mvn", "-q", "-B", *goal], folder=place, telling="[ERROR]")
        _check(folder)
    _log.info(f"installed in {_folder()}")


def compiled(sources: Mapping[str, str], module: str) -> dict[str, bytes]:
    """The classes of sources, by their paths.

    Args:
        sources: By the names of their files.
        module: Name of the Kotlin module, which no other library of an app may have.

    Raises:
        MissingDependency: There is no Java, or no Kotlin compiler.
        ConversionError: The compiler refuses the sources.
    """
    java, folder = shutil.which("java"), _folder()
    if java is None or not folder.is_dir():
        raise MissingDependency(
            f"An AAR in Kotlin needs Java and Kotlin's compiler, version {VERSION}.",
            received="no java on PATH" if java is None else f"no folder {folder}",
            remedy=f"Install it with: edgekit doctor --install android; or export without {setting('aar')}, "
            "or in Java, which Kotlin calls too.",
        )
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-") as temporary,
        resources.as_file(resources.files("edgekit_converters") / "android" / "wrapper" / "signatures") as signatures,
    ):
        root, into = Path(temporary, "src"), Path(temporary, "classes")
        root.mkdir()
        for name, text in sources.items():
            (root / name).write_text(text, encoding="utf-8")
        path = os.pathsep.join(str(folder / name) for name in FILES)
        kept, new = _loaded(Path(java)), Path(temporary, "loaded.jsa")
        share = f"-XX:SharedArchiveFile={kept}" if kept.is_file() else f"-XX:ArchiveClassesAtExit={new}"
        command = [java, *_QUICK, share, "-cp", path, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", *_FLAGS]
        command += ["-module-name", module]
        done = subprocess.run(
            [*command, "-cp", str(folder / _STANDARD), "-d", str(into), str(root), str(signatures)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
        )
        files = sorted(path for path in into.rglob("*") if path.is_file())
        if done.returncode != 0 or not files:
            said = done.stderr or f"it ended with {done.returncode}, and wrote {len(files)} files"
            raise ConversionError(
                "The Kotlin compiler must take the wrapper.",
                received=" ".join(said.split())[:500],
                remedy=f"Report it with the options that you gave, or export without {setting('aar')}.",
            )
        if new.is_file():
            _keep(new, kept)
        return {path.relative_to(into).as_posix(): path.read_bytes() for path in files}


def _loaded(java: Path) -> Path:
    """Where this Java finds the compiler's own classes as it had loaded them, which is a third of a compilation.

    Java 13 and later write such an archive, and each reads only its own; an older one ignores both options.
    """
    home = java.resolve().parent.parent
    release = home / "release"
    build = release.read_bytes() if release.is_file() else b""
    key = hashlib.sha256(os.fsencode(home) + b"\0" + build).hexdigest()[:12]
    return _folder().with_name(f"{_folder().name}-{key}.jsa")


def _keep(new: Path, kept: Path) -> None:
    """Take an archive of some 90 MB in place of those from before Java was updated, where the cache can be written."""
    with contextlib.suppress(OSError):
        with write_atomically(kept) as place:
            shutil.copyfile(new, place)
        for other in kept.parent.glob(f"{_folder().name}-*.jsa"):
            if other != kept:
                other.unlink()


def _folder() -> Path:
    """Where the compiler lies; the name holds what its files are."""
    key = hashlib.sha256("".join(FILES.values()).encode()).hexdigest()[:12]
    return cache_folder() / f"kotlin-{VERSION}-{key}"


def _check(folder: Path) -> None:
    received = {path.name: sha256_of(path) for path in folder.iterdir()}
    if received != FILES:
        odd = sorted(name for name in {*received, *FILES} if received.get(name) != FILES.get(name))
        raise ConversionError(
            "The Kotlin compiler is used in one form only, whose sha256 are known.",
            received=f"other files: {', '.join(odd[:3])}",
            remedy="Remove them from Maven's own repository (~/.m2), and see which server Maven is set to ask.",
        )
