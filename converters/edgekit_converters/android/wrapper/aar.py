"""An AAR for a Maven repository: the wrapper compiled, the model stored, the same bytes for the same JDK.

A JDK is all that it needs: the few classes of Android and TFLite that a wrapper calls come as signatures, which the
compiler reads in the place of the real ones. They leave no trace in what it makes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from importlib import resources
from io import BytesIO
from pathlib import Path

from edgekit.errors import ConversionError, MissingDependency
from edgekit_converters.android.wrapper.contract import Contract

__all__ = ["MIN_SDK", "RULES", "TFLITE", "compiled", "namespace", "write"]

MIN_SDK = 24
"""What TFLite 2.16.1 needs: its interfaces have static methods."""
TFLITE = "org.tensorflow:tensorflow-lite:2.16.1"
RULES = """# TFLite's native code names these classes, and some of them are not in every version.
-keep class org.tensorflow.lite.** { *; }
-dontwarn org.tensorflow.lite.**
"""
"""For ProGuard and R8, which the app takes over."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can tell."""
STORED = (".tflite", ".golden")
"""A model that is mapped must not be deflated, here and in the app; golden vectors are noise to a packer."""
_QUICK = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
"""A compiler that runs for a second need not be compiled well itself."""
_FIRST = 11
"""The first JDK whose compiler takes `--release 8` and the flags used here."""


def namespace(contract: Contract) -> str:
    """Of the module: no other module of an app, and not the app, may have the same."""
    return f"{contract.package}.{contract.name.lower()}"


def write(
    folder: Path,
    contract: Contract,
    version: str,
    library: str,
    sources: Mapping[str, str],
    assets: Mapping[str, bytes],
) -> None:
    """Write `GROUP/ARTIFACT/VERSION/ARTIFACT-VERSION.aar` and its POM.

    Args:
        folder: Of the repository.
        contract: What is known of the model.
        version: Of the artifact.
        library: The artifact of TFLite that it depends on.
        sources: Files of the wrapper, by name.
        assets: What lies among the assets, by path.

    Raises:
        MissingDependency: There is no JDK, or one that is too old.
        ConversionError: The compiler refuses the sources.
    """
    group, artifact = contract.package, contract.name.lower()
    place = folder / Path(*group.split(".")) / artifact / version
    place.mkdir(parents=True, exist_ok=True)
    content = {
        "AndroidManifest.xml": _manifest(contract).encode(),
        "R.txt": b"",
        "classes.jar": _packed(compiled(sources)),
        "proguard.txt": RULES.encode(),
        **{f"assets/{path}": data for path, data in assets.items()},
    }
    (place / f"{artifact}-{version}.aar").write_bytes(_packed(content))
    (place / f"{artifact}-{version}.pom").write_text(
        _pom(group, artifact, version, library), encoding="utf-8", newline="\n"
    )


def compiled(sources: Mapping[str, str]) -> dict[str, bytes]:
    """The classes of sources, by their paths.

    Raises:
        MissingDependency, ConversionError: As for `write`.
    """
    compiler = shutil.which("javac")
    if compiler is None:
        raise MissingDependency(
            "An AAR needs a JDK, which compiles the wrapper.",
            received="no javac on PATH",
            remedy="Install one, such as openjdk-17-jdk-headless, or export without --aar.",
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
            raise _refused(compiler, done.stderr)
        return {p.relative_to(into).as_posix(): p.read_bytes() for p in sorted(into.rglob("*.class"))}


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
        remedy="Report it with the command that you gave, or export without --aar.",
    )


def _packed(content: Mapping[str, bytes]) -> bytes:
    """A zip that does not tell when or where it was made."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(content):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            entry.compress_type = zipfile.ZIP_STORED if path.endswith(STORED) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content[path], compresslevel=9)
    return stream.getvalue()


def _manifest(contract: Contract) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{namespace(contract)}">
    <uses-sdk android:minSdkVersion="{MIN_SDK}" />
</manifest>
"""


def _pom(group: str, artifact: str, version: str, tflite: str) -> str:
    other, library, number = tflite.split(":")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>{group}</groupId>
  <artifactId>{artifact}</artifactId>
  <version>{version}</version>
  <packaging>aar</packaging>
  <dependencies>
    <dependency>
      <groupId>{other}</groupId>
      <artifactId>{library}</artifactId>
      <version>{number}</version>
      <scope>compile</scope>
    </dependency>
  </dependencies>
</project>
"""
