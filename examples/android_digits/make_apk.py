"""Build and sign an APK of this app without Gradle: javac, dx, aapt2, zipalign, apksigner.

    python examples/android_digits/make_apk.py

It shows what a build of an app with a model has to do, and needs nothing of Google's repository: Debian has the tools,
Maven Central the libraries. The key that signs is a throwaway one. An app for users is built with Gradle.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "com.example.digits.app"
MIN_SDK, TARGET_SDK = 24, 34
ABI = "arm64-v8a"
PAGE = 16384
"""Bytes that stored members are aligned to: memory pages of phones with Android 15 and later may have as many."""
PASSWORD = "android"
TOOLS = {
    "javac": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "aapt2": "aapt",
    "zipalign": "zipalign",
    "apksigner": "apksigner",
}
"""Debian's packages, by the programs that are run."""
ANDROID = "android-all-14-robolectric-10818077.jar"
DEXER = "dalvik-dx-14.0.0_r21.jar"
LIBRARIES = {
    ANDROID: (
        "org.robolectric:android-all:14-robolectric-10818077",
        "6be2218c6a53fe3c57bc22ebdc723edcb7270a8a6f187545708aa5c0ed813977",
    ),
    DEXER: (
        "com.jakewharton.android.repackaged:dalvik-dx:14.0.0_r21",
        "9b13bc80bf86f193f8de9c959f52a8ff83fc85a1cc552f5126f1140da9b85a36",
    ),
    "tensorflow-lite-2.6.0.aar": (
        "org.tensorflow:tensorflow-lite:2.6.0:aar",
        "f7dcd32a48dc348ee2eea2bed37044354a21e43dfdf507b6a73b40b05d5793ea",
    ),
    "tensorflow-lite-2.16.1.aar": (
        "org.tensorflow:tensorflow-lite:2.16.1:aar",
        "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
    ),
    "tensorflow-lite-api-2.16.1.aar": (
        "org.tensorflow:tensorflow-lite-api:2.16.1:aar",
        "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
    ),
}
"""By file name: the artifact on Maven Central, and the file's sha256."""
TFLITE = {
    "2.6.0": ("tensorflow-lite-2.6.0.aar",),
    "2.16.1": ("tensorflow-lite-2.16.1.aar", "tensorflow-lite-api-2.16.1.aar"),
}
"""Of these two, only the first is ready for pages of 16 KB, on arm64-v8a."""


@dataclass(frozen=True)
class Built:
    """What a build leaves behind, each a file or a folder."""

    manifest: Path
    assets: Path
    linked: Path
    rules: Path
    classes: Path
    libraries: tuple[Path, ...]
    dex: Path
    native: Path
    aligned: Path
    apk: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=HERE / "build", help="folder of the build")
    parser.add_argument("--module", type=Path, default=HERE / "digits", help="what edgekit export android wrote")
    parser.add_argument("--libraries", type=Path, help="folder that keeps the libraries; default: in the build")
    parser.add_argument("--tflite", choices=TFLITE, default="2.6.0", help="version of TFLite to pack")
    told = parser.parse_args()
    built = build(told.output, told.module, told.libraries or told.output / "libraries", told.tflite)
    print(f"{built.apk}: {built.apk.stat().st_size:,} bytes")


def build(output: Path, module: Path, libraries: Path, tflite: str = "2.6.0") -> Built:
    """Build `digits.apk` in a folder, whose earlier build is replaced."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        sys.exit(f"There is no {', '.join(missing)} here: apt-get install {' '.join(TOOLS[name] for name in missing)}")
    if not (module / "src" / "main" / "java").is_dir():
        sys.exit(
            f"There is no module in Java in {module}. Make one: edgekit export android MODEL.tflite -o {module} "
            "--package com.example.digits --name DigitClassifier"
        )
    work = output / "digits.apk.work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    android = fetched(ANDROID, libraries)
    unpacked = [_unpacked(fetched(name, libraries), work) for name in TFLITE[tflite]]
    jars = tuple(folder / "classes.jar" for folder in unpacked)
    manifest = _manifest(work)
    assets = module / "src" / "main" / "assets"
    linked = link(work, manifest, assets, android)
    classes = _compiled(work, module, (android, *jars))
    dex = _dexed(work, classes, jars, fetched(DEXER, libraries))
    native = unpacked[0] / "jni" / ABI / "libtensorflowlite_jni.so"
    aligned = _aligned(work, linked, dex, native)
    apk = _signed(aligned, output)
    return Built(manifest, assets, linked, work / "rules.pro", classes, jars, dex, native, aligned, apk)


def fetched(name: str, folder: Path) -> Path:
    """A library, from the folder or brought there by Maven."""
    artifact, digest = LIBRARIES[name]
    path = folder / name
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        run("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder.resolve()}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        sys.exit(f"{path} is not the file that this script knows, with sha256 {digest}. Delete it and try again.")
    return path


def link(work: Path, manifest: Path, assets: Path, android: Path, *flags: str) -> Path:
    """Resources, manifest and assets, the model stored: `-0 tflite` would leave it deflated without a word."""
    run("aapt2", "compile", "--dir", HERE / "app" / "src" / "main" / "res", "-o", work / "resources.zip")
    linked = work / ("proto.apk" if "--proto-format" in flags else "linked.apk")
    sdk = ["--min-sdk-version", MIN_SDK, "--target-sdk-version", TARGET_SDK]
    version = ["--version-code", 1, "--version-name", "1.0"]
    sources = ["--java", work / "generated", "--proguard", work / "rules.pro", "--no-compress-regex", r"\.tflite$"]
    command = ["aapt2", "link", "-o", linked, "--manifest", manifest, "-I", android, "-A", assets]
    run(*command, *sdk, *version, *sources, *flags, work / "resources.zip")
    return linked


def run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))[:500]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _manifest(work: Path) -> Path:
    """The manifest with the name of the package, which Gradle takes from its build file."""
    text = (HERE / "app" / "src" / "main" / "AndroidManifest.xml").read_text(encoding="utf-8")
    path = work / "AndroidManifest.xml"
    path.write_text(text.replace("<manifest ", f'<manifest package="{PACKAGE}" ', 1), encoding="utf-8")
    return path


def _unpacked(archive: Path, work: Path) -> Path:
    folder = work / archive.stem
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def _compiled(work: Path, module: Path, path: tuple[Path, ...]) -> Path:
    """Classes of the app, of the module, and of what aapt2 wrote. Java 8 is what the dexer reads."""
    classes = work / "classes"
    folders = (HERE / "app" / "src" / "main" / "java", module / "src" / "main" / "java", work / "generated")
    sources = sorted(source for folder in folders for source in folder.rglob("*.java"))
    flags = ["--release", 8, "-nowarn", "-Xlint:-options", "-encoding", "UTF-8"]
    run("javac", *flags, "-cp", ":".join(map(str, path)), "-d", classes, *sources)
    return classes


def _dexed(work: Path, classes: Path, jars: tuple[Path, ...], dexer: Path) -> Path:
    dex = work / "classes.dex"
    main = ["java", "-cp", dexer, "com.android.dx.command.Main", "--dex"]
    run(*main, f"--min-sdk-version={MIN_SDK}", f"--output={dex}", classes, *jars)
    return dex


def _aligned(work: Path, linked: Path, dex: Path, native: Path) -> Path:
    """Code and the native library beside what was linked; every stored member aligned."""
    packed, aligned = work / "packed.apk", work / "aligned.apk"
    shutil.copy(linked, packed)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.write(dex, "classes.dex", zipfile.ZIP_DEFLATED)
        archive.write(native, f"lib/{ABI}/{native.name}", zipfile.ZIP_STORED)
    run("zipalign", "-f", PAGE, packed, aligned)
    return aligned


def _signed(aligned: Path, output: Path) -> Path:
    key, apk = output / "throwaway.p12", output / "digits.apk"
    if not key.is_file():
        store = ["-keystore", key, "-storetype", "PKCS12", "-storepass", PASSWORD, "-alias", "throwaway"]
        kind = ["-keyalg", "RSA", "-keysize", 2048, "-validity", 10000, "-dname", "CN=throwaway"]
        run("keytool", "-genkeypair", *store, *kind)
    schemes = ["--v1-signing-enabled", "false", "--v4-signing-enabled", "false"]  # Android 7 and later read 2 and 3
    run("apksigner", "sign", "--ks", key, "--ks-pass", f"pass:{PASSWORD}", *schemes, "--out", apk, aligned)
    return apk


if __name__ == "__main__":
    main()
