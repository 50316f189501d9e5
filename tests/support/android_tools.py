"""Real Android tools for device tests: Debian's aapt2, zipalign, apksigner; bundletool and TFLite by Maven, pinned."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import maven
import pytest
from java import QUICK

__all__ = ["FRAMEWORK", "build_bundle", "bundletool", "need_tools", "run", "tflite_library"]

FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
PROGRAMS = ("aapt2", "zipalign", "apksigner", "dexdump", "keytool", "java", "mvn")
_MAIN = "com.android.tools.build.bundletool.BundleToolMain"
_BUNDLETOOL = "com.android.tools.build:bundletool:1.15.6"
_SHA256 = "116893c849d124d23ecb08962c31cc40577f120b02b69707a9399c9bc3582496"
"""Of all files that it needs."""


def need_tools() -> None:
    """Skip where a program is missing; fail in CI."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None] + [str(FRAMEWORK)] * (not FRAMEWORK.is_file())
    if missing:
        reason = f"no {', '.join(missing)}: make device-tools installs them"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def run(*command: object, folder: Path) -> str:
    """A program's output; its failure is the test's."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout


def bundletool(*arguments: object, folder: Path) -> str:
    path = os.pathsep.join(map(str, maven.class_path(_BUNDLETOOL, sha256=_SHA256)))
    return run("java", "-Xmx1g", *QUICK, "-cp", path, _MAIN, *arguments, folder=folder)


def build_bundle(linked: Path, members: Mapping[str, bytes], config: Mapping[str, object], bundle: Path) -> Path:
    """A bundle of one module.

    Args:
        linked: By aapt2, with `--proto-format`.
        members: What comes to it, such as code and native libraries.
        config: For bundletool.
        bundle: The file to write.
    """
    folder = bundle.parent
    # bundletool wants the module's file to bear the module's name
    with zipfile.ZipFile(linked) as source, zipfile.ZipFile(folder / "base.zip", "w") as module:
        for member in source.namelist():
            place = "manifest/AndroidManifest.xml" if member == "AndroidManifest.xml" else member
            module.writestr(place, source.read(member))
        for name, content in members.items():
            module.writestr(name, content)
    (folder / "BundleConfig.json").write_text(json.dumps(config))
    told = ["--modules=base.zip", f"--output={bundle.name}", "--config=BundleConfig.json", "--overwrite"]
    bundletool("build-bundle", *told, folder=folder)
    return bundle


def tflite_library(version: str, abi: str = "arm64-v8a") -> bytes:
    """The native library of a published TFLite, with kernels."""
    return (maven.unpacked(f"tensorflow-lite-{version}.aar") / "jni" / abi / "libtensorflowlite_jni.so").read_bytes()
