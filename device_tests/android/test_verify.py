"""Packages of aapt2, zipalign, apksigner and bundletool around TFLite's own libraries, whole and with each fault."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import maven
import pytest
from android_tools import FRAMEWORK, build_bundle, bundletool, need_tools, run, tflite_library

import edgekit
from edgekit.errors import EdgekitError
from edgekit.runtimes import PROBE
from edgekit_converters.android.verify import Verification

pytestmark = pytest.mark.slow
NAME = "digits.v1.tflite"
ASSET = f"assets/{NAME}"
LIBRARY = "lib/arm64-v8a/libtensorflowlite_jni.so"
MANIFEST = """\
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.example.digits"
    android:versionCode="1">
  <uses-sdk android:minSdkVersion="24" android:targetSdkVersion="29"/>
  <application android:label="digits" android:hasCode="false"/>
</manifest>
"""
CONFIG = {
    "compression": {"uncompressedGlob": ["**.[tT][fF][lL][iI][tT][eE]"]},
    "optimizations": {"uncompressNativeLibraries": {"enabled": True, "alignment": "PAGE_ALIGNMENT_16K"}},
}
Edit = Callable[[dict[str, tuple[bytes, bool]]], None]
"""Changes what a package holds: by name, bytes and whether they are stored."""


@dataclass(frozen=True)
class App:
    """One app, built: its folder, its lock, and the packages."""

    folder: Path
    lock: Path
    apk: Path
    aab: Path


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    need_tools()
    folder = tmp_path_factory.mktemp("app")
    (folder / "assets").mkdir()
    shutil.copy(PROBE, folder / ASSET)
    (folder / "AndroidManifest.xml").write_text(MANIFEST)
    size = PROBE.stat().st_size
    edgekit.lock_models([folder / "assets"], folder / "edgekit.lock", budget={"model_bytes": size})
    return App(folder, folder / "edgekit.lock", build_apk(folder, "app.apk"), build_aab(folder, "app.aab", CONFIG))


def link(folder: Path, name: str, *flags: str) -> Path:
    command = ["aapt2", "link", "-o", name, "--manifest", "AndroidManifest.xml", "-I", FRAMEWORK, "-A", "assets"]
    run(*command, *flags, folder=folder)
    return folder / name


def build_apk(folder: Path, name: str) -> Path:
    """Linked, aligned to pages of 16 KB, and signed."""
    base = link(folder, f"base-{name}", "--no-compress-regex", r"\.tflite$")
    with zipfile.ZipFile(base, "a") as archive:
        archive.writestr(LIBRARY, tflite_library("2.6.0"))
    run("zipalign", "-f", "16384", base.name, f"aligned-{name}", folder=folder)
    key = ["-genkeypair", "-keystore", "ks.p12", "-storetype", "PKCS12", "-storepass", "android", "-alias", "demo"]
    run("keytool", *key, "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=demo", folder=folder)
    signing = ["--ks", "ks.p12", "--ks-pass", "pass:android", "--v1-signing-enabled", "false", "--out", name]
    run("apksigner", "sign", *signing, f"aligned-{name}", folder=folder)
    return folder / name


def build_aab(folder: Path, name: str, config: dict[str, object]) -> Path:
    linked = link(folder, f"proto-{name}.apk", "--proto-format")
    return build_bundle(linked, {LIBRARY: tflite_library("2.6.0")}, config, folder / name)


def said(found: Verification) -> list[str]:
    return [f"{o.check}: {o.where}: {o.said}" for o in found.of("fault", "budget")]


@pytest.mark.parametrize("kind", ["apk", "aab"])
def test_what_the_tools_build_passes(app: App, kind: str) -> None:
    found = edgekit.verify_package(getattr(app, kind), app.lock)
    assert found.exit_code == 0 and not said(found), found.summary()
    assert {"stored", "lock", "duplicates", "budget", "16 KB pages", "operators"} <= {
        o.check for o in found.of("passed")
    }
    assert any("minSdk 24" in o.said for o in found.outcomes)
    assert any("the library in the package is 2.6.0" in o.said for o in found.outcomes)
    assert [o.check for o in found.of("warning")] == ([] if kind == "apk" else ["signature"])


def test_the_tools_take_them_too(app: App) -> None:
    """What EdgeKit passes, Android's own checks pass."""
    run("apksigner", "verify", app.apk, folder=app.folder)
    assert "sdkVersion:'24'" in run("aapt2", "dump", "badging", app.apk, folder=app.folder)
    run("zipalign", "-c", "16384", app.apk, folder=app.folder)
    assert "Feature module: base" in bundletool("validate", f"--bundle={app.aab}", folder=app.folder)
    signing = ["--ks=ks.p12", "--ks-pass=pass:android", "--ks-key-alias=demo", f"--aapt2={shutil.which('aapt2')}"]
    made = ["--mode=universal", f"--bundle={app.aab}", "--output=app.apks"]
    bundletool("build-apks", *made, *signing, folder=app.folder)
    with zipfile.ZipFile(app.folder / "app.apks") as archive:
        archive.extract("universal.apk", app.folder)
    found = edgekit.verify_package(app.folder / "universal.apk", app.lock)
    assert found.exit_code == 0, found.summary()  # as the globs of the bundle promised
    assert any(o.check == "stored" and o.where == ASSET for o in found.of("passed"))


@pytest.mark.parametrize("flag", [["-0", "tflite"], ["-0", ".tflite"], []])
def test_flags_of_aapt2_that_leave_a_model_deflated_are_caught(app: App, flag: list[str]) -> None:
    found = edgekit.verify_package(link(app.folder, "deflated.apk", *flag), app.lock)
    assert found.exit_code == 1 and f"stored: {ASSET}: deflated" in said(found)[0]
    assert "--no-compress-regex" in found.of("fault")[0].remedy and "noCompress" in found.of("fault")[0].remedy


def test_a_bundle_without_the_glob_is_caught(app: App) -> None:
    found = edgekit.verify_package(build_aab(app.folder, "deflated.aab", {}), app.lock)
    assert any(f"stored: base/{ASSET}: deflated in APKs" in line for line in said(found))


def rebuilt(source: Path, target: Path, edit: Edit) -> Path:
    """A package with other content, its stored members aligned again; signatures do not survive."""
    with zipfile.ZipFile(source) as archive:
        held = {i.filename: (archive.read(i), i.compress_type == zipfile.ZIP_STORED) for i in archive.infolist()}
    edit(held)
    raw = target.with_suffix(f".raw{target.suffix}")
    with zipfile.ZipFile(raw, "w") as archive:
        for name, (content, stored) in held.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    if target.suffix == ".apk":
        run("zipalign", "-f", "16384", raw, target, folder=target.parent)
    else:
        raw.rename(target)
    return target


OTHER = PROBE.read_bytes() + bytes(16)
FAULTS: dict[str, tuple[Callable[[str], Edit], str]] = {
    "stale": (lambda root: lambda held: held.update({root + ASSET: (OTHER, True)}), f"lock: ROOT{ASSET}: stale"),
    "doubled": (
        lambda root: lambda held: held.update({f"{root}assets/copy.tflite": held[root + ASSET]}),
        "duplicates: ROOTassets/copy.tflite: the same bytes",
    ),
    "orphaned": (
        lambda root: lambda held: held.update({f"{root}assets/old.tflite": (OTHER, True)}),
        "lock: ROOTassets/old.tflite: an orphan",
    ),
    "missing": (lambda root: lambda held: held.pop(root + ASSET), f"lock: {NAME}: missing"),
    "4 KB library": (
        lambda root: lambda held: held.update({root + LIBRARY: (tflite_library("2.16.1"), True)}),
        f"16 KB pages: ROOT{LIBRARY}: ELF segments are aligned to 4,096",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["apk", "aab"])
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named(app: App, name: str, kind: str, tmp_path: Path) -> None:
    make, wanted = FAULTS[name]
    root = "base/" if kind == "aab" else ""
    source = app.folder / "aligned-app.apk" if kind == "apk" else app.aab
    found = edgekit.verify_package(rebuilt(source, tmp_path / f"app.{kind}", make(root)), app.lock)
    assert found.exit_code == 1 and any(wanted.replace("ROOT", root) in line for line in said(found)), found.summary()


def test_a_library_stored_for_pages_of_4_kb_is_named(app: App, tmp_path: Path) -> None:
    """`zipalign -p 4` places it at a multiple of 4,096 bytes: of two neighbours, at most one is one of 16,384."""
    lines = []
    for more in (0, 4096):
        with zipfile.ZipFile(app.folder / "base-app.apk") as source, zipfile.ZipFile(tmp_path / "raw.apk", "w") as raw:
            for member in source.infolist():
                if member.filename == LIBRARY:
                    raw.writestr("res/raw/more.bin", bytes(more))
                raw.writestr(member, source.read(member), member.compress_type)
        run("zipalign", "-f", "-p", "4", "raw.apk", "app.apk", folder=tmp_path)
        lines += said(edgekit.verify_package(tmp_path / "app.apk", app.lock))
    assert lines and all(f"16 KB pages: {LIBRARY}: stored at byte" in line for line in lines)


def test_a_bundle_for_pages_of_4_kb_is_named(app: App) -> None:
    pages = {"uncompressNativeLibraries": {"enabled": True, "alignment": "PAGE_ALIGNMENT_4K"}}
    found = edgekit.verify_package(build_aab(app.folder, "pages.aab", {**CONFIG, "optimizations": pages}), app.lock)
    assert said(found) == ["16 KB pages: BundleConfig.pb: APKs align libraries to 4,096 bytes"]


def test_a_misaligned_model_is_named(app: App, tmp_path: Path) -> None:
    """A zip tool that knows nothing of alignment."""
    with (
        zipfile.ZipFile(app.folder / "aligned-app.apk") as source,
        zipfile.ZipFile(tmp_path / "app.apk", "w") as target,
    ):
        target.writestr("a" * next(n for n in range(1, 5) if (30 + n + 1 + 30 + len(ASSET)) % 4), b"x")
        target.writestr(ASSET, source.read(ASSET))
        for member in source.namelist():
            if member != ASSET:
                target.writestr(member, source.read(member))
    found = edgekit.verify_package(tmp_path / "app.apk", app.lock)
    assert any(f"alignment: {ASSET}" in line for line in said(found)), found.summary()


def test_lock_and_budget_are_held(app: App, tmp_path: Path) -> None:
    lock = json.loads(app.lock.read_text())
    for change, code, wanted in (
        ({"sha256": "0" * 64}, 1, "stale"),
        ({"bytes": 1}, 1, "the lock was edited"),
        ({"budget": {"model_bytes": PROBE.stat().st_size // 2}}, 3, "model_bytes"),
    ):
        edited = {**lock, "models": [{**lock["models"][0], **change}]}
        (tmp_path / "edgekit.lock").write_text(json.dumps(edited))
        for package in (app.apk, app.aab):
            found = edgekit.verify_package(package, tmp_path / "edgekit.lock")
            assert found.exit_code == code and wanted in said(found)[0]


def cuts(size: int) -> Iterator[int]:
    yield from (0, 1, 21, 22, size // 3, size // 2, size - 100, size - 1)


def test_a_file_that_was_cut_is_one_line(app: App, tmp_path: Path) -> None:
    for package in (app.apk, app.aab):
        data = package.read_bytes()
        for length in cuts(len(data)):
            path = tmp_path / package.name
            path.write_bytes(data[:length])
            with pytest.raises(EdgekitError) as error:
                edgekit.verify_package(path, app.lock)
            assert "whole zip archive" in str(error.value) and "\n" not in str(error.value)


def test_published_libraries_are_told_apart(app: App) -> None:
    """TFLite 2.16.1 is not ready for pages of 16 KB; of 2.6.0 only the arm64 library is."""
    faults = {
        version: said(edgekit.verify_package(maven.fetched(f"tensorflow-lite-{version}.aar")))
        for version in ("2.16.1", "2.6.0")
    }
    assert [line.split("/")[1] for line in faults["2.16.1"]] == ["arm64-v8a", "x86_64"]
    assert [line.split("/")[1] for line in faults["2.6.0"]] == ["x86_64"]
