"""A folder that Debian's Android plugin 2.2.2 takes for Android's SDK: the framework's classes, Debian's aapt.

The plugin compiles against one jar with Android's classes and Java's: those of release 8 come from the JDK's `ct.sym`.
What it only looks for stands there as a stub.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import maven
import pytest

__all__ = ["PLATFORM", "TOOLS", "make_sdk", "need_plugin"]

PLATFORM, TOOLS = 29, "24.0.0"
_PLUGIN = Path("/usr/share/maven-repo/com/android/tools/build/gradle/2.2.2")
_ANDROID = "android-all-14-robolectric-10818077.jar"
_LINKERS = ("arm-linux-androideabi-ld", "i686-linux-android-ld", "mipsel-linux-android-ld")
_STUBS = ("aidl", "llvm-rs-cc", "bcc_compat", "dx", *_LINKERS)
_JAVA = re.compile(r"(?:java\.[a-z.]+/)?(javax?/.*)\.sig")


def need_plugin() -> None:
    """Skip where Debian's plugin is missing; fail in CI."""
    missing = [name for name in ("gradle", "javac", "aapt", "zipalign") if shutil.which(name) is None]
    missing += [] if _PLUGIN.is_dir() else [str(_PLUGIN)]
    if missing:
        reason = f"no {', '.join(missing)}: make device-tools installs them"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def make_sdk(folder: Path) -> Path:
    """The SDK's folder."""
    platform, tools = folder / "platforms" / f"android-{PLATFORM}", folder / "build-tools" / TOOLS
    for place, told in (
        (platform, f"Pkg.Revision=1\nAndroidVersion.ApiLevel={PLATFORM}\nPlatform.Version=10\n"),
        (tools, f"Pkg.Revision={TOOLS}\n"),
        (folder / "tools", "Pkg.Revision=25.2.5\n"),
        (folder / "platform-tools", f"Pkg.Revision={TOOLS}\n"),
    ):
        place.mkdir(parents=True)
        (place / "source.properties").write_text(f"Pkg.Desc=Android SDK\n{told}")
    (platform / "build.prop").write_text(f"ro.build.version.sdk={PLATFORM}\n")
    (platform / "framework.aidl").write_text("")
    with zipfile.ZipFile(platform / "android.jar", "w") as jar:
        for name, content in {**dict(_of_android()), **dict(_of_java())}.items():
            jar.writestr(name, content)
    for name in ("aapt", "zipalign"):
        (tools / name).symlink_to(shutil.which(name) or "")
    for name in _STUBS:
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    (tools / "lib").mkdir()
    with zipfile.ZipFile(tools / "lib" / "dx.jar", "w"):
        pass
    return folder


def _of_android() -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(maven.fetched(_ANDROID)) as archive:
        for name in archive.namelist():
            if name in ("AndroidManifest.xml", "resources.arsc") or re.match(r"(android|dalvik)/.*\.class", name):
                yield name, archive.read(name)


def _of_java() -> Iterator[tuple[str, bytes]]:
    home = Path(os.path.realpath(shutil.which("javac") or "")).parents[1]
    with zipfile.ZipFile(home / "lib" / "ct.sym") as archive:
        for name in archive.namelist():
            releases, _, path = name.partition("/")
            found = _JAVA.fullmatch(path)
            if "8" in releases and found is not None:
                yield f"{found[1]}.class", archive.read(name)
