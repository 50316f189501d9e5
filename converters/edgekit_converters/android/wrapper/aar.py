"""An AAR for a Maven repository: the wrapper's classes, the model stored, the same bytes for the same compiler."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from edgekit_converters.android.wrapper.contract import Contract

__all__ = ["MIN_SDK", "RULES", "TFLITE", "namespace", "write"]

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


def namespace(contract: Contract) -> str:
    """Of the module: no other module of an app, and not the app, may have the same."""
    return f"{contract.package}.{contract.name.lower()}"


def write(
    folder: Path,
    contract: Contract,
    version: str,
    libraries: Mapping[str, str],
    classes: Mapping[str, bytes],
    assets: Mapping[str, bytes],
    rules: str = RULES,
) -> None:
    """Write `GROUP/ARTIFACT/VERSION/ARTIFACT-VERSION.aar` and its POM.

    Args:
        folder: Folder of the repository.
        contract: What is known of the model.
        version: Version of the artifact.
        libraries: What it depends on: artifacts, and whether they are "aar" or "jar".
        classes: Classes of the wrapper, by their paths.
        assets: What lies among the assets, by path.
        rules: For ProGuard and R8.
    """
    group, artifact = contract.package, contract.name.lower()
    place = folder / Path(*group.split(".")) / artifact / version
    place.mkdir(parents=True, exist_ok=True)
    content = {
        "AndroidManifest.xml": _manifest(contract).encode(),
        "R.txt": b"",
        "classes.jar": _packed(classes),
        "proguard.txt": rules.encode(),
        **{f"assets/{path}": data for path, data in assets.items()},
    }
    (place / f"{artifact}-{version}.aar").write_bytes(_packed(content))
    (place / f"{artifact}-{version}.pom").write_text(
        _pom(group, artifact, version, libraries), encoding="utf-8", newline="\n"
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


def _pom(group: str, artifact: str, version: str, libraries: Mapping[str, str]) -> str:
    needed = "".join(_DEPENDENCY.format(*library.split(":"), kind) for library, kind in libraries.items())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>{group}</groupId>
  <artifactId>{artifact}</artifactId>
  <version>{version}</version>
  <packaging>aar</packaging>
  <dependencies>
{needed}  </dependencies>
</project>
"""


_DEPENDENCY = """    <dependency>
      <groupId>{}</groupId>
      <artifactId>{}</artifactId>
      <version>{}</version>
      <type>{}</type>
      <scope>compile</scope>
    </dependency>
"""
