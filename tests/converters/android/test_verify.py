"""Packages with one fault each, in each container: `verify` names it, and nothing else fails."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from android_packages import KINDS, PAGE, Member, bundle_config, elf, manifest, write_package
from tflite_files import dense_model, packed, spoil

import edgekit
from edgekit.errors import EdgekitError
from edgekit_converters.android.lock import Lock, lock_model, write_lock
from edgekit_converters.android.verify import Verification

MODEL = packed(dense_model())
OTHER = MODEL + bytes(16)
ROOT = {"apk": "", "aab": "base/", "aar": ""}
LIBRARIES = {"apk": "lib/", "aab": "base/lib/", "aar": "jni/"}


@dataclass
class Made:
    """A package of one kind, before it is written."""

    kind: str
    models: list[Member]
    libraries: list[Member]
    others: list[Member]
    min_sdk: int | None = 24
    globs: tuple[str, ...] = ("**.tflite",)
    pages: int | None = 2
    locked: bytes = MODEL
    asset: str = "digits.tflite"
    budget: dict[str, int | float] = field(default_factory=lambda: {"model_bytes": len(MODEL)})

    def member(self, name: str, content: bytes, **how: Any) -> Member:
        return Member(f"{ROOT[self.kind]}assets/{name}", content, **how)

    def write(self, folder: Path) -> Verification:
        members = [manifest(self.kind, self.min_sdk), *self.models, *self.libraries, *self.others]
        if self.kind == "aab":
            members.append(bundle_config(*self.globs, pages=self.pages))
        package = write_package(folder / f"app.{self.kind}", members)
        record = lock_model(self.asset, self.locked, budget=self.budget)
        write_lock(Lock(models=(record,)), folder / "edgekit.lock")
        return edgekit.verify_package(package, folder / "edgekit.lock")


def made(kind: str) -> Made:
    """A package without a fault."""
    whole = Made(kind, [], [], [])
    whole.models = [whole.member("digits.tflite", MODEL, align=16)]
    name = f"{LIBRARIES[kind]}arm64-v8a/libtensorflowlite_jni.so"
    whole.libraries = [Member(name, elf(PAGE), align=PAGE)]
    if kind != "aar":
        whole.others = [Member("META-INF/CERT.RSA", b"signature"), Member("META-INF/CERT.SF", b"signature")]
    return whole


def fails(found: Verification) -> list[tuple[str, str, str]]:
    return [(o.check, o.status, f"{o.where}: {o.said}") for o in found.of("fault", "budget")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_without_a_fault_passes(kind: str, tmp_path: Path) -> None:
    found = made(kind).write(tmp_path)
    assert not fails(found) and found.exit_code == 0
    passed = {o.check for o in found.of("passed")}
    wanted = {"lock", "duplicates", "budget", "16 KB pages", "operators"}
    wanted |= {"apk": {"stored", "alignment", "signature"}, "aab": {"stored", "signature"}, "aar": set()}[kind]
    assert passed >= wanted
    assert [o.check for o in found.of("warning")] == (["stored"] if kind == "aar" else [])


def deflated(package: Made) -> None:
    package.models = [dataclasses.replace(package.models[0], stored=False)]
    package.globs = ("**.png", "assets/*/x.tflite", "*.tflite")


def misaligned(package: Made) -> None:
    package.models = [dataclasses.replace(package.models[0], align=4, off=2)]


def stale(package: Made) -> None:
    package.models = [package.member("digits.tflite", OTHER)]
    package.budget = {}


def doubled(package: Made) -> None:
    package.models.append(package.member("copy.tflite", MODEL))


def twice(package: Made) -> None:
    package.models.append(package.models[0])


def orphaned(package: Made) -> None:
    package.models.append(package.member("old.tflite", OTHER))


def hidden(package: Made) -> None:
    package.models.append(package.member("weights.bin", OTHER))
    package.globs = ("**.{tflite,bin}",)


def raw(package: Made) -> None:
    package.models.append(Member(f"{ROOT[package.kind]}res/raw/weights", OTHER))
    package.globs = ("**.tflite", "res/raw/*")


def missing(package: Made) -> None:
    package.models = [package.member("other.tflite", MODEL)]


def halved(package: Made) -> None:
    package.budget = {"model_bytes": len(MODEL) // 2}


def small_pages(package: Made) -> None:
    package.libraries = [dataclasses.replace(package.libraries[0], content=elf(4096))]


def small_zip_alignment(package: Made) -> None:
    package.libraries = [dataclasses.replace(package.libraries[0], align=PAGE, off=4096)]
    package.pages = 1


def old_library(package: Made) -> None:
    package.libraries = [dataclasses.replace(package.libraries[0], content=elf(PAGE, "2.2.0"))]


def wrong_library(package: Made) -> None:
    package.libraries = [dataclasses.replace(package.libraries[0], content=elf(PAGE, "2.6.0"))]


def old_android(package: Made) -> None:
    package.libraries = [dataclasses.replace(package.libraries[0], content=elf(PAGE, "2.16.1"))]
    package.min_sdk = 21


def cut_model(package: Made) -> None:
    package.models = [package.member("digits.tflite", MODEL[:300])]
    package.locked = MODEL[:300]


FAULTS: dict[str, tuple[Callable[[Made], None], dict[str, str], Sequence[str]]] = {
    "deflated": (deflated, {"stored": "digits.tflite: deflated"}, KINDS),
    "misaligned": (misaligned, {"alignment": "no multiple of 4"}, ["apk"]),
    "stale": (stale, {"lock": "digits.tflite: stale: sha256"}, KINDS),
    "doubled": (doubled, {"duplicates": "copy.tflite: the same bytes as", "lock": "copy.tflite: an orphan"}, KINDS),
    "twice": (twice, {"duplicates": "digits.tflite: 2 members of this one name"}, KINDS),
    "orphaned": (orphaned, {"lock": "old.tflite: an orphan"}, KINDS),
    "hidden": (hidden, {"lock": "weights.bin: an orphan"}, KINDS),
    "raw": (raw, {"lock": "res/raw/weights: an orphan: the lock does not name it, as it lies outside"}, KINDS),
    "missing": (missing, {"lock": "digits.tflite: missing"}, KINDS),
    "halved": (halved, {"budget": f"model_bytes {len(MODEL)} is above {len(MODEL) // 2}"}, KINDS),
    "4 KB library": (
        small_pages,
        {"16 KB pages": "jni.so: ELF segments are aligned to 4,096"},
        KINDS,
    ),
    "4 KB zip": (small_zip_alignment, {"16 KB pages": "4,096"}, ["aab"]),
    "off a page": (small_zip_alignment, {"16 KB pages": "no multiple of 16,384"}, ["apk"]),
    "old library": (old_library, {"operators": "it needs TFLite 2.3.0 or later, for FULLY_CONNECTED version 7"}, KINDS),
    "wrong library": (wrong_library, {"operators": "TensorFlow Lite 2.6 gives the same answer for every"}, KINDS),
    "old Android": (old_android, {"minSdk": "minSdk 21; TFLite 2.16.1 needs 24"}, ["apk", "aab"]),
    "cut model": (cut_model, {"operators": "no whole .tflite"}, KINDS),
}


def test_a_library_of_which_nothing_is_known_is_called_unknown(tmp_path: Path) -> None:
    package = made("apk")
    package.libraries = [dataclasses.replace(package.libraries[0], content=elf(PAGE, "2.10.0"))]
    found = package.write(tmp_path)
    assert found.exit_code == 0 and any("whether TFLite 2.10.0 answers rightly" in o.said for o in found.of("unknown"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in FAULTS for kind in FAULTS[name][2]])
def test_each_fault_is_named_and_alone(name: str, kind: str, tmp_path: Path) -> None:
    change, wanted, _ = FAULTS[name]
    package = made(kind)
    change(package)
    found = package.write(tmp_path)
    assert found.exit_code == (3 if name == "halved" else 1)
    failed = fails(found)
    for check, said in wanted.items():
        assert any(c == check and said in text for c, _, text in failed), failed
    assert {check for check, _, _ in failed} == {*wanted, *(["lock"] if name == "missing" else [])}, failed
    assert all(o.remedy for o in found.of("fault", "budget") if name != "cut model")


@pytest.mark.parametrize("kind", KINDS)
def test_an_edited_lock_is_named(kind: str, tmp_path: Path) -> None:
    made(kind).write(tmp_path)
    lock = tmp_path / "edgekit.lock"
    content = json.loads(lock.read_text())
    content["models"][0]["bytes"] += 1
    lock.write_text(json.dumps(content))
    found = edgekit.verify_package(tmp_path / f"app.{kind}", lock)
    assert [text for _, _, text in fails(found)] == [
        f"{ROOT[kind]}assets/digits.tflite: {len(MODEL):,} bytes, where the lock says {len(MODEL) + 1:,}: "
        "the lock was edited"
    ]


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    unknown: dict[str, Callable[[Made], object]] = {
        "no TFLite library is in the package": lambda p: p.libraries.clear(),
        "the TFLite version of lib/arm64-v8a/libtensorflowlite_jni.so is unknown": lambda p: p.libraries.__setitem__(
            0, dataclasses.replace(p.libraries[0], content=elf(PAGE, None))
        ),
        "its ELF headers cannot be read": lambda p: p.libraries.append(Member("lib/x86_64/libfoo.so", b"no ELF")),
        "which runtime has the custom operator Mine is unknown": lambda p: custom(p, 32, "Mine"),
        "which runtime has FULLY_CONNECTED version 99 is unknown": lambda p: custom(p, None, 99),
        "the manifest cannot be read": lambda p: p.others.append(
            Member("AndroidManifest.xml", b"\3\0\x08\0\xff\xff\xff\xff")
        ),
    }
    for number, (said, change) in enumerate(unknown.items()):
        package = made("apk")
        change(package)
        package.locked = package.models[0].content
        package.budget = {}
        folder = tmp_path / str(number)
        folder.mkdir()
        if "manifest" in said:
            with pytest.warns(UserWarning, match="Duplicate name"):
                found = package.write(folder)
        else:
            found = package.write(folder)
            assert not fails(found), said
        assert any(said in o.said for o in found.of("unknown")), (said, found.summary())


def custom(package: Made, code: int | None, value: Any) -> None:
    """Another operator in the model."""
    model = dense_model()
    if code is None:
        model.operatorCodes[0].version = value
    else:
        spoil(
            "m.operatorCodes[0].builtinCode = m.operatorCodes[0].deprecatedBuiltinCode = 32; "
            f"m.operatorCodes[0].customCode = {value!r}; o.builtinOptions = None; o.builtinOptionsType = 0"
        )(model)
    package.models = [package.member("digits.tflite", packed(model))]


def test_no_lock_is_said(tmp_path: Path) -> None:
    made("apk").write(tmp_path)
    found = edgekit.verify_package(tmp_path / "app.apk")
    assert found.exit_code == 0 and [o.said for o in found.of("unknown") if o.check == "lock"] == ["no lock was given"]


def test_an_unsigned_app_is_a_warning(tmp_path: Path) -> None:
    for kind, said in (("apk", "no device installs it"), ("aab", "no store takes it")):
        package = made(kind)
        package.others = []
        found = package.write(tmp_path)
        assert found.exit_code == 0 and said in found.of("warning")[0].said


def test_a_dexer_that_rewrote_newer_code_lowers_what_the_library_needs(tmp_path: Path) -> None:
    for version, code in ((b"035", 0), (b"037", 1)):
        package = made("apk")
        old_android(package)
        package.others.append(Member("classes.dex", b"dex\n" + version + b"\0"))
        assert package.write(tmp_path).exit_code == code


def test_a_library_alone_leaves_the_code_to_the_build_of_the_app(tmp_path: Path) -> None:
    package = made("aar")
    old_android(package)
    found = package.write(tmp_path)
    assert found.exit_code == 0 and "minSdk 21; TFLite 2.16.1 needs 24" in [o.said for o in found.of("warning")]


def test_the_command_prints_tables_json_and_codes(tmp_path: Path, cli: Any) -> None:
    package = made("apk")
    halved(package)
    package.write(tmp_path)
    result = cli("android", "verify", tmp_path / "app.apk", "--lock", tmp_path / "edgekit.lock", "--json")
    told = json.loads(result.out)
    assert result.code == told["exit_code"] == 3 and told["schema"] == "edgekit.android-verify/1"
    assert [o["check"] for o in told["outcomes"] if o["status"] == "budget"] == ["budget"]
    deflated(package)
    package.write(tmp_path)
    result = cli("android", "verify", tmp_path / "app.apk", "--lock", tmp_path / "edgekit.lock")
    assert result.code == 1 and "noCompress" in result.out and "Failed: 1 fault, 1 budget" in result.out
    result = cli("android", "verify", tmp_path / "app.apk", "--lock", tmp_path / "none.lock")
    assert result.code == 1 and result.err.count("\n") == 1 and "A lock must be a readable file" in result.err


def test_an_absent_package_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=r"An Android package must be a readable file"):
        edgekit.verify_package(tmp_path / "none.apk")
